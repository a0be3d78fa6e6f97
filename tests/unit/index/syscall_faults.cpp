#include "syscall_faults.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

namespace pairloom::index::faults {
namespace {

// Read by all threads of a writer.
std::atomic<Effect> effect = Effect::kNone;
std::atomic<uint64_t> countdown = 0;  // calls until the effect; 0 = reached
std::atomic<int> error_number = 0;

bool call_fails() {
  if (effect == Effect::kNone) return false;
  uint64_t left = countdown;
  while (left > 0 && !countdown.compare_exchange_weak(left, left - 1)) {
  }
  if (left > 1) return false;
  if (effect == Effect::kExit) ::_exit(kExitStatus);
  errno = error_number;
  return true;
}

}  // namespace

void arm(Effect what, uint64_t nth, int errnum) {
  countdown = nth;
  error_number = errnum;
  effect = what;
}

bool disarm() {
  effect = Effect::kNone;
  return countdown == 0;
}

}  // namespace pairloom::index::faults

using pairloom::index::faults::call_fails;

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  return call_fails() ? -1 : ::syscall(SYS_pwrite64, fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  return call_fails() ? -1 : ::syscall(SYS_pwrite64, fd, data, size, offset);
}
int fsync(int) {
  return call_fails() ? -1 : 0;
}
int fdatasync(int) {
  return call_fails() ? -1 : 0;
}
int ftruncate(int fd, off_t size) noexcept {
  return call_fails() ? -1 : static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
int ftruncate64(int fd, off64_t size) noexcept {
  return call_fails() ? -1 : static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
int rename(const char* from, const char* to) noexcept {
  return call_fails() ? -1 : static_cast<int>(::syscall(SYS_rename, from, to));
}
int unlink(const char* path) noexcept {
  return call_fails() ? -1 : static_cast<int>(::syscall(SYS_unlink, path));
}

}  // extern "C"
