// AVX2 (Intel since 2013, AMD since 2015): popcounts by looking up nibbles (Mula, Kurz, Lemire: Faster Population
// Counts Using AVX2 Instructions, arxiv.org/abs/1611.07612); vpsadbw sums them per code.
#if defined(__x86_64__)
#include <immintrin.h>

#include "search/kernels.h"

#define PAIRLOOM_TARGET __attribute__((target("avx2")))
#define PAIRLOOM_INLINE __attribute__((target("avx2"), always_inline)) inline

namespace pairloom::search {

namespace {

constexpr uint32_t kLanes = 4;

PAIRLOOM_INLINE __m256i load(const uint64_t* from) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

// Set bits of each byte.
PAIRLOOM_INLINE __m256i popcount_bytes(__m256i x) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  return _mm256_add_epi8(_mm256_shuffle_epi8(counts, _mm256_and_si256(x, nibble)),
                         _mm256_shuffle_epi8(counts, _mm256_and_si256(_mm256_srli_epi16(x, 4), nibble)));
}

// The slow path: the full distances of codes [i, i + 4) to one query, and a Match for those within the limit.
template <size_t kWords>
PAIRLOOM_TARGET Match* collect(const Code& query, uint16_t query_number, const CodeBlock& block, uint32_t i,
                               uint32_t last, uint64_t radius, Match* out) {
  __m256i bytes = _mm256_setzero_si256();  // at most 4 x 8 in each
  for (size_t w = 0; w < kWords; ++w) {
    const __m256i word = _mm256_set1_epi64x(static_cast<int64_t>(query.words[w]));
    bytes = _mm256_add_epi8(bytes, popcount_bytes(_mm256_xor_si256(load(block.words[w] + i), word)));
  }
  alignas(32) uint64_t distances[kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(distances), _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
  for (uint32_t lane = 0; lane < kLanes && i + lane < last; ++lane) {
    if (distances[lane] > radius) continue;
    *out++ = {query_number, static_cast<uint16_t>(i + lane), static_cast<uint16_t>(distances[lane])};
  }
  return out;
}

// kQueries against kVectors x 4 codes before a branch. The first 128 bits rule nearly all codes out.
template <size_t kWords, size_t kQueries, size_t kVectors>
PAIRLOOM_TARGET Match* match(const Code* queries, uint16_t first_query, const CodeBlock& block, uint32_t first,
                             uint32_t last, int radius, Match* out) {
  constexpr size_t kFilterWords = kWords == 1 ? 1 : 2;
  const __m256i zero = _mm256_setzero_si256();
  const __m256i limit = _mm256_set1_epi64x(int64_t{radius} + 1);
  __m256i query[kQueries][kFilterWords];
  for (size_t q = 0; q < kQueries; ++q) {
    for (size_t w = 0; w < kFilterWords; ++w) {
      query[q][w] = _mm256_set1_epi64x(static_cast<int64_t>(queries[q].words[w]));
    }
  }
  for (uint32_t i = first; i < last; i += kVectors * kLanes) {
    __m256i nearest = _mm256_set1_epi32(INT32_MAX);
    for (size_t v = 0; v < kVectors; ++v) {
      const __m256i codes_0 = load(block.words[0] + i + v * kLanes);
      const __m256i codes_1 = kFilterWords == 1 ? codes_0 : load(block.words[1] + i + v * kLanes);
      for (size_t q = 0; q < kQueries; ++q) {
        __m256i bytes = popcount_bytes(_mm256_xor_si256(codes_0, query[q][0]));
        if constexpr (kFilterWords == 2) {
          bytes = _mm256_add_epi8(bytes, popcount_bytes(_mm256_xor_si256(codes_1, query[q][1])));
        }
        nearest = _mm256_min_epi32(nearest, _mm256_sad_epu8(bytes, zero));  // the upper halves are zero
      }
    }
    const __m256i within = _mm256_cmpgt_epi64(limit, nearest);
    if (__builtin_expect(_mm256_testz_si256(within, within), 1)) continue;
    for (uint32_t at = i; at < i + kVectors * kLanes && at < last; at += kLanes) {
      for (size_t q = 0; q < kQueries; ++q) {
        out = collect<kWords>(queries[q], static_cast<uint16_t>(first_query + q), block, at, last,
                              static_cast<uint64_t>(radius), out);
      }
    }
  }
  return out;
}

template <size_t kWords, size_t kGroup, size_t kVectors>
PAIRLOOM_TARGET size_t match_all(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last,
                                 int radius, Match* out) {
  Match* end = out;
  size_t q = 0;
  for (; q + kGroup <= queries.size(); q += kGroup) {
    end = match<kWords, kGroup, 1>(&queries[q], static_cast<uint16_t>(q), block, first, last, radius, end);
  }
  for (; q < queries.size(); ++q) {
    end = match<kWords, 1, kVectors>(&queries[q], static_cast<uint16_t>(q), block, first, last, radius, end);
  }
  return static_cast<size_t>(end - out);
}

PAIRLOOM_INLINE __m256i distance_of_word(__m256i codes, __m256i query) {
  return _mm256_sad_epu8(popcount_bytes(_mm256_xor_si256(codes, query)), _mm256_setzero_si256());
}

// Of the first `lanes` of four distances.
PAIRLOOM_INLINE TileMatch* add_matches(__m256i distance, uint32_t lanes, uint64_t radius, uint32_t row, uint32_t column,
                                       TileMatch* out) {
  alignas(32) uint64_t distances[kLanes];
  _mm256_store_si256(reinterpret_cast<__m256i*>(distances), distance);
  for (uint32_t lane = 0; lane < kLanes && lane < lanes; ++lane) {
    if (distances[lane] > radius) continue;
    *out++ = {static_cast<uint16_t>(row), static_cast<uint16_t>(distances[lane]), column + lane};
  }
  return out;
}

// Rows beyond `row_count` are compared too and left out here.
PAIRLOOM_TARGET TileMatch* collect_tile(const __m256i* row, uint32_t row_count, __m256i codes, uint32_t column,
                                        uint32_t column_count, uint64_t radius, TileMatch* out) {
  for (uint32_t r = 0; r < row_count; ++r) {
    out = add_matches(distance_of_word(codes, row[r]), column_count - column, radius, r, column, out);
  }
  return out;
}

}  // namespace

PAIRLOOM_TARGET size_t match_64_avx2(std::span<const Code> queries, const CodeBlock& block, uint32_t first,
                                     uint32_t last, int radius, Match* out) {
  return match_all<1, 8, 4>(queries, block, first, last, radius, out);
}

PAIRLOOM_TARGET size_t match_256_avx2(std::span<const Code> queries, const CodeBlock& block, uint32_t first,
                                      uint32_t last, int radius, Match* out) {
  return match_all<4, 4, 2>(queries, block, first, last, radius, out);
}

PAIRLOOM_TARGET size_t tile_avx2(const uint64_t* rows, uint32_t row_count, const uint64_t* columns,
                                 uint32_t column_count, bool rows_follow, int radius, TileMatch* out) {
  const __m256i limit = _mm256_set1_epi64x(int64_t{radius} + 1);
  __m256i row[kTileRows];
  for (uint32_t r = 0; r < kTileRows; ++r) row[r] = _mm256_set1_epi64x(static_cast<int64_t>(rows[r]));
  TileMatch* end = out;
  for (uint32_t c = 0; c < column_count; c += kLanes) {
    const __m256i codes = load(columns + c);
    __m256i nearest = distance_of_word(codes, row[0]);
    for (uint32_t r = 1; r < kTileRows; ++r) {
      nearest = _mm256_min_epi32(nearest, distance_of_word(codes, row[r]));  // the upper halves are zero
    }
    const __m256i within = _mm256_cmpgt_epi64(limit, nearest);
    if (__builtin_expect(_mm256_testz_si256(within, within), 1)) continue;
    end = collect_tile(row, row_count, codes, c, column_count, static_cast<uint64_t>(radius), end);
  }
  for (uint32_t first = 0; rows_follow && first + 1 < row_count; first += kLanes) {
    const __m256i codes = load(rows + first);
    for (uint32_t r = first + 1; r < row_count; ++r) {
      end = add_matches(distance_of_word(codes, row[r]), r - first, static_cast<uint64_t>(radius), r,
                        column_count + first, end);
    }
  }
  return static_cast<size_t>(end - out);
}

}  // namespace pairloom::search
#endif
