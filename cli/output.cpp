#include "cli/output.h"

#include <unistd.h>
#include <cerrno>

namespace pairloom::cli {
namespace {
constexpr size_t kBufferBytes = 64 * 1024;
}

Output::Output(int fd) : fd_(fd), immediate_(::isatty(fd) == 1) {}

Output::~Output() {
  flush();
}

void Output::write(std::string_view record) {
  if (!usable()) return;
  buffer_ += record;
  if (immediate_ || buffer_.size() >= kBufferBytes) flush();
}

void Output::flush() {
  std::string_view left = buffer_;
  while (!left.empty() && usable()) {
    const ssize_t n = ::write(fd_, left.data(), left.size());
    if (n >= 0)
      left.remove_prefix(static_cast<size_t>(n));
    else if (errno != EINTR)
      errno_ = errno;
  }
  buffer_.clear();
}

bool Output::reader_gone() const {
  return errno_ == EPIPE;
}

Result<> Output::finish() {
  flush();
  if (usable() || reader_gone()) return {};
  return fail_errno("cannot write the results to standard output", errno_);
}

}  // namespace pairloom::cli
