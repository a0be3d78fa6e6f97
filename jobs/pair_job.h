// The pairing job on the wire: a task is a part of the search for near-duplicates among the packed codes, a result the
// pairs found so far. Pairs are of positions in the code file: the supervisor looks up what they are. Runs in:
// supervisor, worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"

namespace pairloom::jobs {

// What all tasks have in common; the code file's descriptor comes with it.
struct PairSetup {
  Algorithm algorithm = Algorithm::kPdq;
  uint32_t radius = 31;
  uint64_t index_id = 0, generation = 0;  // which code file it must be
  uint64_t count = 0;                     // codes to look at: positions below it
  uint64_t known_positions = 0;           // pairs of positions below this one ...
  int32_t known_radius = -1;              // ... within this distance are known; -1: none
  // How each word of the code is joined (search/banded_join.h).
  struct Word {
    int32_t radius = -1;
    uint32_t equal_blocks = 0;
  };
  std::array<Word, 4> words{};
};
std::vector<std::byte> encode(const PairSetup& setup);
Result<PairSetup> decode_pair_setup(std::span<const std::byte> bytes);

struct PairTask {
  enum class Kind : uint32_t {
    kScan = 1,   // compare each of the positions [first, last) with every position before itself
    kEqual = 2,  // find equal codes
    kJoin = 3,   // one piece of the join: a word, a block, its values [first, last)
  };
  Kind kind = Kind::kScan;
  uint32_t word = 0, block = 0;
  uint32_t zero = 0;
  uint64_t first = 0, last = 0;
};
std::vector<std::byte> encode(const PairTask& task);
Result<PairTask> decode_pair_task(std::span<const std::byte> bytes);

struct Pair {
  uint32_t a, b;      // positions, a < b
  uint32_t distance;  // Hamming, <= radius
};
// One result record: some pairs, and codes that were found to be crowded (search/hamming_scan.h).
struct PairResult {
  std::vector<Pair> pairs;
  std::vector<uint32_t> crowded;  // positions
};
std::vector<std::byte> encode(const PairResult& result);
// kProtocol on what can be told to be a lie without the codes.
Result<PairResult> decode_pair_result(std::span<const std::byte> bytes, const PairSetup& setup);

}  // namespace pairloom::jobs
