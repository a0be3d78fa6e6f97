#include "workerproc/decode/png_filters.h"

#include <cstdlib>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pairloom::workerproc {
namespace {

enum Filter : uint8_t { kNone = 0, kSub = 1, kUp = 2, kAverage = 3, kPaeth = 4 };

uint8_t paeth(int left, int above, int corner) {
  const int to_left = std::abs(above - corner), to_above = std::abs(left - corner),
            to_corner = std::abs(left + above - 2 * corner);
  if (to_left <= to_above && to_left <= to_corner) return static_cast<uint8_t>(left);
  return static_cast<uint8_t>(to_above <= to_corner ? above : corner);
}

void undo_up(uint8_t* __restrict row, const uint8_t* __restrict above, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) row[i] = static_cast<uint8_t>(row[i] + above[i]);
}

void undo_bytewise(uint8_t filter, uint8_t* row, const uint8_t* above, size_t bytes, size_t step) {
  for (size_t i = 0; i < bytes; ++i) {
    const int left = i < step ? 0 : row[i - step], corner = i < step ? 0 : above[i - step];
    const int guess = filter == kSub       ? left
                      : filter == kAverage ? (left + above[i]) / 2
                                           : paeth(left, above[i], corner);
    row[i] = static_cast<uint8_t>(row[i] + guess);
  }
}

#if defined(__SSE2__)
// A pixel depends on the one before it, so a row cannot be cut into vectors; but the channels of a pixel can be one.
// Four bytes are always loaded; what is not of the pixel is computed with and never stored.
inline __m128i load_pixel(const uint8_t* from) {
  int32_t bytes = 0;
  std::memcpy(&bytes, from, sizeof bytes);
  return _mm_cvtsi32_si128(bytes);
}
template <size_t kPixelBytes>
inline void store_pixel(uint8_t* to, __m128i pixel) {
  const int32_t bytes = _mm_cvtsi128_si32(pixel);
  std::memcpy(to, &bytes, kPixelBytes);
}

template <size_t kPixelBytes>
void undo_sub(uint8_t* row, size_t bytes) {
  __m128i left = _mm_setzero_si128();
  for (size_t i = 0; i < bytes; i += kPixelBytes) {
    left = _mm_add_epi8(left, load_pixel(row + i));
    store_pixel<kPixelBytes>(row + i, left);
  }
}

template <size_t kPixelBytes>
void undo_average(uint8_t* row, const uint8_t* above, size_t bytes) {
  const __m128i one = _mm_set1_epi8(1);
  __m128i left = _mm_setzero_si128();
  for (size_t i = 0; i < bytes; i += kPixelBytes) {
    const __m128i up = load_pixel(above + i);
    // avg_epu8 rounds up, PNG down.
    const __m128i odd = _mm_and_si128(_mm_xor_si128(left, up), one);
    left = _mm_add_epi8(_mm_sub_epi8(_mm_avg_epu8(left, up), odd), load_pixel(row + i));
    store_pixel<kPixelBytes>(row + i, left);
  }
}

inline __m128i magnitude(__m128i x) {
  return _mm_max_epi16(x, _mm_sub_epi16(_mm_setzero_si128(), x));
}
inline __m128i choose(__m128i mask, __m128i yes, __m128i no) {
  return _mm_or_si128(_mm_and_si128(mask, yes), _mm_andnot_si128(mask, no));
}

// In 16 bits a channel, whose upper halves stay 0.
template <size_t kPixelBytes>
void undo_paeth(uint8_t* row, const uint8_t* above, size_t bytes) {
  const __m128i zero = _mm_setzero_si128();
  __m128i left = zero, corner = zero;
  for (size_t i = 0; i < bytes; i += kPixelBytes) {
    const __m128i up = _mm_unpacklo_epi8(load_pixel(above + i), zero);
    const __m128i stored = _mm_unpacklo_epi8(load_pixel(row + i), zero);
    const __m128i up_step = _mm_sub_epi16(up, corner), left_step = _mm_sub_epi16(left, corner);
    const __m128i to_left = magnitude(up_step), to_up = magnitude(left_step),
                  to_corner = magnitude(_mm_add_epi16(up_step, left_step));
    const __m128i least = _mm_min_epi16(to_corner, _mm_min_epi16(to_left, to_up));
    const __m128i guess =
        choose(_mm_cmpeq_epi16(least, to_left), left, choose(_mm_cmpeq_epi16(least, to_up), up, corner));
    corner = up;
    left = _mm_add_epi8(stored, guess);
    store_pixel<kPixelBytes>(row + i, _mm_packus_epi16(left, left));
  }
}

template <size_t kPixelBytes>
void undo_pixelwise(uint8_t filter, uint8_t* row, const uint8_t* above, size_t bytes) {
  if (filter == kSub) return undo_sub<kPixelBytes>(row, bytes);
  if (filter == kAverage) return undo_average<kPixelBytes>(row, above, bytes);
  undo_paeth<kPixelBytes>(row, above, bytes);
}
#endif

}  // namespace

bool unfilter_row(uint8_t filter, uint8_t* row, const uint8_t* above, size_t bytes, size_t pixel_bytes) {
  if (filter > kPaeth) return false;
  if (filter == kNone) return true;
  if (filter == kUp) {
    undo_up(row, above, bytes);
    return true;
  }
#if defined(__SSE2__)
  static constexpr decltype(&undo_pixelwise<1>) kUndo[] = {undo_pixelwise<1>, undo_pixelwise<2>, undo_pixelwise<3>,
                                                           undo_pixelwise<4>};
  if (pixel_bytes <= 4) {
    kUndo[pixel_bytes - 1](filter, row, above, bytes);
    return true;
  }
#endif
  undo_bytewise(filter, row, above, bytes, pixel_bytes);
  return true;
}

size_t unfilter_rows(uint8_t* stored, size_t count, size_t row_bytes, size_t pixel_bytes) {
  static const bool can = can_unfilter_four_paeth_rows();
  const size_t stride = row_bytes + 1;
  const bool four = can && count >= 4 && (pixel_bytes == 3 || pixel_bytes == 4) &&
                    row_bytes >= kPaethRowsLeastPixels * pixel_bytes && stored[0] == kPaeth && stored[stride] == kPaeth && stored[2 * stride] == kPaeth &&
                    stored[3 * stride] == kPaeth;
  if (four) {
    unfilter_four_paeth_rows(stored, row_bytes, pixel_bytes);
    return 4;
  }
  return unfilter_row(stored[0], stored + 1, stored + 1 - stride, row_bytes, pixel_bytes) ? 1 : 0;
}

}  // namespace pairloom::workerproc
