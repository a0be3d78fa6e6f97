// Four blocks in a vector. Compiled for AVX-512 with its instructions for bytes and words.
#include "workerproc/decode/jpeg_idct_vectors.h"

#if defined(__x86_64__)
namespace pairloom::workerproc {
namespace {

PAIRLOOM_VECTOR_BASE(Avx512Base, __m512i, _mm512);

struct Avx512 : Avx512Base {
  static constexpr size_t kBlocks = 4;
  static __m512i load(const int16_t* row) { return _mm512_load_si512(row); }
  static __m512i repeat(const int16_t* row) {
    return _mm512_broadcast_i32x4(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
  }
  static bool any(__m512i a) { return _mm512_test_epi16_mask(a, a) != 0; }
  template <size_t kIndex>
  static __m128i lane(__m512i a) {
    return _mm512_extracti32x4_epi32(a, kIndex);
  }
};

using Idct = VectorIdct<Avx512>;

}  // namespace

constinit const JpegIdct kAvx512Idct{"avx512", Idct::to_8x8, Idct::to_4x4, Idct::to_2x2};

}  // namespace pairloom::workerproc
#endif
