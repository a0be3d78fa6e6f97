// AVX2 (Intel since 2013, AMD since 2015). vpmaddubsw would saturate at 255 * 127 * 2, so bytes are widened first.
#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

#include "workerproc/descriptors/products.h"

#define PAIRLOOM_TARGET __attribute__((target("avx2")))
#define PAIRLOOM_INLINE __attribute__((target("avx2"), always_inline)) inline

namespace pairloom::workerproc {
namespace {

PAIRLOOM_INLINE __m256i load(const uint8_t* from) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(from));
}

PAIRLOOM_INLINE __m256i broadcast_group(const uint8_t* from) {
  int32_t group;
  std::memcpy(&group, from, sizeof group);
  return _mm256_set1_epi32(group);
}

PAIRLOOM_INLINE void store(int32_t* to, __m256i low, __m256i high) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), low);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + 8), high);
}

// Signed bytes as 16-bit numbers, those at even and those at odd places.
PAIRLOOM_INLINE __m256i even(__m256i bytes) {
  return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
}
PAIRLOOM_INLINE __m256i odd(__m256i bytes) {
  return _mm256_srai_epi16(bytes, 8);
}

// Set bits of each 32-bit lane, by looking up nibbles (Mula, Kurz, Lemire: Faster Population Counts Using AVX2
// Instructions, arxiv.org/abs/1611.07612).
PAIRLOOM_INLINE __m256i popcount_32(__m256i x) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  const __m256i bytes = _mm256_add_epi8(_mm256_shuffle_epi8(counts, _mm256_and_si256(x, nibble)),
                                        _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble)));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(bytes, _mm256_set1_epi8(1)), _mm256_set1_epi16(1));
}

}  // namespace

PAIRLOOM_TARGET void dot_avx2(const uint8_t* rows, const uint8_t* block, size_t groups,
                              int32_t (&products)[kTileRows][kBlockColumns]) {
  constexpr size_t kRowsAtOnce = 4;  // as many sums as registers hold
  const __m256i low_byte = _mm256_set1_epi16(0x00ff);
  for (size_t first = 0; first < kTileRows; first += kRowsAtOnce) {
    __m256i sums[kRowsAtOnce][2] = {};
    for (size_t g = 0; g < groups; ++g) {
      const uint8_t* columns = block + g * kBlockColumns * kGroupBytes;
      const __m256i b0 = load(columns), b1 = load(columns + 32);
      const __m256i even_0 = even(b0), odd_0 = odd(b0), even_1 = even(b1), odd_1 = odd(b1);
      for (size_t r = 0; r < kRowsAtOnce; ++r) {
        const __m256i a = broadcast_group(rows + ((first + r) * groups + g) * kGroupBytes);
        const __m256i even_a = _mm256_and_si256(a, low_byte), odd_a = _mm256_srli_epi16(a, 8);
        sums[r][0] = _mm256_add_epi32(
            sums[r][0], _mm256_add_epi32(_mm256_madd_epi16(even_0, even_a), _mm256_madd_epi16(odd_0, odd_a)));
        sums[r][1] = _mm256_add_epi32(
            sums[r][1], _mm256_add_epi32(_mm256_madd_epi16(even_1, even_a), _mm256_madd_epi16(odd_1, odd_a)));
      }
    }
    for (size_t r = 0; r < kRowsAtOnce; ++r) store(products[first + r], sums[r][0], sums[r][1]);
  }
}

PAIRLOOM_TARGET void bits_avx2(const uint8_t* rows, const uint8_t* block, size_t groups,
                               int32_t (&products)[kTileRows][kBlockColumns]) {
  for (size_t r = 0; r < kTileRows; ++r) {
    __m256i low = _mm256_setzero_si256(), high = low;
    for (size_t g = 0; g < groups; ++g) {
      const uint8_t* columns = block + g * kBlockColumns * kGroupBytes;
      const __m256i a = broadcast_group(rows + (r * groups + g) * kGroupBytes);
      low = _mm256_add_epi32(low, popcount_32(_mm256_and_si256(a, load(columns))));
      high = _mm256_add_epi32(high, popcount_32(_mm256_and_si256(a, load(columns + 32))));
    }
    store(products[r], low, high);
  }
}

}  // namespace pairloom::workerproc
#endif
