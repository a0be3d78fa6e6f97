// AVX-512 VPOPCNTDQ (Intel Ice Lake and later, AMD Zen 4 and later): eight 64-bit popcounts per instruction.
#if defined(__x86_64__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // false, in the header itself: gcc.gnu.org/PR105593
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <algorithm>

#include "search/kernels.h"

#define PAIRLOOM_TARGET __attribute__((target("avx512f,avx512vpopcntdq")))
#define PAIRLOOM_INLINE __attribute__((target("avx512f,avx512vpopcntdq"), always_inline)) inline

namespace pairloom::search {

namespace {

constexpr uint32_t kLanes = 8;

PAIRLOOM_INLINE __m512i distance_of_word(__m512i codes, __m512i query) {
  return _mm512_popcnt_epi64(_mm512_xor_si512(codes, query));
}

// The slow path: the full distances of codes [i, i + 8) to each query, and a Match for those within the limit.
template <size_t kWords, size_t kQueries>
PAIRLOOM_TARGET Match* collect(const Code* queries, uint16_t first_query, const CodeBlock& block, uint32_t i,
                               uint32_t last, __m512i limit, Match* out) {
  const auto valid = static_cast<__mmask8>(0xffu >> (kLanes - std::min(last - i, kLanes)));
  for (size_t q = 0; q < kQueries; ++q) {
    __m512i distance = _mm512_setzero_si512();
    for (size_t w = 0; w < kWords; ++w) {
      const __m512i query = _mm512_set1_epi64(static_cast<int64_t>(queries[q].words[w]));
      distance = _mm512_add_epi64(distance, distance_of_word(_mm512_loadu_si512(block.words[w] + i), query));
    }
    uint32_t near = _mm512_mask_cmple_epu64_mask(valid, distance, limit);
    if (near == 0) continue;
    alignas(64) uint64_t distances[kLanes];
    _mm512_store_si512(distances, distance);
    for (; near != 0; near &= near - 1) {
      const auto lane = static_cast<uint32_t>(__builtin_ctz(near));
      *out++ = {static_cast<uint16_t>(first_query + q), static_cast<uint16_t>(i + lane),
                static_cast<uint16_t>(distances[lane])};
    }
  }
  return out;
}

// kQueries against kVectors x 8 codes before a branch. The first 128 bits rule nearly all codes out.
template <size_t kWords, size_t kQueries, size_t kVectors>
PAIRLOOM_TARGET Match* match(const Code* queries, uint16_t first_query, const CodeBlock& block, uint32_t first,
                             uint32_t last, int radius, Match* out) {
  constexpr size_t kFilterWords = kWords == 1 ? 1 : 2;
  const __m512i limit = _mm512_set1_epi64(radius);
  __m512i query[kQueries][kFilterWords];
  for (size_t q = 0; q < kQueries; ++q) {
    for (size_t w = 0; w < kFilterWords; ++w) {
      query[q][w] = _mm512_set1_epi64(static_cast<int64_t>(queries[q].words[w]));
    }
  }
  for (uint32_t i = first; i < last; i += kVectors * kLanes) {
    __m512i nearest = _mm512_set1_epi64(INT64_MAX);
    for (size_t v = 0; v < kVectors; ++v) {
      const __m512i codes_0 = _mm512_loadu_si512(block.words[0] + i + v * kLanes);
      const __m512i codes_1 = kFilterWords == 1 ? codes_0 : _mm512_loadu_si512(block.words[1] + i + v * kLanes);
      for (size_t q = 0; q < kQueries; ++q) {
        __m512i distance = distance_of_word(codes_0, query[q][0]);
        if constexpr (kFilterWords == 2) distance = _mm512_add_epi64(distance, distance_of_word(codes_1, query[q][1]));
        nearest = _mm512_min_epu32(nearest, distance);  // the upper halves are zero
      }
    }
    if (__builtin_expect(_mm512_cmple_epu64_mask(nearest, limit) == 0, 1)) continue;
    for (uint32_t at = i; at < i + kVectors * kLanes && at < last; at += kLanes) {
      out = collect<kWords, kQueries>(queries, first_query, block, at, last, limit, out);
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

PAIRLOOM_INLINE TileMatch* add_matches(uint32_t near, __m512i distance, uint32_t row, uint32_t column, TileMatch* out) {
  if (near == 0) return out;
  alignas(64) uint64_t distances[kLanes];
  _mm512_store_si512(distances, distance);
  for (; near != 0; near &= near - 1) {
    const auto lane = static_cast<uint32_t>(__builtin_ctz(near));
    *out++ = {static_cast<uint16_t>(row), static_cast<uint16_t>(distances[lane]), column + lane};
  }
  return out;
}

// Rows beyond `row_count` are compared too and left out here.
PAIRLOOM_TARGET TileMatch* collect_tile(const __m512i* row, uint32_t row_count, __m512i codes, uint32_t column,
                                        uint32_t column_count, __m512i limit, TileMatch* out) {
  const auto valid = static_cast<__mmask8>(0xffu >> (kLanes - std::min(column_count - column, kLanes)));
  for (uint32_t r = 0; r < row_count; ++r) {
    const __m512i distance = distance_of_word(codes, row[r]);
    out = add_matches(_mm512_mask_cmple_epu64_mask(valid, distance, limit), distance, r, column, out);
  }
  return out;
}

}  // namespace

PAIRLOOM_TARGET size_t match_64_avx512(std::span<const Code> queries, const CodeBlock& block, uint32_t first,
                                       uint32_t last, int radius, Match* out) {
  return match_all<1, 8, 4>(queries, block, first, last, radius, out);
}

PAIRLOOM_TARGET size_t match_256_avx512(std::span<const Code> queries, const CodeBlock& block, uint32_t first,
                                        uint32_t last, int radius, Match* out) {
  return match_all<4, 4, 2>(queries, block, first, last, radius, out);
}

PAIRLOOM_TARGET size_t tile_avx512(const uint64_t* rows, uint32_t row_count, const uint64_t* columns,
                                   uint32_t column_count, bool rows_follow, int radius, TileMatch* out) {
  const __m512i limit = _mm512_set1_epi64(radius);
  __m512i row[kTileRows];
  for (uint32_t r = 0; r < kTileRows; ++r) row[r] = _mm512_set1_epi64(static_cast<int64_t>(rows[r]));
  TileMatch* end = out;
  for (uint32_t c = 0; c < column_count; c += kLanes) {
    const __m512i codes = _mm512_loadu_si512(columns + c);
    __m512i even = distance_of_word(codes, row[0]), odd = distance_of_word(codes, row[1]);
    for (uint32_t r = 2; r < kTileRows; r += 2) {
      even = _mm512_min_epu32(even, distance_of_word(codes, row[r]));  // the upper halves are zero
      odd = _mm512_min_epu32(odd, distance_of_word(codes, row[r + 1]));
    }
    if (__builtin_expect(_mm512_cmple_epu64_mask(_mm512_min_epu32(even, odd), limit) == 0, 1)) continue;
    end = collect_tile(row, row_count, codes, c, column_count, limit, end);
  }
  if (rows_follow) {
    const __m512i codes = _mm512_loadu_si512(rows);
    for (uint32_t r = 1; r < row_count; ++r) {
      const __m512i distance = distance_of_word(codes, row[r]);
      const auto earlier = static_cast<__mmask8>((1u << r) - 1);
      end = add_matches(_mm512_mask_cmple_epu64_mask(earlier, distance, limit), distance, r, column_count, end);
    }
  }
  return static_cast<size_t>(end - out);
}

}  // namespace pairloom::search
#endif
