// PictureView: the source picture as a transform reads it, wherever it lies. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "jobs/transform_job.h"

namespace pairloom::workerproc {

// Borrowed. Rows tightly packed; 1 byte a pixel (gray) or 4 (R, G, B, A; straight alpha).
struct PictureView {
  const uint8_t* pixels = nullptr;
  size_t width = 0, height = 0;
  bool colour = false;     // 4 bytes a pixel
  bool has_alpha = false;  // else every A is 255

  size_t bytes_per_pixel() const { return colour ? 4 : 1; }
  const uint8_t* row(size_t y) const { return pixels + y * width * bytes_per_pixel(); }
};

// Four numbers, one vector register.
using Float4 = float __attribute__((vector_size(16)));

// The four bytes of a pixel as numbers, and back: rounded to nearest, cut off at 0 and 255. g++ 12 takes vectors of four
// bytes apart one by one, hence the instructions by name where they always exist.
inline Float4 load_pixel(const uint8_t* rgba) {
#ifdef __SSE2__
  int32_t bytes;
  std::memcpy(&bytes, rgba, sizeof bytes);
  const __m128i zero = _mm_setzero_si128();
  return _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(bytes), zero), zero));
#else
  return Float4{static_cast<float>(rgba[0]), static_cast<float>(rgba[1]), static_cast<float>(rgba[2]),
                static_cast<float>(rgba[3])};
#endif
}
inline uint8_t to_byte(float value) {
  return static_cast<uint8_t>(value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5f);
}
inline void store_pixel(Float4 pixel, uint8_t* rgba) {
#ifdef __SSE2__
  const __m128i numbers = _mm_cvttps_epi32(pixel + 0.5f);
  const __m128i shorts = _mm_packs_epi32(numbers, numbers);
  const int32_t bytes = _mm_cvtsi128_si32(_mm_packus_epi16(shorts, shorts));
  std::memcpy(rgba, &bytes, sizeof bytes);
#else
  for (int c = 0; c < 4; ++c) rgba[c] = to_byte(pixel[c]);
#endif
}
// With the colours weighted by opacity, so that means of pixels are right: what is transparent lends no colour.
inline Float4 premultiplied(Float4 pixel) {
  const float a = pixel[3];
  return pixel * Float4{a, a, a, 1};
}
// Undoes premultiplied() and rounds.
inline void store_premultiplied(Float4 pixel, uint8_t* rgba) {
  const float a = pixel[3], scale = a > 0 ? 1 / a : 0;
  store_pixel(pixel * Float4{scale, scale, scale, 1}, rgba);
}

}  // namespace pairloom::workerproc
