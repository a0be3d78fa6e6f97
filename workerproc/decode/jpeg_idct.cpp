#include "workerproc/decode/jpeg_idct.h"

#include <array>

#include "workerproc/decode/jpeg_idct_factors.h"
#include "workerproc/decode/jpeg_idct_vectors.h"

namespace pairloom::workerproc {
namespace {

using namespace jpeg_idct;

// Sums wrap, as the vector instructions do; only nonsense gets that far.
uint32_t times(int32_t value, int32_t factor) {
  return static_cast<uint32_t>(value * factor);
}
uint32_t multiply_add(int32_t a, int32_t b, Factors factors) {
  return times(a, factors.first) + times(b, factors.second);
}
int16_t wrap16(int32_t value) {
  return static_cast<int16_t>(static_cast<uint32_t>(value));
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

using Eight = std::array<int32_t, 8>;

template <size_t kSide>
std::array<uint32_t, kSide> sums(const Eight& in);

template <>
std::array<uint32_t, 8> sums<8>(const Eight& in) {
  const uint32_t sum = static_cast<uint32_t>(wrap16(in[0] + in[4])) << kConstBits;
  const uint32_t difference = static_cast<uint32_t>(wrap16(in[0] - in[4])) << kConstBits;
  const uint32_t even3 = multiply_add(in[2], in[6], kEven3), even2 = multiply_add(in[2], in[6], kEven2);
  const int16_t z3 = wrap16(in[3] + in[7]), z4 = wrap16(in[1] + in[5]);
  const uint32_t both3 = multiply_add(z3, z4, kZ3), both4 = multiply_add(z3, z4, kZ4);
  const std::array<uint32_t, 4> even{sum + even3, difference + even2, difference - even2, sum - even3};
  const std::array<uint32_t, 4> odd{
      multiply_add(in[7], in[1], kOdd3) + both4, multiply_add(in[5], in[3], kOdd2) + both3,
      multiply_add(in[5], in[3], kOdd1) + both4, multiply_add(in[7], in[1], kOdd0) + both3};
  std::array<uint32_t, 8> out;
  for (size_t i = 0; i < 4; ++i) {
    out[i] = even[i] + odd[i];
    out[7 - i] = even[i] - odd[i];
  }
  return out;
}

template <>
std::array<uint32_t, 4> sums<4>(const Eight& in) {
  const uint32_t even = static_cast<uint32_t>(in[0]) << (kConstBits + kHalfBits);
  const uint32_t even26 = multiply_add(in[2], in[6], kFourEven);
  const uint32_t outer = multiply_add(in[1], in[3], kOuter13) + multiply_add(in[5], in[7], kOuter57);
  const uint32_t inner = multiply_add(in[1], in[3], kInner13) + multiply_add(in[5], in[7], kInner57);
  return {even + even26 + outer, even - even26 + inner, even - even26 - inner, even + even26 - outer};
}

template <>
std::array<uint32_t, 2> sums<2>(const Eight& in) {
  const uint32_t even = static_cast<uint32_t>(in[0]) << (kConstBits + kQuarterBits);
  const uint32_t odd = multiply_add(in[1], in[3], kTwo13) + multiply_add(in[5], in[7], kTwo57);
  return {even + odd, even - odd};
}

// Whether libjpeg-turbo's SSE2 code takes a short cut that is the same but for wrapping. Our vectors take none: they leave
// blocks where it makes a difference to this code.
template <size_t kSide>
bool is_short_cut(const int16_t* block) {
  if (kSide == 2) return false;
  for (size_t row = 1; row < 8; ++row) {
    if (kSide == 4 && row == 4) continue;
    const int16_t* const terms = block + row * JpegTerms::kRowStep;
    if (std::any_of(terms, terms + 8, [](int16_t term) { return term != 0; })) return false;
  }
  return true;
}

template <size_t kSide>
void transform(const int16_t* block, const int16_t* quant, uint8_t* out, size_t stride) {
  constexpr int kMoreBits = kSide == 8 ? 0 : kSide == 4 ? kHalfBits : kQuarterBits;
  std::array<Eight, kSide> rows{};
  const bool short_cut = is_short_cut<kSide>(block);
  for (size_t column = 0; column < 8; ++column) {
    Eight values;
    for (size_t row = 0; row < 8; ++row)
      values[row] = wrap16(block[row * JpegTerms::kRowStep + column] * quant[row * 8 + column]);
    const auto done = sums<kSide>(values);
    for (size_t y = 0; y < kSide; ++y) {
      const int32_t value = descale(done[y], kPass1Shift + kMoreBits);
      // The 2x2 transform keeps its means as they are.
      rows[y][column] = short_cut                   ? wrap16(values[0] * (1 << kPass1Bits))
                        : kSide == 2 && column == 0 ? value
                                                    : saturate16(value);
    }
  }
  for (size_t y = 0; y < kSide; ++y) {
    const auto done = sums<kSide>(rows[y]);
    for (size_t x = 0; x < kSide; ++x) out[y * stride + x] = to_pixel(descale(done[x], kPass2Shift + kMoreBits));
  }
}

template <size_t kSide>
void transform_blocks(const JpegTerms& terms, const int16_t* quant, uint8_t* const* out, size_t count, size_t stride) {
  for (size_t i = 0; i < count; ++i) transform<kSide>(terms.block(i), quant, out[i], stride);
}

struct Available {
  std::array<JpegIdct, 4> idcts;
  size_t count = 0;
  void add(const JpegIdct& idct) { idcts[count++] = idct; }
};

}  // namespace

constinit const JpegIdct kPortableIdct{"portable", transform_blocks<8>, transform_blocks<4>, transform_blocks<2>};

std::span<const JpegIdct> jpeg_idcts() {
  static const Available available = [] {
    Available found;
#if defined(__x86_64__)
    // Processors without VBMI (Skylake, Cascade Lake) lower their clock for vectors of this size, and everything else waits.
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi")) found.add(kAvx512Idct);
    if (__builtin_cpu_supports("avx2")) found.add(kAvx2Idct);
    found.add(kSse2Idct);
#endif
    found.add(kPortableIdct);
    return found;
  }();
  return std::span(available.idcts).first(available.count);
}

}  // namespace pairloom::workerproc
