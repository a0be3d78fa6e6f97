// The inner loop of the search, once per instruction set; all give the same answer. Not included outside search/.
// Each kernel carries its own target attribute, so that one binary runs on every x86-64 and uses what the CPU has.
// Runs in: worker, cli.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/algorithm.h"
#include "search/code_file.h"
#include "search/hamming_scan.h"

namespace pairloom::search {

struct Match {
  uint16_t query;     // index into the queries given
  uint16_t index;     // of the code in its block
  uint16_t distance;  // bits
};

// Queries compared at once: they stay in registers while the codes stream past.
constexpr size_t kQueryGroup = 8;

// Finds the codes [first, last) of `block` within `radius` >= 0 of up to kQueryGroup queries. `first` is a multiple
// of 64. Writes to `out` (room for queries x codes) and returns the number; for each query by ascending index. Reads
// whole vectors: up to 63 codes beyond `last`, but never beyond the block's arrays.
using MatchFunction = size_t (*)(std::span<const Code> queries, const CodeBlock& block, uint32_t first, uint32_t last,
                                 int radius, Match* out);

size_t match_64_portable(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
size_t match_256_portable(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
#if defined(__x86_64__)
size_t match_64_avx2(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
size_t match_256_avx2(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
size_t match_64_avx512(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
size_t match_256_avx512(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
#elif defined(__aarch64__)
size_t match_64_neon(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
size_t match_256_neon(std::span<const Code>, const CodeBlock&, uint32_t first, uint32_t last, int radius, Match*);
#endif

// `kernel` must be one of available_kernels().
MatchFunction match_function(Kernel kernel, int bits);

struct TileMatch {
  uint16_t row;
  uint16_t distance;  // bits
  uint32_t column;
};

// Rows compared at once in a tile.
constexpr uint32_t kTileRows = 8;
// A tile reads up to this many words beyond the last row and column: that memory must be there.
constexpr uint32_t kTileOverread = 16;

// Every pair of one of `row_count` <= kTileRows words with one of `column_count` words, within `radius` >= 0 of each
// other; and, if `rows` follow the columns, each pair of a row with an earlier row, whose columns are then counted on
// from `column_count`. Writes to `out` (room for kTileRows x (columns + kTileRows)) and returns the number, by
// ascending column for each row.
using TileFunction = size_t (*)(const uint64_t* rows, uint32_t row_count, const uint64_t* columns,
                                uint32_t column_count, bool rows_follow, int radius, TileMatch* out);

size_t tile_portable(const uint64_t* rows, uint32_t row_count, const uint64_t* columns, uint32_t column_count,
                     bool rows_follow, int radius, TileMatch* out);
#if defined(__x86_64__)
size_t tile_avx2(const uint64_t* rows, uint32_t row_count, const uint64_t* columns, uint32_t column_count,
                 bool rows_follow, int radius, TileMatch* out);
size_t tile_avx512(const uint64_t* rows, uint32_t row_count, const uint64_t* columns, uint32_t column_count,
                   bool rows_follow, int radius, TileMatch* out);
#elif defined(__aarch64__)
size_t tile_neon(const uint64_t* rows, uint32_t row_count, const uint64_t* columns, uint32_t column_count,
                 bool rows_follow, int radius, TileMatch* out);
#endif

TileFunction tile_function(Kernel kernel);

}  // namespace pairloom::search
