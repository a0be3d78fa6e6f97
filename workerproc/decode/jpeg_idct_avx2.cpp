// Two blocks in a vector. Compiled for AVX2.
#include "workerproc/decode/jpeg_idct_vectors.h"

#if defined(__x86_64__)
namespace pairloom::workerproc {
namespace {

PAIRLOOM_VECTOR_BASE(Avx2Base, __m256i, _mm256);

struct Avx2 : Avx2Base {
  static constexpr size_t kBlocks = 2;
  static __m256i load(const int16_t* row) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(row)); }
  static __m256i repeat(const int16_t* row) {
    return _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(row)));
  }
  static bool any(__m256i a) { return _mm256_testz_si256(a, a) == 0; }
  template <size_t kIndex>
  static __m128i lane(__m256i a) {
    return _mm256_extracti128_si256(a, kIndex);
  }
};

using Idct = VectorIdct<Avx2>;

}  // namespace

constinit const JpegIdct kAvx2Idct{"avx2", Idct::to_8x8, Idct::to_4x4, Idct::to_2x2};

}  // namespace pairloom::workerproc
#endif
