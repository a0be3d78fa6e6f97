// StopSignals: SIGINT and SIGTERM as something to wait for, while it lives. Runs in: supervisor.
#pragma once

#include <csignal>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::daemon {

class StopSignals {
 public:
  // Blocks both signals for this process and opens a descriptor that becomes readable when one arrives.
  static Result<StopSignals> catch_them();
  StopSignals(StopSignals&&) noexcept;
  StopSignals& operator=(StopSignals&&) = delete;
  ~StopSignals();  // restores the old mask; an arrived but unread signal is dropped, not delivered late

  int fd() const { return fd_.get(); }
  bool arrived();  // reads the descriptor; stays true once true

 private:
  StopSignals(Fd fd, const sigset_t& old_mask);
  Fd fd_;
  sigset_t old_mask_{};
  bool arrived_ = false;
};

}  // namespace pairloom::daemon
