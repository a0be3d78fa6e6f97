// Raster: what a picture looks like that several workers share: its size and how its pixels lie in memory, rows tightly
// packed from the top. Runs in: supervisor, worker.
#pragma once

#include <cstdint>

namespace pairloom::jobs {

enum class PixelType : uint32_t {
  kGray8 = 1,  // one byte
  kRgba8 = 2,  // R, G, B, A, straight (not premultiplied); A is 255 where the picture has none
  kF32 = 3,    // a grid of numbers
};
constexpr uint32_t kPixelTypeCount = 3;
constexpr uint32_t bytes_per_pixel(PixelType type) {
  return type == PixelType::kGray8 ? 1 : 4;
}

struct RasterInfo {
  uint32_t width_px = 0, height_px = 0;
  PixelType type = PixelType::kGray8;

  uint64_t row_bytes() const { return uint64_t{width_px} * bytes_per_pixel(type); }
  uint64_t bytes() const { return row_bytes() * height_px; }
  friend bool operator==(const RasterInfo&, const RasterInfo&) = default;
};

// As kMaxSidePx of the decoders.
constexpr uint32_t kMaxRasterSidePx = 1'000'000;

}  // namespace pairloom::jobs
