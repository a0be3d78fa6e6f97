// Frame: one channel of an image, the input of locating. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pairloom::workerproc {

// Rows follow each other without a gap. Sample: uint8_t or uint16_t. Not owned.
template <class Sample>
struct Frame {
  const Sample* pixels = nullptr;
  uint32_t width_px = 0, height_px = 0;

  const Sample* row(uint32_t y) const { return pixels + size_t{y} * width_px; }
  size_t pixel_count() const { return size_t{width_px} * height_px; }
};

}  // namespace pairloom::workerproc
