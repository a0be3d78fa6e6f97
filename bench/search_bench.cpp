// Compares the kernels of search/ on synthetic clustered codes, side by side in one process: one query over all codes,
// the 10 nearest, and all pairs of the last codes with everything before them. usage: search_bench [--large] (--large
// adds 10^7 codes; about 700 MB of memory)
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

#include "search/hamming_scan.h"

using namespace pairloom;
using namespace pairloom::search;

namespace {

constexpr uint64_t kComparisons = 2'000'000'000;  // about, for all pairs

// Nine in ten codes are random, one is a near-duplicate of an earlier one.
CodeFile clustered(Algorithm algorithm, uint64_t count) {
  std::mt19937_64 random(count);
  CodeFileBuilder builder(algorithm);
  const auto bits = static_cast<uint64_t>(info(algorithm).bits);
  std::vector<Code> recent(1024);
  for (uint64_t i = 0; i < count; ++i) {
    Code code;
    for (size_t w = 0; w < bits / 64; ++w) code.words[w] = random();
    if (i % 10 == 9) {
      code = recent[random() % recent.size()];
      for (int flips = 0; flips < 3; ++flips) {
        const uint64_t bit = random() % bits;
        code.words[bit / 64] ^= uint64_t{1} << (bit % 64);
      }
    }
    recent[i % recent.size()] = code;
    if (!builder.append(static_cast<uint32_t>(i + 1), code, 0)) std::abort();
  }
  return std::move(builder).finish();
}

// The shortest of several runs, in seconds: what the machine can do when nobody disturbs it.
template <class Work>
double shortest(int runs, Work work) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

struct Figures {
  double query_s, nearest_s, pairs_per_s;
  size_t hits, pairs;
};

Figures measure(const CodeFile& codes, int radius, Kernel kernel) {
  const ScanOptions options{.kernel = kernel};
  const Code query = codes.code(codes.size() / 3);
  Figures f{};
  f.query_s = shortest(9, [&] { f.hits = find_within(codes, query, radius, options).size(); });
  f.nearest_s = shortest(5, [&] { find_nearest(codes, query, 10, options); });
  const uint64_t queries = std::clamp<uint64_t>(kComparisons / codes.size(), 512, codes.size());
  const auto count_pairs = [&] {
    f.pairs = 0;
    const auto add = [&](std::span<const PairHit> pairs) { return f.pairs += pairs.size(), true; };
    pairs_of_range(codes, codes.size() - queries, codes.size(), radius, {add, nullptr, nullptr}, options);
  };
  const auto compared =
      static_cast<double>(queries) * (static_cast<double>(codes.size()) - static_cast<double>(queries) / 2);
  f.pairs_per_s = compared / shortest(codes.size() > 1'000'000 ? 1 : 3, count_pairs);
  return f;
}

void compare_kernels(Algorithm algorithm, uint64_t count) {
  const AlgorithmInfo& about = info(algorithm);
  const CodeFile codes = clustered(algorithm, count);
  std::printf("\n%llu codes of %d bits, radius %d\n", static_cast<unsigned long long>(count), about.bits,
              about.similar);
  std::printf("%-10s %10s %10s %8s %14s %8s %6s %7s\n", "kernel", "query us", "10-NN us", "ratio", "G pairs/s", "ratio",
              "hits", "pairs");
  Figures base{};
  for (const Kernel kernel : available_kernels()) {
    const Figures f = measure(codes, about.similar, kernel);
    if (kernel == Kernel::kPortable) base = f;
    std::printf("%-10s %10.0f %10.0f %7.1fx %14.2f %7.1fx %6zu %7zu\n", std::string(name_of(kernel)).c_str(),
                f.query_s * 1e6, f.nearest_s * 1e6, base.query_s / f.query_s, f.pairs_per_s / 1e9,
                f.pairs_per_s / base.pairs_per_s, f.hits, f.pairs);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<uint64_t> counts = {100'000, 1'000'000};
  if (argc == 2 && std::strcmp(argv[1], "--large") == 0) counts.push_back(10'000'000);
  for (const Algorithm algorithm : {Algorithm::kDhash, Algorithm::kPdq}) {
    for (const uint64_t count : counts) compare_kernels(algorithm, count);
  }
}
