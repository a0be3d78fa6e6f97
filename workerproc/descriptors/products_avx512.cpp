// AVX-512 with VNNI and VPOPCNTDQ (Intel Ice Lake and later, AMD Zen 4 and later): four byte products and their sum, or
// sixteen popcounts, in one instruction.
#if defined(__x86_64__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // false, in the header itself: gcc.gnu.org/PR105593
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstring>

#include "workerproc/descriptors/products.h"

#define PAIRLOOM_TARGET __attribute__((target("avx512f,avx512vnni,avx512vpopcntdq")))
#define PAIRLOOM_INLINE __attribute__((target("avx512f,avx512vnni,avx512vpopcntdq"), always_inline)) inline

namespace pairloom::workerproc {
namespace {

PAIRLOOM_INLINE __m512i broadcast_group(const uint8_t* from) {
  int32_t group;
  std::memcpy(&group, from, sizeof group);
  return _mm512_set1_epi32(group);
}

PAIRLOOM_INLINE __m512i add_dot(__m512i sum, __m512i a, __m512i b) {
  return _mm512_dpbusd_epi32(sum, a, b);
}
PAIRLOOM_INLINE __m512i add_bits(__m512i sum, __m512i a, __m512i b) {
  return _mm512_add_epi32(sum, _mm512_popcnt_epi32(_mm512_and_si512(a, b)));
}

}  // namespace

#define PAIRLOOM_PRODUCT_TILE(name, add)                                                   \
  PAIRLOOM_TARGET void name(const uint8_t* rows, const uint8_t* block, size_t groups,      \
                            int32_t(&products)[kTileRows][kBlockColumns]) {                \
    __m512i sums[kTileRows] = {};                                                          \
    for (size_t g = 0; g < groups; ++g) {                                                  \
      const __m512i b = _mm512_load_si512(block + g * kBlockColumns * kGroupBytes);        \
      for (size_t r = 0; r < kTileRows; ++r)                                               \
        sums[r] = add(sums[r], broadcast_group(rows + (r * groups + g) * kGroupBytes), b); \
    }                                                                                      \
    for (size_t r = 0; r < kTileRows; ++r) _mm512_storeu_si512(products[r], sums[r]);      \
  }
// A macro: a function passed as a template argument is not inlined across target attributes by g++ 12.
PAIRLOOM_PRODUCT_TILE(dot_avx512, add_dot)
PAIRLOOM_PRODUCT_TILE(bits_avx512, add_bits)
#undef PAIRLOOM_PRODUCT_TILE

}  // namespace pairloom::workerproc
#endif
