#include "daemon/stop_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>
#include <cerrno>
#include <utility>

namespace pairloom::daemon {

StopSignals::StopSignals(Fd fd, const sigset_t& old_mask) : fd_(std::move(fd)), old_mask_(old_mask) {}

StopSignals::StopSignals(StopSignals&& other) noexcept
    : fd_(std::move(other.fd_)), old_mask_(other.old_mask_), arrived_(other.arrived_) {}

Result<StopSignals> StopSignals::catch_them() {
  sigset_t stop, old_mask;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  if (sigprocmask(SIG_BLOCK, &stop, &old_mask) != 0) return fail_errno("cannot block signals", errno);
  Fd fd(signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) {
    const int errnum = errno;
    sigprocmask(SIG_SETMASK, &old_mask, nullptr);
    return fail_errno("cannot watch for signals", errnum);
  }
  return StopSignals(std::move(fd), old_mask);
}

StopSignals::~StopSignals() {
  if (!fd_) return;
  arrived();
  sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

bool StopSignals::arrived() {
  signalfd_siginfo info;
  while (::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) arrived_ = true;
  return arrived_;
}

}  // namespace pairloom::daemon
