// Paeth's filter of four rows at a time. A pixel waits for the one before it, some ten instructions one after the other;
// four rows, each two pixels behind the one above it, wait together: a vector holds a pixel of each, and what lies above
// a pixel is what came out for the row above two steps ago.
#include <cstring>

#include "workerproc/decode/png_filters.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PAIRLOOM_AVX2 __attribute__((target("avx2")))
#endif

namespace pairloom::workerproc {

#if defined(__x86_64__)
namespace {

constexpr size_t kRows = 4, kLag = 2;  // pixels that a row is behind the one above it

PAIRLOOM_AVX2 inline __m128i load_pixel(const uint8_t* from) {
  int32_t bytes = 0;
  std::memcpy(&bytes, from, sizeof bytes);
  return _mm_cvtsi32_si128(bytes);
}

// Four pixels, one of each row, as 4 x 4 numbers of 16 bits: the first row's in the lowest 64.
PAIRLOOM_AVX2 inline __m256i load_pixels(const uint8_t* a, const uint8_t* b, const uint8_t* c, const uint8_t* d) {
  const __m128i low = _mm_unpacklo_epi32(load_pixel(a), load_pixel(b)),
                high = _mm_unpacklo_epi32(load_pixel(c), load_pixel(d));
  return _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(low, high));
}

template <size_t kPixelBytes>
inline void store_pixel(uint8_t* to, int32_t bytes) {
  std::memcpy(to, &bytes, kPixelBytes);
}

struct Neighbours {
  __m256i left, up, corner;
};
PAIRLOOM_AVX2 inline __m256i paeth(const Neighbours& n) {
  const __m256i up_step = _mm256_sub_epi16(n.up, n.corner), left_step = _mm256_sub_epi16(n.left, n.corner);
  const __m256i to_left = _mm256_abs_epi16(up_step), to_up = _mm256_abs_epi16(left_step),
                to_corner = _mm256_abs_epi16(_mm256_add_epi16(up_step, left_step));
  const __m256i least = _mm256_min_epi16(to_corner, _mm256_min_epi16(to_left, to_up));
  const __m256i else_corner = _mm256_blendv_epi8(n.corner, n.up, _mm256_cmpeq_epi16(least, to_up));
  return _mm256_blendv_epi8(else_corner, n.left, _mm256_cmpeq_epi16(least, to_left));
}

// The pixels [first, last) of one row: the ends, where not all four have one.
void undo_part(uint8_t* row, const uint8_t* above, size_t first, size_t last, size_t step) {
  for (size_t i = first * step; i < last * step; ++i) {
    const int left = i < step ? 0 : row[i - step], corner = i < step ? 0 : above[i - step], up = above[i];
    const int up_step = up - corner, left_step = left - corner;
    const int to_left = up_step < 0 ? -up_step : up_step, to_up = left_step < 0 ? -left_step : left_step,
              both = up_step + left_step, to_corner = both < 0 ? -both : both;
    const int guess = to_left <= to_up && to_left <= to_corner ? left : to_up <= to_corner ? up : corner;
    row[i] = static_cast<uint8_t>(row[i] + guess);
  }
}

template <size_t kPixelBytes>
PAIRLOOM_AVX2 void undo_four(uint8_t* row, size_t stride, size_t pixels) {
  constexpr size_t kStep = kLag * kPixelBytes, kFirst = (kRows - 1) * kLag;
  for (size_t k = 0; k < kRows; ++k)
    undo_part(row + k * stride, row + k * stride - stride, 0, kFirst - k * kLag, kPixelBytes);

  uint8_t *a = row + kFirst * kPixelBytes, *b = a + stride - kStep, *c = b + stride - kStep, *d = c + stride - kStep;
  const uint8_t* above = a - stride;
  // What is left of the four pixels and above that: nothing for the last row, which begins here.
  const __m256i begun = _mm256_setr_epi64x(-1, -1, -1, 0), low_bytes = _mm256_set1_epi16(0xff);
  constexpr size_t kBack = kPixelBytes;
  const auto before = [&](size_t pixels_back, size_t rows_up) PAIRLOOM_AVX2 {
    const size_t back = pixels_back * kBack + rows_up * stride;
    return load_pixels(a - back, b - back, c - back, pixels_back > 0 ? c - back : d - back);
  };
  Neighbours n{_mm256_and_si256(before(1, 0), begun), {}, _mm256_and_si256(before(1, 1), begun)};
  // What came out for the rows two steps ago; below the first row of it lies what the second needs now.
  __m256i last = n.left, last_but_one = before(2, 0);
  for (size_t x = kFirst; x < pixels; ++x) {
    const __m256i shifted = _mm256_permute4x64_epi64(last_but_one, _MM_SHUFFLE(2, 1, 0, 0));
    const __m256i top = _mm256_castsi128_si256(_mm_cvtepu8_epi16(load_pixel(above)));
    n.up = _mm256_blend_epi32(shifted, top, 0x03);
    const __m256i out = _mm256_and_si256(_mm256_add_epi16(load_pixels(a, b, c, d), paeth(n)), low_bytes);
    n.corner = n.up;
    n.left = out;
    last_but_one = last;
    last = out;
    const __m256i bytes = _mm256_packus_epi16(out, out);
    const auto first_two = _mm_cvtsi128_si64(_mm256_castsi256_si128(bytes)),
               last_two = _mm_cvtsi128_si64(_mm256_extracti128_si256(bytes, 1));
    store_pixel<kPixelBytes>(a, static_cast<int32_t>(first_two));
    store_pixel<kPixelBytes>(b, static_cast<int32_t>(first_two >> 32));
    store_pixel<kPixelBytes>(c, static_cast<int32_t>(last_two));
    store_pixel<kPixelBytes>(d, static_cast<int32_t>(last_two >> 32));
    a += kPixelBytes, b += kPixelBytes, c += kPixelBytes, d += kPixelBytes, above += kPixelBytes;
  }
  for (size_t k = 1; k < kRows; ++k)
    undo_part(row + k * stride, row + k * stride - stride, pixels - k * kLag, pixels, kPixelBytes);
}

}  // namespace

bool can_unfilter_four_paeth_rows() {
  return __builtin_cpu_supports("avx2");
}

void unfilter_four_paeth_rows(uint8_t* stored, size_t row_bytes, size_t pixel_bytes) {
  if (pixel_bytes == 3) return undo_four<3>(stored + 1, row_bytes + 1, row_bytes / 3);
  undo_four<4>(stored + 1, row_bytes + 1, row_bytes / 4);
}
#else
bool can_unfilter_four_paeth_rows() {
  return false;
}
void unfilter_four_paeth_rows(uint8_t*, size_t, size_t) {}
#endif

}  // namespace pairloom::workerproc
