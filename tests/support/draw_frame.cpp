#include "tests/support/draw_frame.h"

#include <fmt/format.h>
#include <algorithm>
#include <limits>

namespace pairloom::test {

uint32_t grain_at(uint32_t x, uint32_t y, uint32_t seed) {
  uint32_t h = (x * 73856093u) ^ (y * 19349663u) ^ (seed * 83492791u);
  h ^= h >> 13;
  h *= 0x5bd1e995u;
  return h ^ (h >> 15);
}

template <class Sample>
std::vector<Sample> draw_frame(const FrameOfParticles& what) {
  const int64_t width = what.width, height = what.height;
  std::vector<int64_t> light(static_cast<size_t>(width * height));
  const auto at = [&](int64_t x, int64_t y) -> int64_t& { return light[static_cast<size_t>(y * width + x)]; };
  for (uint32_t y = 0; y < what.height; ++y)
    for (uint32_t x = 0; x < what.width; ++x)
      at(x, y) = what.ground + what.ground * (x + y) / (width + height) +
                 grain_at(x, y, what.seed) % static_cast<uint32_t>(what.grain + 1);
  const int64_t r2 = 256 * what.radius * what.radius;  // in sixteenths of a pixel, as the centres
  for (uint32_t i = 0; i < what.particles; ++i) {
    const int64_t cx = grain_at(i, 1, what.seed + 1) % (16 * what.width),
                  cy = grain_at(i, 2, what.seed + 1) % (16 * what.height);
    const int64_t half = what.peak / 2, top = half + grain_at(i, 3, what.seed + 1) % static_cast<uint32_t>(half + 1);
    for (int64_t y = std::max<int64_t>(0, cy / 16 - what.radius); y < std::min(height, cy / 16 + what.radius + 2); ++y)
      for (int64_t x = std::max<int64_t>(0, cx / 16 - what.radius); x < std::min(width, cx / 16 + what.radius + 2);
           ++x) {
        const int64_t d2 = (16 * x - cx) * (16 * x - cx) + (16 * y - cy) * (16 * y - cy);
        if (d2 < r2) at(x, y) += top * (r2 - d2) * (r2 - d2) / (r2 * r2);
      }
  }
  std::vector<Sample> frame;
  for (const int64_t value : light)
    frame.push_back(static_cast<Sample>(std::min<int64_t>(value, std::numeric_limits<Sample>::max())));
  return frame;
}
template std::vector<uint8_t> draw_frame(const FrameOfParticles&);
template std::vector<uint16_t> draw_frame(const FrameOfParticles&);

std::string pgm_of(const std::vector<uint8_t>& pixels, uint32_t width, uint32_t height) {
  return fmt::format("P5\n{} {}\n255\n", width, height) + std::string(pixels.begin(), pixels.end());
}

}  // namespace pairloom::test
