// Exact search by Hamming distance over packed codes: one query, top-k, and all pairs of a range. The inner loop exists
// four times (AVX-512 VPOPCNTDQ, AVX2, NEON, portable), chosen at run time; all give the same answer. Runs in: worker, cli.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/algorithm.h"
#include "search/code_file.h"

namespace pairloom::search {

enum class Kernel : uint8_t { kPortable, kAvx2, kAvx512, kNeon };
std::string_view name_of(Kernel kernel);
Kernel best_kernel();                     // by what this CPU has
std::vector<Kernel> available_kernels();  // for tests and `doctor`

struct Hit {
  uint64_t position;
  uint32_t content_id;
  uint32_t distance;
  friend bool operator==(const Hit&, const Hit&) = default;
};

// A code has at most this many pairs with earlier codes; one that has more of them is crowded. It keeps n
// near-identical pictures (a film, a time lapse) from making n^2/2 pairs; and as every code keeps its pairs with some
// of the first of them, they still form one group.
constexpr uint32_t kMaxNeighbours = 100;

struct ScanOptions {
  bool include_low_information = false;
  Kernel kernel = best_kernel();             // one of available_kernels()
  uint32_t max_neighbours = kMaxNeighbours;  // of pairs_of_range()
  int threads = 1;                           // of find_*(): the answer is the same
};

// As many threads as are worth starting to look through that many codes, on the CPUs this process may use.
int useful_threads(const CodeFile& codes);

// All codes within `radius` bits of `query` (inclusive), ordered by (distance, content id).
std::vector<Hit> find_within(const CodeFile& codes, const Code& query, int radius, const ScanOptions& options = {});
// The k nearest, ordered the same way; ties at the k-th place are broken by the lower content id.
std::vector<Hit> find_nearest(const CodeFile& codes, const Code& query, size_t k, const ScanOptions& options = {});

// Many queries at once, answered in their order: each block of codes is read from memory once for all of them.
struct ScanQuery {
  Code code;
  bool include_low_information = false;
};
std::vector<std::vector<Hit>> find_within_each(const CodeFile& codes, std::span<const ScanQuery> queries, int radius,
                                               Kernel kernel = best_kernel(), int threads = 1);
std::vector<std::vector<Hit>> find_nearest_each(const CodeFile& codes, std::span<const ScanQuery> queries, size_t k,
                                                Kernel kernel = best_kernel(), int threads = 1);

struct PairHit {
  uint32_t a, b;  // positions, a < b
  uint32_t distance;
  friend auto operator<=>(const PairHit&, const PairHit&) = default;
};

// What need not be found again: all pairs of positions below `positions` that are within `radius`.
struct KnownPairs {
  uint64_t positions = 0;
  int radius = -1;  // -1: nothing is known
};

// Who hears of pairs.
struct PairVisitor {
  std::function<bool(std::span<const PairHit>)> pairs;  // gets batches; returns false to stop
  std::function<void(uint32_t position)> crowded;       // may be empty
  std::function<void()> progress;                       // may be empty; called every few milliseconds
};

// Every pair of a code at a position in [first, last) with a code at a lower position, within `radius`. Low-information
// codes take no part. Equal codes collapse: a code that equals an earlier one is paired only with the earliest such
// code (its representative, distance 0), and nothing else is paired with it; so n equal codes make n - 1 pairs.
// Of a crowded code the pairs with its first neighbours are visited.
void pairs_of_range(const CodeFile& codes, uint64_t first, uint64_t last, int radius, const PairVisitor& visitor,
                    const ScanOptions& options = {});

}  // namespace pairloom::search
