// jpeg_idct.h's transforms with vectors: every 128 bits of a vector hold a row of a block of their own, so that the same
// steps do for vectors of all sizes. jpeg_idct_sse2.cpp, _avx2.cpp and _avx512.cpp say what a vector is. The latter two are
// compiled for processors that may not be there: nothing in here may end up as a function that others are linked with,
// hence no inline functions or templates of std:: and everything with internal linkage. Runs in: worker only.
#pragma once

#include "workerproc/decode/jpeg_idct.h"
#include "workerproc/decode/jpeg_idct_factors.h"

namespace pairloom::workerproc {

extern const JpegIdct kPortableIdct;

#if defined(__x86_64__)
extern const JpegIdct kSse2Idct, kAvx2Idct, kAvx512Idct;
#endif

}  // namespace pairloom::workerproc

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

// The instructions that differ in their names' beginning only.
#define PAIRLOOM_VECTOR_BASE(Name, RegisterType, prefix)                                                   \
  struct Name {                                                                                            \
    using Register = RegisterType;                                                                         \
    static Register add8(Register a, Register b) { return prefix##_add_epi8(a, b); }                       \
    static Register add16(Register a, Register b) { return prefix##_add_epi16(a, b); }                     \
    static Register add32(Register a, Register b) { return prefix##_add_epi32(a, b); }                     \
    static Register subtract16(Register a, Register b) { return prefix##_sub_epi16(a, b); }                \
    static Register subtract32(Register a, Register b) { return prefix##_sub_epi32(a, b); }                \
    static Register multiply16(Register a, Register b) { return prefix##_mullo_epi16(a, b); }              \
    static Register multiply_add(Register a, Register b) { return prefix##_madd_epi16(a, b); }             \
    static Register low8(Register a, Register b) { return prefix##_unpacklo_epi8(a, b); }                  \
    static Register high8(Register a, Register b) { return prefix##_unpackhi_epi8(a, b); }                 \
    static Register low16(Register a, Register b) { return prefix##_unpacklo_epi16(a, b); }                \
    static Register high16(Register a, Register b) { return prefix##_unpackhi_epi16(a, b); }               \
    static Register low32(Register a, Register b) { return prefix##_unpacklo_epi32(a, b); }                \
    static Register high32(Register a, Register b) { return prefix##_unpackhi_epi32(a, b); }               \
    static Register low64(Register a, Register b) { return prefix##_unpacklo_epi64(a, b); }                \
    static Register high64(Register a, Register b) { return prefix##_unpackhi_epi64(a, b); }               \
    static Register pack16(Register a, Register b) { return prefix##_packs_epi16(a, b); }                  \
    static Register pack32(Register a, Register b) { return prefix##_packs_epi32(a, b); }                  \
    static Register all8(int8_t value) { return prefix##_set1_epi8(value); }                               \
    static Register all16(int16_t value) { return prefix##_set1_epi16(value); }                            \
    static Register all32(int32_t value) { return prefix##_set1_epi32(value); }                            \
    template <int kBits>                                                                                   \
    static Register right32(Register a) {                                                                  \
      return prefix##_srai_epi32(a, kBits);                                                                \
    }                                                                                                      \
    template <int kBits>                                                                                   \
    static Register left32(Register a) {                                                                   \
      return prefix##_slli_epi32(a, kBits);                                                                \
    }                                                                                                      \
  }

namespace pairloom::workerproc {
namespace {

// `V`: one of those, and
//   kBlocks                 blocks in a vector
//   Register load(p)        a row of kBlocks blocks, aligned
//   Register repeat(p)      eight values for every block, 16-byte aligned
//   bool any(a)             whether a bit is set
//   __m128i lane<i>(a)      what belongs to block i
template <class V>
class VectorIdct {
  using Register = typename V::Register;

 public:
  static void to_8x8(const JpegTerms& terms, const int16_t* quant, uint8_t* const* out, size_t count, size_t stride) {
    for (size_t first = 0; first < count; first += V::kBlocks) {
      Register v[8];
      for (size_t row = 0; row < 8; ++row) v[row] = dequantized(terms, first, quant, row);
      if (is_wild(v[0])) [[unlikely]]
        return kPortableIdct.to_8x8(terms, quant, out, count, stride);
      transform_columns<jpeg_idct::kPass1Shift>(v);
      transpose(v);
      transform_columns<jpeg_idct::kPass2Shift>(v);
      Register pixels[4];
      transpose_to_pixels(v, pixels);
      store_8x8<0>(pixels, out + first, count - first, stride);
    }
  }

  static void to_4x4(const JpegTerms& terms, const int16_t* quant, uint8_t* const* out, size_t count, size_t stride) {
    for (size_t first = 0; first < count; first += V::kBlocks) {
      Register v[8];
      for (size_t row = 0; row < 8; ++row)
        if (row != 4) v[row] = dequantized(terms, first, quant, row);
      if (is_wild(v[0])) [[unlikely]]
        return kPortableIdct.to_4x4(terms, quant, out, count, stride);
      store_4x4<0>(four_by_four(v), out + first, count - first, stride);
    }
  }

  static void to_2x2(const JpegTerms& terms, const int16_t* quant, uint8_t* const* out, size_t count, size_t stride) {
    for (size_t first = 0; first < count; first += V::kBlocks)
      store_2x2<0>(two_by_two(terms, first, quant), out + first, count - first, stride);
  }

 private:
  static Register dequantized(const JpegTerms& terms, size_t first, const int16_t* quant, size_t row) {
    return V::multiply16(V::load(terms.block(first) + row * JpegTerms::kRowStep), V::repeat(quant + row * 8));
  }
  // Where libjpeg-turbo's short cut for blocks with nothing but a first row makes a difference.
  static bool is_wild(Register first_row) {
    constexpr int16_t kOutside = static_cast<int16_t>(~(2 * jpeg_idct::kWild - 1));
    return V::any(V::add16(first_row, V::all16(jpeg_idct::kWild)) & V::all16(kOutside));
  }

  // Eight 32-bit sums a block: of its columns 0-3 and 4-7.
  struct Sums {
    Register low, high;
    friend Sums operator+(Sums a, Sums b) { return {V::add32(a.low, b.low), V::add32(a.high, b.high)}; }
    friend Sums operator-(Sums a, Sums b) { return {V::subtract32(a.low, b.low), V::subtract32(a.high, b.high)}; }
  };
  // Two rows, element by element in pairs.
  static Sums pairs(Register a, Register b) { return {V::low16(a, b), V::high16(a, b)}; }
  static Register four_times(jpeg_idct::Factors f) {
    return V::all32(static_cast<int32_t>(static_cast<uint32_t>(static_cast<uint16_t>(f.second)) << 16 |
                                         static_cast<uint16_t>(f.first)));
  }
  static Register multiply_add(Register terms, jpeg_idct::Factors f) { return V::multiply_add(terms, four_times(f)); }
  static Sums multiply_add(Sums terms, jpeg_idct::Factors f) {
    return {multiply_add(terms.low, f), multiply_add(terms.high, f)};
  }
  // 16-bit values, shifted left.
  template <int kBits>
  static Register widen_low(Register row) {
    return V::template right32<16 - kBits>(V::low16(V::all16(0), row));
  }
  template <int kBits>
  static Register widen_high(Register row) {
    return V::template right32<16 - kBits>(V::high16(V::all16(0), row));
  }
  template <int kShift>
  static Register half() {
    return V::all32(1 << (kShift - 1));
  }
  template <int kShift>
  static Register descale(Register sums) {
    return V::template right32<kShift>(V::add32(sums, half<kShift>()));
  }

  // Eight columns at a time.
  template <int kShift>
  static void transform_columns(Register (&v)[8]) {
    using namespace jpeg_idct;
    const auto widen_and_round = [](Register row) {
      return Sums{V::add32(widen_low<kConstBits>(row), half<kShift>()),
                  V::add32(widen_high<kConstBits>(row), half<kShift>())};
    };
    const Sums sum = widen_and_round(V::add16(v[0], v[4])), difference = widen_and_round(V::subtract16(v[0], v[4]));
    const Sums terms26 = pairs(v[2], v[6]);
    const Sums even3 = multiply_add(terms26, kEven3), even2 = multiply_add(terms26, kEven2);
    const Sums z34 = pairs(V::add16(v[3], v[7]), V::add16(v[1], v[5]));
    const Sums both3 = multiply_add(z34, kZ3), both4 = multiply_add(z34, kZ4);
    const Sums terms71 = pairs(v[7], v[1]), terms53 = pairs(v[5], v[3]);
    const Sums even[4] = {sum + even3, difference + even2, difference - even2, sum - even3};
    const Sums odd[4] = {multiply_add(terms71, kOdd3) + both4, multiply_add(terms53, kOdd2) + both3,
                         multiply_add(terms53, kOdd1) + both4, multiply_add(terms71, kOdd0) + both3};
    const auto shifted = [](Sums sums) {
      return V::pack32(V::template right32<kShift>(sums.low), V::template right32<kShift>(sums.high));
    };
    for (size_t i = 0; i < 4; ++i) {
      v[i] = shifted(even[i] + odd[i]);
      v[7 - i] = shifted(even[i] - odd[i]);
    }
  }

  static void transpose(Register (&v)[8]) {
    Register a[8], b[8];
    for (size_t i = 0; i < 4; ++i) {
      a[2 * i] = V::low16(v[2 * i], v[2 * i + 1]);
      a[2 * i + 1] = V::high16(v[2 * i], v[2 * i + 1]);
    }
    for (size_t half = 0; half < 8; half += 4)
      for (size_t i = 0; i < 2; ++i) {
        b[half + 2 * i] = V::low32(a[half + i], a[half + 2 + i]);
        b[half + 2 * i + 1] = V::high32(a[half + i], a[half + 2 + i]);
      }
    for (size_t i = 0; i < 4; ++i) {
      v[2 * i] = V::low64(b[i], b[4 + i]);
      v[2 * i + 1] = V::high64(b[i], b[4 + i]);
    }
  }

  // Columns of 16-bit values -> rows of pixels, two in a register.
  static void transpose_to_pixels(const Register (&v)[8], Register (&pixels)[4]) {
    Register bytes[4];  // columns i and i + 4
    for (size_t i = 0; i < 4; ++i) bytes[i] = V::add8(V::pack16(v[i], v[i + 4]), V::all8(-128));
    const Register columns01 = V::low8(bytes[0], bytes[1]), columns23 = V::low8(bytes[2], bytes[3]);
    const Register columns45 = V::high8(bytes[0], bytes[1]), columns67 = V::high8(bytes[2], bytes[3]);
    const Register left_upper = V::low16(columns01, columns23), left_lower = V::high16(columns01, columns23);
    const Register right_upper = V::low16(columns45, columns67), right_lower = V::high16(columns45, columns67);
    pixels[0] = V::low32(left_upper, right_upper);
    pixels[1] = V::high32(left_upper, right_upper);
    pixels[2] = V::low32(left_lower, right_lower);
    pixels[3] = V::high32(left_lower, right_lower);
  }

  // Four sums of four columns (or rows) of each block: `even` the first terms, already shifted; the others as pairs.
  struct FourSums {
    Register sum[4];
  };
  static FourSums four_sums(Register even, Register terms26, Register terms13, Register terms57) {
    using namespace jpeg_idct;
    const Register even26 = multiply_add(terms26, kFourEven);
    const Register outer = V::add32(multiply_add(terms13, kOuter13), multiply_add(terms57, kOuter57));
    const Register inner = V::add32(multiply_add(terms13, kInner13), multiply_add(terms57, kInner57));
    const Register plus = V::add32(even, even26), minus = V::subtract32(even, even26);
    return {{V::add32(plus, outer), V::add32(minus, inner), V::subtract32(minus, inner), V::subtract32(plus, outer)}};
  }

  // Four rows of four pixels for each block. v[4] does not matter.
  static Register four_by_four(const Register (&v)[8]) {
    using namespace jpeg_idct;
    constexpr int kShift1 = kPass1Shift + kHalfBits, kShift2 = kPass2Shift + kHalfBits, kBits = kConstBits + kHalfBits;
    const Sums terms26 = pairs(v[2], v[6]), terms13 = pairs(v[1], v[3]), terms57 = pairs(v[5], v[7]);
    const FourSums left = four_sums(widen_low<kBits>(v[0]), terms26.low, terms13.low, terms57.low);
    const FourSums right = four_sums(widen_high<kBits>(v[0]), terms26.high, terms13.high, terms57.high);
    Register rows[4];
    for (size_t y = 0; y < 4; ++y)
      rows[y] = V::pack32(descale<kShift1>(left.sum[y]), descale<kShift1>(right.sum[y]));

    // Pairs of columns of four values.
    const Sums upper = pairs(rows[0], rows[1]), lower = pairs(rows[2], rows[3]);
    const Register columns01 = V::low32(upper.low, lower.low), columns23 = V::high32(upper.low, lower.low);
    const Register columns45 = V::low32(upper.high, lower.high), columns67 = V::high32(upper.high, lower.high);
    const FourSums done = four_sums(widen_low<kBits>(columns01), V::low16(columns23, columns67),
                                    V::high16(columns01, columns23), V::high16(columns45, columns67));
    const Register pixels02 = V::pack32(descale<kShift2>(done.sum[0]), descale<kShift2>(done.sum[2]));
    const Register pixels13 = V::pack32(descale<kShift2>(done.sum[1]), descale<kShift2>(done.sum[3]));
    const Register pixels01 = V::low16(pixels02, pixels13), pixels23 = V::high16(pixels02, pixels13);
    return V::add8(V::pack16(V::low32(pixels01, pixels23), V::high32(pixels01, pixels23)), V::all8(-128));
  }

  // Two rows of two pixels for each block, in its lowest four bytes.
  static Register two_by_two(const JpegTerms& terms, size_t first, const int16_t* quant) {
    using namespace jpeg_idct;
    constexpr int kShift1 = kPass1Shift + kQuarterBits, kShift2 = kPass2Shift + kQuarterBits,
                  kBits = kConstBits + kQuarterBits;
    const auto row = [&](size_t index) { return dequantized(terms, first, quant, index); };
    // Columns -> 2 rows; of the columns 0, 1, 3, 5, 7 matter: 0 in the low halves, the others in both.
    const Register row0 = row(0);
    const Sums terms13 = pairs(row(1), row(3)), terms57 = pairs(row(5), row(7));
    const Sums odd_terms = multiply_add(terms13, kTwo13) + multiply_add(terms57, kTwo57);
    const Sums even_terms{widen_low<kBits>(row0), widen_high<kBits>(row0)};
    const Sums upper_sums = even_terms + odd_terms, lower_sums = even_terms - odd_terms;
    const Register upper_low = descale<kShift1>(upper_sums.low), upper_high = descale<kShift1>(upper_sums.high);
    const Register lower_low = descale<kShift1>(lower_sums.low), lower_high = descale<kShift1>(lower_sums.high);

    // Rows -> pixels.
    alignas(16) static constexpr int16_t kOddFactors[8] = {
        0, kTwo13.first, 0, kTwo13.second, 0, kTwo57.first, 0, kTwo57.second};
    const Register factors = V::repeat(kOddFactors);
    const Register upper = V::multiply_add(V::pack32(upper_low, upper_high), factors);
    const Register lower = V::multiply_add(V::pack32(lower_low, lower_high), factors);
    const Register mixed = V::add32(V::low32(upper, lower), V::high32(upper, lower));
    const Register odd = V::add32(mixed, V::high64(mixed, mixed));
    const Register even = V::template left32<kBits>(V::low32(upper_low, lower_low));
    const Register sums = V::low32(V::add32(even, odd), V::subtract32(even, odd));
    const Register words = V::pack32(descale<kShift2>(sums), V::all32(0));
    return V::add8(V::pack16(words, words), V::all8(-128));
  }

  template <size_t kLane>
  static void store_8x8(const Register (&pixels)[4], uint8_t* const* out, size_t count, size_t stride) {
    if (kLane >= count) return;
    for (size_t i = 0; i < 4; ++i) {
      const __m128i rows = V::template lane<kLane>(pixels[i]);
      uint8_t* const row = out[kLane] + 2 * i * stride;
      _mm_storel_epi64(reinterpret_cast<__m128i*>(row), rows);
      _mm_storel_epi64(reinterpret_cast<__m128i*>(row + stride), _mm_unpackhi_epi64(rows, rows));
    }
    if constexpr (kLane + 1 < V::kBlocks) store_8x8<kLane + 1>(pixels, out, count, stride);
  }

  template <size_t kLane>
  static void store_4x4(Register pixels, uint8_t* const* out, size_t count, size_t stride) {
    if (kLane >= count) return;
    alignas(16) uint8_t rows[16];
    _mm_store_si128(reinterpret_cast<__m128i*>(rows), V::template lane<kLane>(pixels));
    for (size_t y = 0; y < 4; ++y) std::memcpy(out[kLane] + y * stride, rows + y * 4, 4);
    if constexpr (kLane + 1 < V::kBlocks) store_4x4<kLane + 1>(pixels, out, count, stride);
  }

  template <size_t kLane>
  static void store_2x2(Register pixels, uint8_t* const* out, size_t count, size_t stride) {
    if (kLane >= count) return;
    const int32_t rows = _mm_cvtsi128_si32(V::template lane<kLane>(pixels));
    const int16_t first = static_cast<int16_t>(rows), second = static_cast<int16_t>(rows >> 16);
    std::memcpy(out[kLane], &first, sizeof first);
    std::memcpy(out[kLane] + stride, &second, sizeof second);
    if constexpr (kLane + 1 < V::kBlocks) store_2x2<kLane + 1>(pixels, out, count, stride);
  }
};

}  // namespace
}  // namespace pairloom::workerproc
#endif
