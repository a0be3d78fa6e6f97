#include "search/hamming_scan.h"

#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "search/kernels.h"

namespace pairloom::search {

namespace {

bool has(Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq");
  }
  if (kernel == Kernel::kAvx2) return __builtin_cpu_supports("avx2");
#elif defined(__aarch64__)
  if (kernel == Kernel::kNeon) return true;  // every ARMv8-A has it
#endif
  return kernel == Kernel::kPortable;
}

bool nearer(const Hit& a, const Hit& b) {
  return std::tie(a.distance, a.content_id) < std::tie(b.distance, b.content_id);
}

struct Blocks {
  uint64_t first, end;
};

// Calls `take(query number, Hit)` for every code of these blocks within the radius of a query. Block by block, so that a
// block is read from memory once for all queries; `radius(query number)` is asked again before each.
template <class Radius, class Take>
void scan(const CodeFile& codes, Blocks blocks, std::span<const ScanQuery> queries, Kernel kernel, Radius radius, Take take) {
  const MatchFunction match = match_function(kernel, codes.bits());
  const auto matches = std::make_unique<Match[]>(kBlockCodes * std::min(queries.size(), kQueryGroup));
  std::array<Code, kQueryGroup> group;
  for (uint64_t b = blocks.first; b < blocks.end; ++b) {
    const CodeBlock block = codes.block(b);
    for (size_t first = 0; first < queries.size(); first += kQueryGroup) {
      const size_t count = std::min(kQueryGroup, queries.size() - first);
      int widest = 0;
      for (size_t q = 0; q < count; ++q) {
        group[q] = queries[first + q].code;
        widest = std::max(widest, radius(first + q));
      }
      const size_t found = match(std::span(group).first(count), block, 0, block.count, widest, matches.get());
      for (const Match& m : std::span(matches.get(), found)) {
        const size_t query = first + m.query;
        if (!queries[query].include_low_information && (block.flags[m.index] & kLowInformation) != 0) continue;
        take(query, Hit{block.first_position + m.index, block.content_ids[m.index], m.distance});
      }
    }
  }
}

using HitsOfQueries = std::vector<std::vector<Hit>>;

constexpr uint64_t kBlocksAtOnce = 32;      // of a thread
constexpr uint64_t kBlocksAThread = 1024;  // worth starting one: on a virtual machine that may take 4 ms
constexpr int kMostThreads = 16;           // memory is the limit before

// Calls `look(blocks, hits of each query)` until all blocks have been looked at, in as many threads, each with hits of its
// own, and puts together what they found. Who has finished some blocks takes the next: a thread may be late.
template <class Look>
HitsOfQueries in_threads(const CodeFile& codes, size_t queries, int threads, const Look& look) {
  const uint64_t blocks = codes.block_count();
  std::atomic<uint64_t> next = 0;
  std::vector<HitsOfQueries> found(static_cast<size_t>(std::max(1, threads)), HitsOfQueries(queries));
  const auto work = [&](HitsOfQueries& mine) {
    for (uint64_t at = next.fetch_add(kBlocksAtOnce); at < blocks; at = next.fetch_add(kBlocksAtOnce))
      look(Blocks{at, std::min(blocks, at + kBlocksAtOnce)}, mine);
  };
  {
    std::vector<std::jthread> others;
    try {
      while (others.size() + 1 < found.size()) others.emplace_back(work, std::ref(found[others.size() + 1]));
    } catch (const std::system_error&) {  // no more of them are to be had
    }
    work(found.front());
  }
  HitsOfQueries all = std::move(found.front());
  for (size_t thread = 1; thread < found.size(); ++thread)
    for (size_t query = 0; query < queries; ++query)
      all[query].insert(all[query].end(), found[thread][query].begin(), found[thread][query].end());
  return all;
}

}  // namespace

int useful_threads(const CodeFile& codes) {
  cpu_set_t cpus;
  const int allowed = ::sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
  const auto parts = static_cast<int>(std::min<uint64_t>(codes.block_count() / kBlocksAThread, kMostThreads));
  return std::max(1, std::min(parts, allowed));
}

std::string_view name_of(Kernel kernel) {
  switch (kernel) {
    case Kernel::kPortable:
      return "portable";
    case Kernel::kAvx2:
      return "avx2";
    case Kernel::kAvx512:
      return "avx512";
    case Kernel::kNeon:
      return "neon";
  }
  return "unknown";
}

std::vector<Kernel> available_kernels() {
  std::vector<Kernel> kernels;
  for (const Kernel k : {Kernel::kPortable, Kernel::kAvx2, Kernel::kAvx512, Kernel::kNeon}) {
    if (has(k)) kernels.push_back(k);
  }
  return kernels;
}

Kernel best_kernel() {
  static const Kernel best = available_kernels().back();
  return best;
}

MatchFunction match_function(Kernel kernel, int bits) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512) return bits == 64 ? match_64_avx512 : match_256_avx512;
  if (kernel == Kernel::kAvx2) return bits == 64 ? match_64_avx2 : match_256_avx2;
#elif defined(__aarch64__)
  if (kernel == Kernel::kNeon) return bits == 64 ? match_64_neon : match_256_neon;
#endif
  static_cast<void>(kernel);
  return bits == 64 ? match_64_portable : match_256_portable;
}

TileFunction tile_function(Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512) return tile_avx512;
  if (kernel == Kernel::kAvx2) return tile_avx2;
#elif defined(__aarch64__)
  if (kernel == Kernel::kNeon) return tile_neon;
#endif
  static_cast<void>(kernel);
  return tile_portable;
}

std::vector<std::vector<Hit>> find_within_each(const CodeFile& codes, std::span<const ScanQuery> queries, int radius,
                                               Kernel kernel, int threads) {
  if (radius < 0) return HitsOfQueries(queries.size());
  auto hits = in_threads(codes, queries.size(), threads, [&](Blocks blocks, HitsOfQueries& found) {
    scan(
        codes, blocks, queries, kernel, [&](size_t) { return radius; },
        [&](size_t query, const Hit& hit) { found[query].push_back(hit); });
  });
  for (auto& of_query : hits) std::sort(of_query.begin(), of_query.end(), nearer);
  return hits;
}

std::vector<std::vector<Hit>> find_nearest_each(const CodeFile& codes, std::span<const ScanQuery> queries, size_t k,
                                                Kernel kernel, int threads) {
  if (k == 0) return HitsOfQueries(queries.size());
  auto hits = in_threads(codes, queries.size(), threads, [&](Blocks blocks, HitsOfQueries& heaps) {  // the farthest on top
    const auto radius = [&](size_t query) {
      return heaps[query].size() < k ? codes.bits() : static_cast<int>(heaps[query].front().distance);
    };
    scan(codes, blocks, queries, kernel, radius, [&](size_t query, const Hit& hit) {
      auto& heap = heaps[query];
      if (heap.size() == k) {
        if (!nearer(hit, heap.front())) return;
        std::pop_heap(heap.begin(), heap.end(), nearer);
        heap.pop_back();
      }
      heap.push_back(hit);
      std::push_heap(heap.begin(), heap.end(), nearer);
    });
  });
  for (auto& of_query : hits) {
    std::sort(of_query.begin(), of_query.end(), nearer);
    of_query.resize(std::min(of_query.size(), k));
  }
  return hits;
}

std::vector<Hit> find_within(const CodeFile& codes, const Code& query, int radius, const ScanOptions& options) {
  const ScanQuery one{query, options.include_low_information};
  return std::move(find_within_each(codes, {&one, 1}, radius, options.kernel, options.threads).front());
}

std::vector<Hit> find_nearest(const CodeFile& codes, const Code& query, size_t k, const ScanOptions& options) {
  const ScanQuery one{query, options.include_low_information};
  return std::move(find_nearest_each(codes, {&one, 1}, k, options.kernel, options.threads).front());
}

}  // namespace pairloom::search
