// Plain C++ that compilers vectorize for any target (SSE2, NEON): the popcount is written out, because without a
// popcount instruction __builtin_popcountll is a library call.
#include <bit>

#include "search/kernels.h"

namespace pairloom::search {

namespace {

constexpr uint32_t kStep = 64;  // codes looked at before a branch

// Hacker's Delight, 2nd ed., figure 5-2, without its multiplication.
inline uint64_t popcount(uint64_t x) {
  x -= x >> 1 & 0x5555555555555555;
  x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
  x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
  x += x >> 8;
  x += x >> 16;
  x += x >> 32;
  return x & 0xff;
}

// The first 128 bits rule nearly all codes out; only a step with a survivor reads the rest.
template <int kWords>
size_t match_one(const Code& query, uint16_t query_number, const CodeBlock& block, uint32_t first, uint32_t last,
                 int radius, Match* out) {
  const uint64_t limit = static_cast<uint64_t>(radius) + 1;
  Match* const begin = out;
  for (uint32_t i = first; i < last; i += kStep) {
    uint64_t below = 0;  // the top bit is set if some distance < limit
    for (uint32_t j = i; j < i + kStep; ++j) {
      uint64_t distance = popcount(block.words[0][j] ^ query.words[0]);
      if constexpr (kWords > 1) distance += popcount(block.words[1][j] ^ query.words[1]);
      below |= distance - limit;
    }
    if (below >> 63 == 0) continue;
    for (uint32_t j = i; j < i + kStep && j < last; ++j) {
      uint64_t distance = 0;
      for (size_t w = 0; w < kWords; ++w) distance += popcount(block.words[w][j] ^ query.words[w]);
      if (distance < limit) *out++ = {query_number, static_cast<uint16_t>(j), static_cast<uint16_t>(distance)};
    }
  }
  return static_cast<size_t>(out - begin);
}

template <int kWords>
size_t match_each(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last, int radius,
                  Match* out) {
  size_t count = 0;
  for (size_t q = 0; q < queries.size(); ++q) {
    count += match_one<kWords>(queries[q], static_cast<uint16_t>(q), block, first, last, radius, out + count);
  }
  return count;
}

}  // namespace

size_t match_64_portable(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last,
                         int radius, Match* out) {
  return match_each<1>(queries, block, first, last, radius, out);
}

size_t match_256_portable(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last,
                          int radius, Match* out) {
  return match_each<4>(queries, block, first, last, radius, out);
}

size_t tile_portable(const uint64_t* rows, uint32_t row_count, const uint64_t* columns, uint32_t column_count,
                     bool rows_follow, int radius, TileMatch* out) {
  constexpr uint32_t kColumns = kTileOverread;  // looked at before a branch
  const uint64_t limit = static_cast<uint64_t>(radius) + 1;
  TileMatch* end = out;
  for (uint32_t c = 0; c < column_count; c += kColumns) {
    for (uint32_t r = 0; r < row_count; ++r) {
      uint64_t below = 0;  // the top bit is set if some distance < limit
      for (uint32_t i = c; i < c + kColumns; ++i) below |= popcount(columns[i] ^ rows[r]) - limit;
      if (below >> 63 == 0) continue;
      for (uint32_t i = c; i < c + kColumns && i < column_count; ++i) {
        const uint64_t distance = popcount(columns[i] ^ rows[r]);
        if (distance < limit) *end++ = {static_cast<uint16_t>(r), static_cast<uint16_t>(distance), i};
      }
    }
  }
  for (uint32_t r = 1; rows_follow && r < row_count; ++r) {
    for (uint32_t i = 0; i < r; ++i) {
      const uint64_t distance = popcount(rows[i] ^ rows[r]);
      if (distance < limit) *end++ = {static_cast<uint16_t>(r), static_cast<uint16_t>(distance), column_count + i};
    }
  }
  return static_cast<size_t>(end - out);
}

}  // namespace pairloom::search
