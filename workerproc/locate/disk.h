// The disk of pixels that a particle is looked at through, and what is weighed with it. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pairloom::workerproc {

// Pixels whose centres are at most `radius_px` from the middle one. Row dy of it (-radius .. radius) is the columns
// -half_width(dy) .. half_width(dy).
class Disk {
 public:
  explicit Disk(uint32_t radius_px);

  int radius_px() const { return radius_px_; }
  int half_width(int dy) const { return half_widths_[static_cast<size_t>(dy + radius_px_)]; }
  uint32_t pixel_count() const { return pixel_count_; }
  // Sum of dx * dx over all pixels; that of dy * dy is the same.
  uint64_t sum_of_squares() const { return sum_of_squares_; }

 private:
  int radius_px_;
  std::vector<int> half_widths_;
  uint32_t pixel_count_ = 0;
  uint64_t sum_of_squares_ = 0;
};

}  // namespace pairloom::workerproc
