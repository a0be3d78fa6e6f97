#include "search/hamming_scan.h"

#include <algorithm>
#include <memory>
#include <tuple>

#include "search/kernels.h"

namespace pairloom::search {

namespace {

bool has(Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vpopcntdq");
  }
  if (kernel == Kernel::kAvx2) return __builtin_cpu_supports("avx2");
#endif
  return kernel == Kernel::kPortable;
}

bool nearer(const Hit& a, const Hit& b) {
  return std::tie(a.distance, a.content_id) < std::tie(b.distance, b.content_id);
}

// Calls `take(Hit)` for every code within the radius, block by block; `radius()` is asked again before each block.
template <class Radius, class Take>
void scan(const CodeFile& codes, const Code& query, const ScanOptions& options, Radius radius, Take take) {
  const MatchFunction match = match_function(options.kernel, codes.bits());
  const auto matches = std::make_unique<Match[]>(kBlockCodes);
  for (uint64_t b = 0; b < codes.block_count(); ++b) {
    const CodeBlock block = codes.block(b);
    const size_t found = match({&query, 1}, block, 0, block.count, radius(), matches.get());
    for (const Match& m : std::span(matches.get(), found)) {
      if (!options.include_low_information && (block.flags[m.index] & kLowInformation) != 0) continue;
      take(Hit{block.first_position + m.index, block.content_ids[m.index], m.distance});
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
  }
  return "unknown";
}

std::vector<Kernel> available_kernels() {
  std::vector<Kernel> kernels;
  for (const Kernel k : {Kernel::kPortable, Kernel::kAvx2, Kernel::kAvx512}) {
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
#endif
  static_cast<void>(kernel);
  return bits == 64 ? match_64_portable : match_256_portable;
}

TileFunction tile_function(Kernel kernel) {
#if defined(__x86_64__)
  if (kernel == Kernel::kAvx512) return tile_avx512;
  if (kernel == Kernel::kAvx2) return tile_avx2;
#endif
  static_cast<void>(kernel);
  return tile_portable;
}

std::vector<Hit> find_within(const CodeFile& codes, const Code& query, int radius, const ScanOptions& options) {
  std::vector<Hit> hits;
  if (radius < 0) return hits;
  scan(
      codes, query, options, [&] { return radius; }, [&](const Hit& hit) { hits.push_back(hit); });
  std::sort(hits.begin(), hits.end(), nearer);
  return hits;
}

std::vector<Hit> find_nearest(const CodeFile& codes, const Code& query, size_t k, const ScanOptions& options) {
  std::vector<Hit> heap;  // the farthest on top
  if (k == 0) return heap;
  const auto radius = [&] { return heap.size() < k ? codes.bits() : static_cast<int>(heap.front().distance); };
  scan(codes, query, options, radius, [&](const Hit& hit) {
    if (heap.size() == k) {
      if (!nearer(hit, heap.front())) return;
      std::pop_heap(heap.begin(), heap.end(), nearer);
      heap.pop_back();
    }
    heap.push_back(hit);
    std::push_heap(heap.begin(), heap.end(), nearer);
  });
  std::sort_heap(heap.begin(), heap.end(), nearer);
  return heap;
}

}  // namespace pairloom::search
