// BandedJoin: all pairs of codes within a radius, exactly, without comparing all with all.
//
// By the pigeonhole principle, twice. A pair within r bits of each other has a 64-bit word in which it differs by at
// most r / (number of words) bits: the word's radius. And when a word is cut into more blocks than its radius, some of
// the blocks are equal in both codes: with radius + e blocks at least e of them. So the codes are sorted into buckets
// by the bits of e blocks, for every choice of e blocks, and only codes in one bucket are compared, by SIMD, word by
// word. A pair that meets in several buckets is reported in the first only: that of its first near word and its first e
// equal blocks. Which e is cheapest depends on the codes: search/join_plan.h.
//
// The work is cut into pieces that need nothing but the code file and know nothing of each other: a piece is one word,
// one first block and a range of that block's bits. It collects the codes it needs in one pass over the file; so
// memory is bounded by the size of the pieces, nothing is written to disk, and a piece can be done again.
// Runs in: worker, cli.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "search/code_file.h"
#include "search/distinct_codes.h"
#include "search/hamming_scan.h"

namespace pairloom::search {

// How one word is joined.
struct WordPlan {
  int8_t radius = -1;  // -1: nothing to do for this word
  uint8_t equal = 0;   // blocks that must be equal (e)
  int blocks() const { return radius + equal; }
  friend bool operator==(const WordPlan&, const WordPlan&) = default;
};
struct JoinPlan {
  uint32_t radius = 0;
  std::array<WordPlan, 4> words;
  friend bool operator==(const JoinPlan&, const JoinPlan&) = default;
};

// Bits of a block are numbered after join_word(): first_bit(b) .. first_bit(b + 1).
constexpr int kMaxBlockBits = 16;
constexpr int first_bit(int block, int blocks) {
  return block * 64 / blocks;
}
// The words of a code as the join sees them. Neighbouring bits of 64-bit image hashes are far from independent (those
// of 16 neighbours agree in both of two pictures 20 times as often as chance has it), so they are spread over the
// blocks: in four passes, each with every other row and column of the 8x8 grid.
uint64_t join_word(uint64_t word, int bits);
// True if the plan finds every pair within its radius among codes of so many bits, and its blocks have possible sizes.
bool is_complete(const JoinPlan& plan, int bits);

struct JoinPiece {
  uint8_t word = 0, block = 0;
  uint32_t first_key = 0, last_key = 0;  // bits of the block: [first, last)
  friend bool operator==(const JoinPiece&, const JoinPiece&) = default;
};
bool is_valid(const JoinPiece& piece, const JoinPlan& plan);

class BandedJoin {
 public:
  struct Options {
    KnownPairs known;
    uint32_t max_neighbours = kMaxNeighbours;
    Kernel kernel = best_kernel();
  };
  // `codes` and `distinct` must outlive the join; the plan must be complete.
  BandedJoin(const CodeFile& codes, const DistinctCodes& distinct, const JoinPlan& plan, const Options& options);
  ~BandedJoin();

  // The pairs of one piece, each code's with earlier codes. Of a crowded code at least `max_neighbours` (below 255)
  // pairs are reported, but not all. All pieces together report each pair once, but may name a crowded code several
  // times.
  void run(const JoinPiece& piece, const PairVisitor& visitor);

 private:
  class Piece;
  std::unique_ptr<Piece> piece_;
};

}  // namespace pairloom::search
