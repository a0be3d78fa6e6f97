// Small pictures for the tests of transforms. Runs in: tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "workerproc/transform/picture_view.h"

namespace pairloom::test {

struct Pixels {
  size_t width = 0, height = 0, channels = 1;  // 1 or 4
  bool has_alpha = false;
  std::vector<uint8_t> bytes;

  const uint8_t* at(size_t x, size_t y) const { return &bytes[(y * width + x) * channels]; }
  workerproc::PictureView view() const { return {bytes.data(), width, height, channels == 4, has_alpha}; }
};

// 0, 1, 2, ... by pixel, in every channel but alpha, which is 255.
inline Pixels counted(size_t width, size_t height, size_t channels) {
  Pixels all{width, height, channels, false, {}};
  for (size_t i = 0; i < width * height; ++i)
    for (size_t c = 0; c < channels; ++c) all.bytes.push_back(c == 3 ? uint8_t{255} : static_cast<uint8_t>(i));
  return all;
}

inline Pixels noise(size_t width, size_t height, size_t channels, bool has_alpha) {
  std::minstd_rand random(7);
  Pixels all{width, height, channels, has_alpha, {}};
  for (size_t i = 0; i < width * height; ++i)
    for (size_t c = 0; c < channels; ++c)
      all.bytes.push_back(c == 3 && !has_alpha ? uint8_t{255} : static_cast<uint8_t>(random() >> 8));
  return all;
}

}  // namespace pairloom::test
