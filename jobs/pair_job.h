// The pairing job on the wire: a task is a range of packed codes, a result the pairs of that range with everything
// before it. Runs in: supervisor, worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"

namespace pairloom::jobs {

struct PairSetup {
  Algorithm algorithm = Algorithm::kPdq;
  uint32_t radius = 31;
  uint64_t index_id = 0, generation = 0;  // which code file it must be
  std::string code_file;                  // path of the packed codes (index/code_file.h)
};
std::vector<std::byte> encode(const PairSetup& setup);
Result<PairSetup> decode_pair_setup(std::span<const std::byte> bytes);

// Positions in the code file: each of [first, last) is compared with every position before itself.
struct PairTask {
  uint64_t first, last;
};
std::vector<std::byte> encode(const PairTask& task);
Result<PairTask> decode_pair_task(std::span<const std::byte> bytes);

struct Pair {
  uint32_t a, b;      // content ids, a < b
  uint32_t distance;  // Hamming, <= radius
};
std::vector<std::byte> encode(std::span<const Pair> pairs);
// kProtocol on anything a lying worker could send.
Result<std::vector<Pair>> decode_pairs(std::span<const std::byte> bytes, uint32_t radius);

}  // namespace pairloom::jobs
