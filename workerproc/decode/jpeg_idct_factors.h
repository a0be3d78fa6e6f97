// The numbers of jpeg_idct.h's transforms. Runs in: worker only.
#pragma once

#include <cstdint>

namespace pairloom::workerproc::jpeg_idct {

// Factors are in 1/8192; the first pass keeps 2 more bits.
constexpr int kConstBits = 13, kPass1Bits = 2;
constexpr int kPass1Shift = kConstBits - kPass1Bits, kPass2Shift = kConstBits + kPass1Bits + 3;

// What two terms are multiplied with, and the products added.
struct Factors {
  int16_t first, second;
};

// 8 values from 8 terms: Loeffler, Ligtenberg and Moschytz, "Practical fast 1-D DCT algorithms with 11 multiplications"
// (ICASSP 1989), with products collected in pairs, as jidctint-sse2.asm of libjpeg-turbo does.
constexpr int16_t k0_298 = 2446, k0_390 = 3196, k0_541 = 4433, k0_765 = 6270, k0_899 = 7373, k1_175 = 9633,
                  k1_501 = 12299, k1_847 = 15137, k1_961 = 16069, k2_053 = 16819, k2_562 = 20995, k3_072 = 25172;
constexpr Factors kEven3{k0_541 + k0_765, k0_541}, kEven2{k0_541, k0_541 - k1_847};  // of terms 2 and 6
constexpr Factors kZ3{k1_175 - k1_961, k1_175}, kZ4{k1_175, k1_175 - k0_390};        // of terms 3 + 7 and 1 + 5
constexpr Factors kOdd0{k0_298 - k0_899, -k0_899}, kOdd3{-k0_899, k1_501 - k0_899};  // of terms 7 and 1
constexpr Factors kOdd1{k2_053 - k2_562, -k2_562}, kOdd2{-k2_562, k3_072 - k2_562};  // of terms 5 and 3

// 4 values from 8 terms, each the mean of two, as jidctred.c derives them. The fifth term does not matter.
constexpr int kHalfBits = 1;                                // more to shift by
constexpr Factors kFourEven{15137, -6270};                  // of terms 2 and 6
constexpr Factors kOuter13{20995, 7373}, kOuter57{-4926, -4176};   // of the odd terms, for the first and the last value
constexpr Factors kInner13{8697, -17799}, kInner57{11893, -1730};  // and for the two between them

// 2 values from 8 terms, each the mean of four. Of the even terms only the first matters.
constexpr int kQuarterBits = 2;
constexpr Factors kTwo13{29692, -10426}, kTwo57{6967, -5906};

// First terms outside [-kWild, kWild) make vectors wrap and saturate in ways of their own.
constexpr int16_t kWild = 8192;

}  // namespace pairloom::workerproc::jpeg_idct
