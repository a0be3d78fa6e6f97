// Fd: the one owner of a file descriptor. Every descriptor of pairloom is close-on-exec. Runs in: any process.
#pragma once

#include <sys/stat.h>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace pairloom {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}  // takes ownership; -1 = none
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Whole-buffer I/O that goes on after EINTR and short counts. `what` names the file in errors.
// read_up_to returns the bytes read: fewer than `size` only at end of file.
Result<size_t> read_up_to(int fd, void* data, size_t size, const std::string& what);
// The file's bytes from `offset` on, without the position that all duplicates of a descriptor share.
Result<size_t> read_up_to_at(int fd, void* data, size_t size, uint64_t offset, const std::string& what);
// fstat by the bare system call, false with errno: glibc asks by newfstatat, which could name any file and which the
// sandbox of a worker therefore forbids.
bool stat_open_file(int fd, struct stat& st);
Result<> write_all(int fd, const void* data, size_t size, const std::string& what);

}  // namespace pairloom
