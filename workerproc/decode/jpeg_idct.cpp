#include "workerproc/decode/jpeg_idct.h"

#include <array>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pairloom::workerproc {
namespace {

// Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications" (ICASSP 1989), with
// the outputs averaged in twos or fours, as jidctred.c derives it. Constants are in 1/8192; the first pass keeps 2 more
// bits.
constexpr int kConstBits = 13, kPass1Bits = 2;

// 4 outputs from 8 terms (the fifth does not matter): even part
constexpr int16_t kEven2 = 15137, kEven6 = -6270;
// odd part, outer outputs (first and last) and inner outputs
constexpr int16_t kOuter1 = 20995, kOuter3 = 7373, kOuter5 = -4926, kOuter7 = -4176;
constexpr int16_t kInner1 = 8697, kInner3 = -17799, kInner5 = 11893, kInner7 = -1730;
constexpr int kPass1Shift4 = kConstBits - kPass1Bits + 1, kPass2Shift4 = kConstBits + kPass1Bits + 3 + 1;

// 2 outputs from 8 terms (of the even ones only the first matters)
constexpr int16_t kTwo1 = 29692, kTwo3 = -10426, kTwo5 = 6967, kTwo7 = -5906;
constexpr int kPass1Shift2 = kConstBits - kPass1Bits + 2, kPass2Shift2 = kConstBits + kPass1Bits + 3 + 2;

// Sums wrap, as the vector instructions do; only nonsense gets that far.
uint32_t times(int32_t value, int32_t constant) {
  return static_cast<uint32_t>(value * constant);
}

int32_t descale(uint32_t sum, int shift) {
  return static_cast<int32_t>(sum + (uint32_t{1} << (shift - 1))) >> shift;
}

int32_t saturate16(int32_t value) {
  return std::clamp(value, -32768, 32767);
}
uint8_t to_pixel(int32_t value) {
  return static_cast<uint8_t>(std::clamp(value, -128, 127) + 128);
}

int16_t dequantize(int16_t term, int16_t quant) {
  return static_cast<int16_t>(static_cast<uint32_t>(static_cast<int32_t>(term) * quant));
}

// One-dimensional: v[0..7] -> 4 sums, before descaling.
std::array<uint32_t, 4> four_sums(const std::array<int32_t, 8>& v) {
  const uint32_t even = static_cast<uint32_t>(v[0]) << (kConstBits + 1);
  const uint32_t even26 = times(v[2], kEven2) + times(v[6], kEven6);
  const uint32_t outer = times(v[1], kOuter1) + times(v[3], kOuter3) + times(v[5], kOuter5) + times(v[7], kOuter7);
  const uint32_t inner = times(v[1], kInner1) + times(v[3], kInner3) + times(v[5], kInner5) + times(v[7], kInner7);
  return {even + even26 + outer, even - even26 + inner, even - even26 - inner, even + even26 - outer};
}

std::array<uint32_t, 2> two_sums(const std::array<int32_t, 8>& v) {
  const uint32_t even = static_cast<uint32_t>(v[0]) << (kConstBits + 2);
  const uint32_t odd = times(v[1], kTwo1) + times(v[3], kTwo3) + times(v[5], kTwo5) + times(v[7], kTwo7);
  return {even + odd, even - odd};
}

// Rows 1-3 and 5-7 are zero. Then libjpeg-turbo's SSE2 code takes a short cut that is the same but for wrapping.
bool only_first_row(const int16_t* terms) {
  return std::all_of(terms + 8, terms + 32, [](int16_t t) { return t == 0; }) &&
         std::all_of(terms + 40, terms + 64, [](int16_t t) { return t == 0; });
}

std::array<int32_t, 8> dequantized_column(const int16_t* terms, const int16_t* quant, size_t column) {
  std::array<int32_t, 8> values{};
  for (size_t row = 0; row < 8; ++row) values[row] = dequantize(terms[row * 8 + column], quant[row * 8 + column]);
  return values;
}

}  // namespace

void jpeg_idct_4x4_portable(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  std::array<std::array<int32_t, 8>, 4> rows{};
  const bool short_cut = only_first_row(terms);
  for (size_t column = 0; column < 8; ++column) {
    if (column == 4) continue;
    const auto values = dequantized_column(terms, quant, column);
    const auto sums = four_sums(values);
    for (size_t y = 0; y < 4; ++y)
      rows[y][column] = short_cut ? static_cast<int16_t>(static_cast<uint32_t>(values[0]) << kPass1Bits)
                                  : saturate16(descale(sums[y], kPass1Shift4));
  }
  for (size_t y = 0; y < 4; ++y) {
    const auto sums = four_sums(rows[y]);
    for (size_t x = 0; x < 4; ++x) out[y * stride + x] = to_pixel(descale(sums[x], kPass2Shift4));
  }
}

void jpeg_idct_2x2_portable(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  std::array<std::array<int32_t, 8>, 2> rows{};
  for (const size_t column : {0u, 1u, 3u, 5u, 7u}) {
    const auto sums = two_sums(dequantized_column(terms, quant, column));
    for (size_t y = 0; y < 2; ++y) {
      const int32_t value = descale(sums[y], kPass1Shift2);
      rows[y][column] = column == 0 ? value : saturate16(value);
    }
  }
  for (size_t y = 0; y < 2; ++y) {
    const auto sums = two_sums(rows[y]);
    for (size_t x = 0; x < 2; ++x) out[y * stride + x] = to_pixel(descale(sums[x], kPass2Shift2));
  }
}

#if defined(__SSE2__)
namespace {

__m128i load_row(const int16_t* p) {
  return _mm_load_si128(reinterpret_cast<const __m128i*>(p));
}

__m128i load_dequantized(const int16_t* terms, const int16_t* quant, int row) {
  return _mm_mullo_epi16(load_row(terms + row * 8), load_row(quant + row * 8));
}

// Four times (low, high): what _mm_madd_epi16 multiplies pairs of 16-bit values with.
__m128i pair(int16_t low, int16_t high) {
  return _mm_set1_epi32(
      static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(high)) << 16 | static_cast<uint16_t>(low)));
}

// 16-bit values in the low (kHalf 0) or high half of `v`, sign-extended and shifted left.
template <int kShift>
__m128i widen_low(__m128i v) {
  return _mm_srai_epi32(_mm_unpacklo_epi16(_mm_setzero_si128(), v), 16 - kShift);
}
template <int kShift>
__m128i widen_high(__m128i v) {
  return _mm_srai_epi32(_mm_unpackhi_epi16(_mm_setzero_si128(), v), 16 - kShift);
}

template <int kShift>
__m128i descale(__m128i sums) {
  return _mm_srai_epi32(_mm_add_epi32(sums, _mm_set1_epi32(1 << (kShift - 1))), kShift);
}

// four_sums, each for four columns (or rows): `even` the first terms, already shifted; the others as pairs of terms.
struct FourSums {
  __m128i sum[4];
};
FourSums four_sums(__m128i even, __m128i terms26, __m128i terms13, __m128i terms57) {
  const __m128i even26 = _mm_madd_epi16(terms26, pair(kEven2, kEven6));
  const __m128i outer =
      _mm_add_epi32(_mm_madd_epi16(terms13, pair(kOuter1, kOuter3)), _mm_madd_epi16(terms57, pair(kOuter5, kOuter7)));
  const __m128i inner =
      _mm_add_epi32(_mm_madd_epi16(terms13, pair(kInner1, kInner3)), _mm_madd_epi16(terms57, pair(kInner5, kInner7)));
  const __m128i plus = _mm_add_epi32(even, even26), minus = _mm_sub_epi32(even, even26);
  return {{_mm_add_epi32(plus, outer), _mm_add_epi32(minus, inner), _mm_sub_epi32(minus, inner),
           _mm_sub_epi32(plus, outer)}};
}

void store_4(uint8_t* out, __m128i pixels) {
  const int32_t four = _mm_cvtsi128_si32(pixels);
  std::memcpy(out, &four, sizeof four);
}

}  // namespace

void jpeg_idct_4x4(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  // Columns -> 4 rows of 16-bit intermediates, then transposed: column pairs (0 1), (2 3), (4 5), (6 7) of four values.
  __m128i columns01, columns23, columns45, columns67;
  const __m128i any = _mm_or_si128(_mm_or_si128(_mm_or_si128(load_row(terms + 8), load_row(terms + 16)),
                                                _mm_or_si128(load_row(terms + 24), load_row(terms + 40))),
                                   _mm_or_si128(load_row(terms + 48), load_row(terms + 56)));
  const __m128i row0 = load_dequantized(terms, quant, 0);
  if (_mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128())) == 0xFFFF) {
    const __m128i scaled = _mm_slli_epi16(row0, kPass1Bits);
    const __m128i low = _mm_unpacklo_epi16(scaled, scaled), high = _mm_unpackhi_epi16(scaled, scaled);
    columns01 = _mm_unpacklo_epi32(low, low);
    columns23 = _mm_unpackhi_epi32(low, low);
    columns45 = _mm_unpacklo_epi32(high, high);
    columns67 = _mm_unpackhi_epi32(high, high);
  } else {
    const __m128i row1 = load_dequantized(terms, quant, 1), row2 = load_dequantized(terms, quant, 2);
    const __m128i row3 = load_dequantized(terms, quant, 3), row5 = load_dequantized(terms, quant, 5);
    const __m128i row6 = load_dequantized(terms, quant, 6), row7 = load_dequantized(terms, quant, 7);
    const FourSums left = four_sums(widen_low<kConstBits + 1>(row0), _mm_unpacklo_epi16(row2, row6),
                                    _mm_unpacklo_epi16(row1, row3), _mm_unpacklo_epi16(row5, row7));
    const FourSums right = four_sums(widen_high<kConstBits + 1>(row0), _mm_unpackhi_epi16(row2, row6),
                                     _mm_unpackhi_epi16(row1, row3), _mm_unpackhi_epi16(row5, row7));
    __m128i rows[4];
    for (int y = 0; y < 4; ++y)
      rows[y] = _mm_packs_epi32(descale<kPass1Shift4>(left.sum[y]), descale<kPass1Shift4>(right.sum[y]));
    const __m128i low01 = _mm_unpacklo_epi16(rows[0], rows[1]), high01 = _mm_unpackhi_epi16(rows[0], rows[1]);
    const __m128i low23 = _mm_unpacklo_epi16(rows[2], rows[3]), high23 = _mm_unpackhi_epi16(rows[2], rows[3]);
    columns01 = _mm_unpacklo_epi32(low01, low23);
    columns23 = _mm_unpackhi_epi32(low01, low23);
    columns45 = _mm_unpacklo_epi32(high01, high23);
    columns67 = _mm_unpackhi_epi32(high01, high23);
  }

  // Rows -> pixels; lane = row.
  const FourSums sums = four_sums(widen_low<kConstBits + 1>(columns01), _mm_unpacklo_epi16(columns23, columns67),
                                  _mm_unpackhi_epi16(columns01, columns23), _mm_unpackhi_epi16(columns45, columns67));
  const __m128i pixels02 = _mm_packs_epi32(descale<kPass2Shift4>(sums.sum[0]), descale<kPass2Shift4>(sums.sum[2]));
  const __m128i pixels13 = _mm_packs_epi32(descale<kPass2Shift4>(sums.sum[1]), descale<kPass2Shift4>(sums.sum[3]));
  const __m128i pixels01 = _mm_unpacklo_epi16(pixels02, pixels13), pixels23 = _mm_unpackhi_epi16(pixels02, pixels13);
  const __m128i upper = _mm_unpacklo_epi32(pixels01, pixels23), lower = _mm_unpackhi_epi32(pixels01, pixels23);
  const __m128i pixels = _mm_add_epi8(_mm_packs_epi16(upper, lower), _mm_set1_epi8(-128));
  store_4(out, pixels);
  store_4(out + stride, _mm_srli_si128(pixels, 4));
  store_4(out + 2 * stride, _mm_srli_si128(pixels, 8));
  store_4(out + 3 * stride, _mm_srli_si128(pixels, 12));
}

void jpeg_idct_2x2(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  // Columns -> 2 rows; of the columns 0, 1, 3, 5, 7 matter: 0 in the low halves, the others in both.
  const __m128i row0 = load_dequantized(terms, quant, 0), row1 = load_dequantized(terms, quant, 1);
  const __m128i row3 = load_dequantized(terms, quant, 3), row5 = load_dequantized(terms, quant, 5);
  const __m128i row7 = load_dequantized(terms, quant, 7);
  const __m128i odd_low = _mm_add_epi32(_mm_madd_epi16(_mm_unpacklo_epi16(row1, row3), pair(kTwo1, kTwo3)),
                                        _mm_madd_epi16(_mm_unpacklo_epi16(row5, row7), pair(kTwo5, kTwo7)));
  const __m128i odd_high = _mm_add_epi32(_mm_madd_epi16(_mm_unpackhi_epi16(row1, row3), pair(kTwo1, kTwo3)),
                                         _mm_madd_epi16(_mm_unpackhi_epi16(row5, row7), pair(kTwo5, kTwo7)));
  const __m128i even_low = widen_low<kConstBits + 2>(row0), even_high = widen_high<kConstBits + 2>(row0);
  const __m128i upper_low = descale<kPass1Shift2>(_mm_add_epi32(even_low, odd_low));  // 0 1 . 3
  const __m128i lower_low = descale<kPass1Shift2>(_mm_sub_epi32(even_low, odd_low));
  const __m128i upper_high = descale<kPass1Shift2>(_mm_add_epi32(even_high, odd_high));  // . 5 . 7
  const __m128i lower_high = descale<kPass1Shift2>(_mm_sub_epi32(even_high, odd_high));

  // Rows -> pixels; lanes: upper row, lower row.
  const __m128i upper = _mm_packs_epi32(upper_low, upper_high), lower = _mm_packs_epi32(lower_low, lower_high);
  const __m128i odd_factors = _mm_setr_epi16(0, kTwo1, 0, kTwo3, 0, kTwo5, 0, kTwo7);
  const __m128i upper_odd = _mm_madd_epi16(upper, odd_factors), lower_odd = _mm_madd_epi16(lower, odd_factors);
  const __m128i mixed =
      _mm_add_epi32(_mm_unpacklo_epi32(upper_odd, lower_odd), _mm_unpackhi_epi32(upper_odd, lower_odd));  // u l u l
  const __m128i odd = _mm_add_epi32(mixed, _mm_shuffle_epi32(mixed, 0xEE));                               // lanes 0, 1
  const __m128i even = _mm_slli_epi32(_mm_unpacklo_epi32(upper_low, lower_low), kConstBits + 2);
  const __m128i sums = _mm_unpacklo_epi32(_mm_add_epi32(even, odd), _mm_sub_epi32(even, odd));
  const __m128i words = _mm_packs_epi32(descale<kPass2Shift2>(sums), _mm_setzero_si128());
  const __m128i pixels = _mm_add_epi8(_mm_packs_epi16(words, words), _mm_set1_epi8(-128));
  const auto four = static_cast<uint32_t>(_mm_cvtsi128_si32(pixels));
  const auto first = static_cast<uint16_t>(four), second = static_cast<uint16_t>(four >> 16);
  std::memcpy(out, &first, sizeof first);
  std::memcpy(out + stride, &second, sizeof second);
}
#else
void jpeg_idct_4x4(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  jpeg_idct_4x4_portable(terms, quant, out, stride);
}
void jpeg_idct_2x2(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  jpeg_idct_2x2_portable(terms, quant, out, stride);
}
#endif

}  // namespace pairloom::workerproc
