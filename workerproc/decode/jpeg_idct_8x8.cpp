// The inverse DCT of whole blocks.
#include <algorithm>
#include <array>
#include <cstring>

#include "workerproc/decode/jpeg_idct.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pairloom::workerproc {
namespace {

// Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications" (ICASSP 1989), with
// products collected in pairs, as jidctint-sse2.asm of libjpeg-turbo does. Constants in 1/8192; the first pass keeps 2
// more bits.
constexpr int kConstBits = 13, kPass1Bits = 2;
constexpr int kPass1Shift = kConstBits - kPass1Bits, kPass2Shift = kConstBits + kPass1Bits + 3;
constexpr int16_t k0_298 = 2446, k0_390 = 3196, k0_541 = 4433, k0_765 = 6270, k0_899 = 7373, k1_175 = 9633,
                  k1_501 = 12299, k1_847 = 15137, k1_961 = 16069, k2_053 = 16819, k2_562 = 20995, k3_072 = 25172;

// What two terms are multiplied with, and the products added.
struct Factors {
  int16_t first, second;
};
constexpr Factors kEven3{k0_541 + k0_765, k0_541}, kEven2{k0_541, k0_541 - k1_847};   // of terms 2 and 6
constexpr Factors kZ3{k1_175 - k1_961, k1_175}, kZ4{k1_175, k1_175 - k0_390};         // of terms 3 + 7 and 1 + 5
constexpr Factors kOdd0{k0_298 - k0_899, -k0_899}, kOdd3{-k0_899, k1_501 - k0_899};   // of terms 7 and 1
constexpr Factors kOdd1{k2_053 - k2_562, -k2_562}, kOdd2{-k2_562, k3_072 - k2_562};   // of terms 5 and 3

// Sums wrap, as the vector instructions do; only nonsense gets that far.
uint32_t multiply_add(int16_t a, int16_t b, Factors factors) {
  return static_cast<uint32_t>(a * factors.first) + static_cast<uint32_t>(b * factors.second);
}
int16_t wrap16(int32_t value) {
  return static_cast<int16_t>(static_cast<uint32_t>(value));
}
int16_t descale_saturated(uint32_t sum, int shift) {
  return static_cast<int16_t>(
      std::clamp(static_cast<int32_t>(sum + (uint32_t{1} << (shift - 1))) >> shift, -32768, 32767));
}

using Eight = std::array<int16_t, 8>;

Eight transform(const Eight& in, int shift) {
  const uint32_t sum = static_cast<uint32_t>(wrap16(in[0] + in[4])) << kConstBits;
  const uint32_t difference = static_cast<uint32_t>(wrap16(in[0] - in[4])) << kConstBits;
  const uint32_t even3 = multiply_add(in[2], in[6], kEven3), even2 = multiply_add(in[2], in[6], kEven2);
  const int16_t z3 = wrap16(in[3] + in[7]), z4 = wrap16(in[1] + in[5]);
  const uint32_t both3 = multiply_add(z3, z4, kZ3), both4 = multiply_add(z3, z4, kZ4);
  const std::array<uint32_t, 4> even{sum + even3, difference + even2, difference - even2, sum - even3};
  const std::array<uint32_t, 4> odd{
      multiply_add(in[7], in[1], kOdd3) + both4, multiply_add(in[5], in[3], kOdd2) + both3,
      multiply_add(in[5], in[3], kOdd1) + both4, multiply_add(in[7], in[1], kOdd0) + both3};
  Eight out;
  for (size_t i = 0; i < 4; ++i) {
    out[i] = descale_saturated(even[i] + odd[i], shift);
    out[7 - i] = descale_saturated(even[i] - odd[i], shift);
  }
  return out;
}

}  // namespace

void jpeg_idct_8x8_portable(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  // Then the vector code takes a short cut that is the same but for wrapping.
  const bool only_first_row = std::all_of(terms + 8, terms + 64, [](int16_t t) { return t == 0; });
  std::array<Eight, 8> rows{};
  for (size_t column = 0; column < 8; ++column) {
    Eight values;
    for (size_t row = 0; row < 8; ++row) values[row] = wrap16(terms[row * 8 + column] * quant[row * 8 + column]);
    const Eight done = transform(values, kPass1Shift);
    for (size_t row = 0; row < 8; ++row)
      rows[row][column] = only_first_row ? wrap16(values[0] * (1 << kPass1Bits)) : done[row];
  }
  for (size_t y = 0; y < 8; ++y) {
    const Eight pixels = transform(rows[y], kPass2Shift);
    for (size_t x = 0; x < 8; ++x)
      out[y * stride + x] = static_cast<uint8_t>(std::clamp<int>(pixels[x], -128, 127) + 128);
  }
}

#if defined(__SSE2__)
namespace {

using Rows = __m128i[8];  // eight 16-bit values each

__m128i four_times(Factors f) {
  return _mm_set1_epi32(static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(f.second)) << 16 |
                                             static_cast<uint16_t>(f.first)));
}

// Eight 32-bit sums, of the columns 0-3 and 4-7.
struct Sums {
  __m128i low, high;
};
Sums operator+(Sums a, Sums b) {
  return {_mm_add_epi32(a.low, b.low), _mm_add_epi32(a.high, b.high)};
}
Sums operator-(Sums a, Sums b) {
  return {_mm_sub_epi32(a.low, b.low), _mm_sub_epi32(a.high, b.high)};
}
// Two rows, element by element in pairs.
Sums pairs(__m128i a, __m128i b) {
  return {_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)};
}
Sums multiply_add(Sums two_rows, Factors f) {
  const __m128i factors = four_times(f);
  return {_mm_madd_epi16(two_rows.low, factors), _mm_madd_epi16(two_rows.high, factors)};
}
Sums scaled(__m128i row) {
  const Sums upper = pairs(_mm_setzero_si128(), row);
  return {_mm_srai_epi32(upper.low, 16 - kConstBits), _mm_srai_epi32(upper.high, 16 - kConstBits)};
}
template <int kShift>
__m128i descale(Sums sums) {
  const __m128i half = _mm_set1_epi32(1 << (kShift - 1));
  return _mm_packs_epi32(_mm_srai_epi32(_mm_add_epi32(sums.low, half), kShift),
                         _mm_srai_epi32(_mm_add_epi32(sums.high, half), kShift));
}

// transform() of eight columns at a time.
template <int kShift>
[[gnu::always_inline]] inline void transform_columns(Rows& v) {
  const Sums sum = scaled(_mm_add_epi16(v[0], v[4])), difference = scaled(_mm_sub_epi16(v[0], v[4]));
  const Sums terms26 = pairs(v[2], v[6]);
  const Sums even3 = multiply_add(terms26, kEven3), even2 = multiply_add(terms26, kEven2);
  const Sums z34 = pairs(_mm_add_epi16(v[3], v[7]), _mm_add_epi16(v[1], v[5]));
  const Sums both3 = multiply_add(z34, kZ3), both4 = multiply_add(z34, kZ4);
  const Sums terms71 = pairs(v[7], v[1]), terms53 = pairs(v[5], v[3]);
  const Sums even[4] = {sum + even3, difference + even2, difference - even2, sum - even3};
  const Sums odd[4] = {multiply_add(terms71, kOdd3) + both4, multiply_add(terms53, kOdd2) + both3,
                       multiply_add(terms53, kOdd1) + both4, multiply_add(terms71, kOdd0) + both3};
  for (int i = 0; i < 4; ++i) {
    v[i] = descale<kShift>(even[i] + odd[i]);
    v[7 - i] = descale<kShift>(even[i] - odd[i]);
  }
}

[[gnu::always_inline]] inline void transpose(Rows& v) {
  Rows a, b;
  for (int i = 0; i < 4; ++i) {
    a[2 * i] = _mm_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
    a[2 * i + 1] = _mm_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
  }
  for (int half = 0; half < 8; half += 4)
    for (int i = 0; i < 2; ++i) {
      b[half + 2 * i] = _mm_unpacklo_epi32(a[half + i], a[half + 2 + i]);
      b[half + 2 * i + 1] = _mm_unpackhi_epi32(a[half + i], a[half + 2 + i]);
    }
  for (int i = 0; i < 4; ++i) {
    v[2 * i] = _mm_unpacklo_epi64(b[i], b[4 + i]);
    v[2 * i + 1] = _mm_unpackhi_epi64(b[i], b[4 + i]);
  }
}

}  // namespace

void jpeg_idct_8x8(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  const auto load = [](const int16_t* p, int row) {
    return _mm_load_si128(reinterpret_cast<const __m128i*>(p + 8 * row));
  };
  Rows v;
  __m128i any = _mm_setzero_si128();
  for (int row = 0; row < 8; ++row) {
    v[row] = load(terms, row);
    if (row > 0) any = _mm_or_si128(any, v[row]);
    v[row] = _mm_mullo_epi16(v[row], load(quant, row));
  }
  if (_mm_movemask_epi8(_mm_cmpeq_epi8(any, _mm_setzero_si128())) == 0xFFFF) {
    const __m128i first = _mm_slli_epi16(v[0], kPass1Bits);
    for (__m128i& row : v) row = first;
  } else {
    transform_columns<kPass1Shift>(v);
  }
  transpose(v);
  transform_columns<kPass2Shift>(v);
  transpose(v);
  for (int y = 0; y < 8; y += 2) {
    const __m128i pixels = _mm_add_epi8(_mm_packs_epi16(v[y], v[y + 1]), _mm_set1_epi8(-128));
    uint8_t* const row = out + static_cast<size_t>(y) * stride;
    _mm_storel_epi64(reinterpret_cast<__m128i*>(row), pixels);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(row + stride), _mm_srli_si128(pixels, 8));
  }
}
#else
void jpeg_idct_8x8(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride) {
  jpeg_idct_8x8_portable(terms, quant, out, stride);
}
#endif

}  // namespace pairloom::workerproc
