#include "search/hamming_scan.h"

#include <algorithm>
#include <array>
#include <memory>
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

// Calls `take(query number, Hit)` for every code within the radius of a query. Block by block, so that a block is read from
// memory once for all queries; `radius(query number)` is asked again before each.
template <class Radius, class Take>
void scan(const CodeFile& codes, std::span<const ScanQuery> queries, Kernel kernel, Radius radius, Take take) {
  const MatchFunction match = match_function(kernel, codes.bits());
  const auto matches = std::make_unique<Match[]>(kBlockCodes * std::min(queries.size(), kQueryGroup));
  std::array<Code, kQueryGroup> group;
  for (uint64_t b = 0; b < codes.block_count(); ++b) {
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

}  // namespace

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
                                               Kernel kernel) {
  std::vector<std::vector<Hit>> hits(queries.size());
  if (radius < 0) return hits;
  scan(
      codes, queries, kernel, [&](size_t) { return radius; },
      [&](size_t query, const Hit& hit) { hits[query].push_back(hit); });
  for (auto& of_query : hits) std::sort(of_query.begin(), of_query.end(), nearer);
  return hits;
}

std::vector<std::vector<Hit>> find_nearest_each(const CodeFile& codes, std::span<const ScanQuery> queries, size_t k,
                                                Kernel kernel) {
  std::vector<std::vector<Hit>> heaps(queries.size());  // the farthest on top
  if (k == 0) return heaps;
  const auto radius = [&](size_t query) {
    return heaps[query].size() < k ? codes.bits() : static_cast<int>(heaps[query].front().distance);
  };
  scan(codes, queries, kernel, radius, [&](size_t query, const Hit& hit) {
    auto& heap = heaps[query];
    if (heap.size() == k) {
      if (!nearer(hit, heap.front())) return;
      std::pop_heap(heap.begin(), heap.end(), nearer);
      heap.pop_back();
    }
    heap.push_back(hit);
    std::push_heap(heap.begin(), heap.end(), nearer);
  });
  for (auto& heap : heaps) std::sort_heap(heap.begin(), heap.end(), nearer);
  return heaps;
}

std::vector<Hit> find_within(const CodeFile& codes, const Code& query, int radius, const ScanOptions& options) {
  const ScanQuery one{query, options.include_low_information};
  return std::move(find_within_each(codes, {&one, 1}, radius, options.kernel).front());
}

std::vector<Hit> find_nearest(const CodeFile& codes, const Code& query, size_t k, const ScanOptions& options) {
  const ScanQuery one{query, options.include_low_information};
  return std::move(find_nearest_each(codes, {&one, 1}, k, options.kernel).front());
}

}  // namespace pairloom::search
