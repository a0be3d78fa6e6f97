// One block in a vector.
#include "workerproc/decode/jpeg_idct_vectors.h"

#if defined(__x86_64__)
namespace pairloom::workerproc {
namespace {

PAIRLOOM_VECTOR_BASE(Sse2Base, __m128i, _mm);

struct Sse2 : Sse2Base {
  static constexpr size_t kBlocks = 1;
  static __m128i load(const int16_t* row) { return _mm_load_si128(reinterpret_cast<const __m128i*>(row)); }
  static __m128i repeat(const int16_t* row) { return load(row); }
  static bool any(__m128i a) { return _mm_movemask_epi8(_mm_cmpeq_epi8(a, _mm_setzero_si128())) != 0xFFFF; }
  template <size_t kIndex>
  static __m128i lane(__m128i a) {
    return a;
  }
};

using Idct = VectorIdct<Sse2>;

}  // namespace

constinit const JpegIdct kSse2Idct{"sse2", Idct::to_8x8, Idct::to_4x4, Idct::to_2x2};

}  // namespace pairloom::workerproc
#endif
