// WatchBudget: how many of the user's inotify watches pairloom may take. The kernel counts them for each user
// (fs.inotify.max_user_watches), so that one greedy program starves all others of that user. Runs in: supervisor.
#pragma once

#include <cstdint>

namespace pairloom::watch {

class WatchBudget {
 public:
  // `share` of `limit`, 0 < share <= 1.
  WatchBudget(uint64_t limit, double share) : limit_(limit), allowed_(share_of(limit, share)) {}
  // What /proc/sys/fs/inotify/max_user_watches says; 8192, the kernel's old default, where it cannot be read.
  static uint64_t system_limit();

  bool take() {
    if (used_ >= allowed_) return false;
    ++used_;
    return true;
  }
  void give_back(uint64_t count = 1) { used_ -= count < used_ ? count : used_; }
  void set_share(double share) { allowed_ = share_of(limit_, share); }

  uint64_t used() const { return used_; }
  uint64_t allowed() const { return allowed_; }
  uint64_t limit() const { return limit_; }

 private:
  static uint64_t share_of(uint64_t limit, double share);
  uint64_t limit_, allowed_, used_ = 0;
};

}  // namespace pairloom::watch
