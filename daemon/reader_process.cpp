#include "daemon/reader_process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>

namespace pairloom::daemon {
namespace {

constexpr size_t kMaxSaidBytes = 4000;

}  // namespace

Result<ReaderProcess> ReaderProcess::start(const std::string& program, const std::vector<std::string>& arguments,
                                           const Fd& input) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe", errno);
  Fd output(ends[0]), written(ends[1]);
  Fd errors(::memfd_create("pairloom-reader-errors", MFD_CLOEXEC));
  if (!errors) return fail_errno("cannot make a memory file", errno);
  if (input) ::lseek(input.get(), 0, SEEK_SET);
  PAIRLOOM_ASSIGN(auto child, ChildProcess::start(program, arguments, {},
                                                  {.input = input.get(), .output = written.get(), .error = errors.get()}));
  return ReaderProcess(std::move(child), std::move(output), std::move(errors));
}

ReaderProcess::Ended ReaderProcess::end() {
  const Death death = child_.end();
  Ended ended{death.by_signal ? 128 + death.code : death.code, std::string(kMaxSaidBytes, '\0')};
  const auto got = read_up_to_at(errors_.get(), ended.said.data(), kMaxSaidBytes, 0, "what a reader said");
  ended.said.resize(got.value_or(0));
  while (ended.said.ends_with('\n')) ended.said.pop_back();
  if (ended.said.empty() && death.by_signal) ended.said = death.text();
  return ended;
}

}  // namespace pairloom::daemon
