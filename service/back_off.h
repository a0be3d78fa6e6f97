// BackOff: when pairloom holds back because others need the machine. Each sign of pressure holds for a while, signs that
// go on hold on, but not for ever: now and then work is done all the same, or a busy machine would never have a fresh
// index. Runs in: supervisor.
#pragma once

#include <algorithm>
#include <cstdint>

namespace pairloom::service {

class BackOff {
 public:
  static constexpr int64_t kHoldNs = 10'000'000'000, kLongestHoldNs = 120'000'000'000, kReliefNs = 10'000'000'000;

  // True when this begins a hold.
  bool press(int64_t now_ns) {
    if (now_ns < relief_until_ns_) return false;
    const bool begins = !is_holding(now_ns);
    if (begins) began_ns_ = now_ns;
    until_ns_ = std::min(now_ns + kHoldNs, began_ns_ + kLongestHoldNs);
    relief_until_ns_ = until_ns_ == began_ns_ + kLongestHoldNs ? until_ns_ + kReliefNs : 0;
    return begins;
  }
  void release() { until_ns_ = relief_until_ns_ = 0; }
  bool is_holding(int64_t now_ns) const { return now_ns < until_ns_; }
  int64_t until_ns() const { return until_ns_; }  // of the hold, past or present

 private:
  int64_t began_ns_ = 0, until_ns_ = 0, relief_until_ns_ = 0;
};

}  // namespace pairloom::service
