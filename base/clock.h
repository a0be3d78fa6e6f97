// Clock: the time, behind a seam that tests replace. Runs in: any process.
#pragma once

#include <cstdint>

namespace pairloom {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t monotonic_ns() const = 0;  // since an arbitrary start; never goes back
  virtual int64_t wall_ns() const = 0;       // since 1970-01-01 UTC
};

// The system's CLOCK_MONOTONIC and CLOCK_REALTIME.
const Clock& system_clock();

}  // namespace pairloom
