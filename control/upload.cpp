#include "control/upload.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <atomic>
#include <cerrno>
#include <optional>

#include <fmt/format.h>

namespace pairloom::control {
namespace {

std::atomic<uint64_t> bytes_of_all = 0;

// False when there is no room for them.
bool reserve(uint64_t bytes) {
  uint64_t now = bytes_of_all;
  while (now + bytes <= kMaxBodiesBytes)
    if (bytes_of_all.compare_exchange_weak(now, now + bytes)) return true;
  return false;
}

}  // namespace

Upload::~Upload() {
  bytes_of_all -= bytes_;
}

Result<Upload> Upload::receive(const httplib::ContentReader& reader) {
  Upload upload;
  upload.file_ = Fd(::memfd_create("pairloom-body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!upload.file_) return fail_errno("cannot make a memory file", errno);
  std::optional<Error> wrong;
  const auto take = [&](const char* data, size_t size) {
    const auto refuse = [&](Errc code, std::string why) {
      wrong = Error{code, std::move(why)};
      return false;
    };
    if (upload.bytes_ + size > kMaxBodyBytes)
      return refuse(Errc::kTooLarge, fmt::format("a body of more than {} bytes", kMaxBodyBytes));
    if (!reserve(size)) return refuse(Errc::kIndexLocked, "other clients are sending too much; try again");
    upload.bytes_ += size;
    const auto written = write_all(upload.file_.get(), data, size, "the body");
    return written ? true : refuse(written.error().code, written.error().message);
  };
  const bool complete = reader(take);
  if (wrong) return tl::unexpected<Error>(*wrong);
  if (!complete) return fail(Errc::kInterrupted, "the body did not come whole in time");
  if (::fcntl(upload.file_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("cannot seal the body", errno);
  return upload;
}

Result<std::string> Upload::text() const {
  std::string text(bytes_, '\0');
  PAIRLOOM_ASSIGN(const size_t got, read_up_to_at(file_.get(), text.data(), text.size(), 0, "the body"));
  text.resize(got);
  return text;
}

}  // namespace pairloom::control
