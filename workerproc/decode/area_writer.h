// Takes pixels of the full raster in any order, as decoders hand them out that work in tiles, and keeps the reduced
// picture only: what RowWriter (raster.h) does for rows from top to bottom. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {

class AreaWriter {
 public:
  // `picture` has been begun, outlives this, and is not resized meanwhile. Sets its is_gray.
  AreaWriter(Picture& picture, Samples samples);
  // `count` pixels of row `y`, at columns x, x + step, ...; each pixel of the raster once. What lies outside is ignored.
  // Does not allocate or throw.
  void write(size_t x, size_t y, size_t count, const uint8_t* pixels, size_t step = 1);
  // True if every pixel came.
  bool is_complete() const { return pixels_ >= uint64_t{picture_.full_width_px} * picture_.full_height_px; }
  // Call when all is written. Missing pixels are black.
  void finish();

 private:
  Picture& picture_;
  Samples samples_;
  size_t channels_;
  size_t pixel_bytes_;          // of the picture
  uint64_t pixels_ = 0;         // taken
  std::vector<uint8_t> line_;   // of one write, in the picture's layout
  std::vector<uint16_t> sums_;  // of the reduced picture; at most 64 x 255
};

// RowWriter for a decoder that has reduced the picture to 1/2^levels by itself, as far as it could: the rest of the
// picture's reduction is done here. Rows come from top to bottom. Where they are narrower or fewer than reduced() of the
// full size (by one, where a format rounds down), the last pixel or row is repeated.
class ReducedRowWriter {
 public:
  // `picture` has been begun, outlives this, and is not resized meanwhile; until finish() it describes what is left to do.
  ReducedRowWriter(Picture& picture, Samples samples, uint32_t levels, uint32_t row_px);
  void write(const uint8_t* row);
  void finish();

 private:
  Picture& picture_;
  uint32_t full_width_px_, full_height_px_, row_px_;
  uint8_t reduction_;
  size_t pixel_bytes_;
  std::vector<uint8_t> row_;  // the last one, of full length
  RowWriter writer_;
};

}  // namespace pairloom::workerproc
