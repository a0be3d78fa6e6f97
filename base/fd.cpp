#include "base/fd.h"

#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

namespace pairloom {

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

Result<size_t> read_up_to(int fd, void* data, size_t size, const std::string& what) {
  auto* at = static_cast<char*>(data);
  size_t done = 0;
  while (done < size) {
    ssize_t n = ::read(fd, at + done, size - done);
    if (n == 0) break;
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return fail_errno("cannot read " + what, errno);
    }
  }
  return done;
}

Result<size_t> read_up_to_at(int fd, void* data, size_t size, uint64_t offset, const std::string& what) {
  auto* at = static_cast<char*>(data);
  size_t done = 0;
  while (done < size) {
    const ssize_t n = ::pread(fd, at + done, size - done, static_cast<off_t>(offset + done));
    if (n == 0) break;
    if (n > 0) {
      done += static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return fail_errno("cannot read " + what, errno);
    }
  }
  return done;
}

bool stat_open_file(int fd, struct stat& st) {
  return ::syscall(SYS_fstat, fd, &st) == 0;
}

Result<> write_all(int fd, const void* data, size_t size, const std::string& what) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t n = ::write(fd, at, size);
    if (n >= 0) {
      at += n;
      size -= static_cast<size_t>(n);
    } else if (errno != EINTR) {
      return fail_errno("cannot write " + what, errno);
    }
  }
  return {};
}

}  // namespace pairloom
