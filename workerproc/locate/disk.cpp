#include "workerproc/locate/disk.h"

namespace pairloom::workerproc {

Disk::Disk(uint32_t radius_px) : radius_px_(static_cast<int>(radius_px)) {
  for (int dy = -radius_px_; dy <= radius_px_; ++dy) {
    int half = 0;
    while ((half + 1) * (half + 1) + dy * dy <= radius_px_ * radius_px_) ++half;
    half_widths_.push_back(half);
    pixel_count_ += static_cast<uint32_t>(2 * half + 1);
    for (int dx = 1; dx <= half; ++dx) sum_of_squares_ += 2u * static_cast<uint64_t>(dx * dx);
  }
}

}  // namespace pairloom::workerproc
