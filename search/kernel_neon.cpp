// NEON (every ARMv8-A): cnt counts the bits of bytes, pairwise additions sum them up per code.
#if defined(__aarch64__)
#include <arm_neon.h>

#include "search/kernels.h"

namespace pairloom::search {

namespace {

constexpr uint32_t kLanes = 2;

// Set bits of each byte.
inline uint8x16_t popcount_bytes(uint64x2_t x) {
  return vcntq_u8(vreinterpretq_u8_u64(x));
}
// The sums of eight bytes each.
inline uint64x2_t sum_bytes(uint8x16_t bytes) {
  return vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(bytes)));
}
inline uint64x2_t splat(uint64_t word) {
  return vdupq_n_u64(word);
}

// The slow path: the full distances of codes [i, i + 2) to one query, and a Match for those within the radius.
template <size_t kWords>
Match* collect(const Code& query, uint16_t query_number, const CodeBlock& block, uint32_t i, uint32_t last,
               uint64_t radius, Match* out) {
  uint8x16_t bytes = vdupq_n_u8(0);  // at most 4 x 8 in each
  for (size_t w = 0; w < kWords; ++w)
    bytes = vaddq_u8(bytes, popcount_bytes(veorq_u64(vld1q_u64(block.words[w] + i), splat(query.words[w]))));
  const uint64x2_t sums = sum_bytes(bytes);
  const uint64_t distances[kLanes] = {vgetq_lane_u64(sums, 0), vgetq_lane_u64(sums, 1)};
  for (uint32_t lane = 0; lane < kLanes && i + lane < last; ++lane) {
    if (distances[lane] > radius) continue;
    *out++ = {query_number, static_cast<uint16_t>(i + lane), static_cast<uint16_t>(distances[lane])};
  }
  return out;
}

// One query against kVectors x 2 codes before a branch. The first 128 bits rule nearly all codes out.
template <size_t kWords, size_t kVectors>
Match* match(const Code& query, uint16_t query_number, const CodeBlock& block, uint32_t first, uint32_t last,
             int radius, Match* out) {
  constexpr size_t kFilterWords = kWords == 1 ? 1 : 2;
  uint64x2_t word[kFilterWords];
  for (size_t w = 0; w < kFilterWords; ++w) word[w] = splat(query.words[w]);
  for (uint32_t i = first; i < last; i += kVectors * kLanes) {
    uint32x4_t nearest = vdupq_n_u32(UINT32_MAX);
    for (size_t v = 0; v < kVectors; v += 2) {  // two vectors' sums side by side, as 32 bits
      uint16x8_t sums[2];
      for (size_t half = 0; half < 2; ++half) {
        const uint32_t at = i + static_cast<uint32_t>(v + half) * kLanes;
        uint8x16_t bytes = popcount_bytes(veorq_u64(vld1q_u64(block.words[0] + at), word[0]));
        if constexpr (kFilterWords == 2)
          bytes = vaddq_u8(bytes, popcount_bytes(veorq_u64(vld1q_u64(block.words[1] + at), word[1])));
        sums[half] = vpaddlq_u8(bytes);
      }
      nearest = vminq_u32(nearest, vpaddlq_u16(vpaddq_u16(sums[0], sums[1])));
    }
    if (__builtin_expect(vminvq_u32(nearest) > static_cast<uint32_t>(radius), 1)) continue;
    for (uint32_t at = i; at < i + kVectors * kLanes && at < last; at += kLanes)
      out = collect<kWords>(query, query_number, block, at, last, static_cast<uint64_t>(radius), out);
  }
  return out;
}

template <size_t kWords>
size_t match_all(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last, int radius,
                 Match* out) {
  Match* end = out;
  for (size_t q = 0; q < queries.size(); ++q)
    end = match<kWords, 8>(queries[q], static_cast<uint16_t>(q), block, first, last, radius, end);
  return static_cast<size_t>(end - out);
}

// Of the first `lanes` of two distances.
inline TileMatch* add_matches(uint64x2_t distance, uint32_t lanes, uint64_t radius, uint32_t row, uint32_t column,
                              TileMatch* out) {
  const uint64_t distances[kLanes] = {vgetq_lane_u64(distance, 0), vgetq_lane_u64(distance, 1)};
  for (uint32_t lane = 0; lane < kLanes && lane < lanes; ++lane) {
    if (distances[lane] > radius) continue;
    *out++ = {static_cast<uint16_t>(row), static_cast<uint16_t>(distances[lane]), column + lane};
  }
  return out;
}

inline uint64x2_t distance_of_word(uint64x2_t codes, uint64_t row) {
  return sum_bytes(popcount_bytes(veorq_u64(codes, splat(row))));
}

}  // namespace

size_t match_64_neon(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last, int radius,
                     Match* out) {
  return match_all<1>(queries, block, first, last, radius, out);
}

size_t match_256_neon(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last, int radius,
                      Match* out) {
  return match_all<4>(queries, block, first, last, radius, out);
}

size_t tile_neon(const uint64_t* rows, uint32_t row_count, const uint64_t* columns, uint32_t column_count,
                 bool rows_follow, int radius, TileMatch* out) {
  const auto limit = static_cast<uint64_t>(radius);
  TileMatch* end = out;
  for (uint32_t c = 0; c < column_count; c += kLanes) {
    const uint64x2_t codes = vld1q_u64(columns + c);
    // Byte sums of all rows first: a distance is at most 64, so 32 bits hold it.
    uint32x4_t nearest = vdupq_n_u32(UINT32_MAX);
    for (uint32_t r = 0; r < kTileRows; r += 2) {
      const uint16x8_t even = vpaddlq_u8(popcount_bytes(veorq_u64(codes, splat(rows[r]))));
      const uint16x8_t odd = vpaddlq_u8(popcount_bytes(veorq_u64(codes, splat(rows[r + 1]))));
      nearest = vminq_u32(nearest, vpaddlq_u16(vpaddq_u16(even, odd)));
    }
    if (__builtin_expect(vminvq_u32(nearest) > limit, 1)) continue;
    for (uint32_t r = 0; r < row_count; ++r)
      end = add_matches(distance_of_word(codes, rows[r]), column_count - c, limit, r, c, end);
  }
  for (uint32_t first = 0; rows_follow && first + 1 < row_count; first += kLanes) {
    const uint64x2_t codes = vld1q_u64(rows + first);
    for (uint32_t r = first + 1; r < row_count; ++r)
      end = add_matches(distance_of_word(codes, rows[r]), r - first, limit, r, column_count + first, end);
  }
  return static_cast<size_t>(end - out);
}

}  // namespace pairloom::search
#endif
