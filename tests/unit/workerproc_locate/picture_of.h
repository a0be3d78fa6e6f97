// A frame as the decoder would hand it over. Runs in: tests.
#pragma once

#include <cstring>
#include <vector>

#include "workerproc/decode/decode.h"

namespace pairloom::test {

template <class Sample>
workerproc::Picture picture_of(const std::vector<Sample>& pixels, uint32_t width, uint32_t height) {
  workerproc::Picture picture;
  picture.layout = workerproc::PixelLayout::kChannel;
  picture.bits_per_sample = 8 * sizeof(Sample);
  picture.width_px = picture.full_width_px = width;
  picture.height_px = picture.full_height_px = height;
  picture.stride_bytes = static_cast<uint32_t>(width * sizeof(Sample));
  picture.pixels.resize(pixels.size() * sizeof(Sample));
  std::memcpy(picture.pixels.data(), pixels.data(), picture.pixels.size());
  return picture;
}

}  // namespace pairloom::test
