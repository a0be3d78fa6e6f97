// Times all pairs of real codes (bench/make_codes.cpp), on one core.
//   join_bench pdq|dhash|phash CODES COUNT RADIUS [NEW] [--scan] [--equal E]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

#include "search/join_plan.h"

using namespace pairloom;
using namespace pairloom::search;

namespace {
double now() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
}  // namespace

int main(int argc, char** argv) {
  const Algorithm algorithm = algorithm_from_name(argv[1]).value();
  const uint64_t count = std::strtoull(argv[3], nullptr, 10);
  PairingRequest request;
  request.count = count;
  request.radius = static_cast<uint32_t>(std::atoi(argv[4]));
  bool scan = false;
  int equal = 0;
  for (int i = 5; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--scan"))
      scan = true;
    else if (!std::strcmp(argv[i], "--equal"))
      equal = std::atoi(argv[++i]);
    else if (!std::strcmp(argv[i], "--mem"))
      request.memory_bytes = std::strtoull(argv[++i], nullptr, 10);
    else
      request.known = {count - std::strtoull(argv[i], nullptr, 10), static_cast<int>(request.radius)};
  }
  CodeFileBuilder builder(algorithm);
  std::ifstream file(argv[2], std::ios::binary);
  for (uint64_t i = 0; i < count; ++i) {
    Code code;
    file.read(reinterpret_cast<char*>(code.words.data()), info(algorithm).bits / 8);
    if (!file || !builder.append(static_cast<uint32_t>(i + 1), code, 0)) return 1;
  }
  const CodeFile codes = std::move(builder).finish();
  double t0 = now();
  PairingPlan plan = plan_join(codes, request);
  double t1 = now();
  std::printf("plan %.3f s: join %.2f s, scan %.2f s; e =", t1 - t0, plan.seconds, plan.scan_seconds);
  for (auto& w : plan.join.words) {
    if (equal && w.radius >= 0) w.equal = static_cast<uint8_t>(equal);
    std::printf(" %d/%d", w.radius, w.equal);
  }
  if (equal) {
    plan.pieces.clear();
    for (uint8_t w = 0; w < 4; ++w)
      for (int b = 0; b <= plan.join.words[w].radius; ++b) {
        const int k = plan.join.words[w].blocks();
        plan.pieces.push_back({w, static_cast<uint8_t>(b), 0, 1u << (first_bit(b + 1, k) - first_bit(b, k))});
      }
  }
  std::printf("; %zu pieces\n", plan.pieces.size());
  uint64_t pairs = 0, sum = 0, crowded = 0;
  const auto visit = [&](std::span<const PairHit> some) {
    for (auto& p : some) sum += (p.a * 31u + p.b) * uint64_t{1000003} ^ p.distance;
    pairs += some.size();
    return true;
  };
  if (scan) {
    pairs_of_range(codes, plan.first_scanned, count, static_cast<int>(request.radius), {visit, nullptr, nullptr});
    std::printf("scan %.3f s, %llu pairs, sum %llx\n", now() - t1, static_cast<unsigned long long>(pairs),
                static_cast<unsigned long long>(sum));
    return 0;
  }
  uint64_t equals = 0;
  const DistinctCodes distinct = DistinctCodes::find(
      codes, count, false,
      [&](uint64_t a, uint64_t b) {
        if (b < request.known.positions) return;
        const PairHit hit{static_cast<uint32_t>(a), static_cast<uint32_t>(b), 0};
        visit({&hit, 1});
        ++equals;
      },
      nullptr);
  double t2 = now();
  BandedJoin join(codes, distinct, plan.join, {.known = request.known});
  for (const auto& piece : plan.pieces) {
    double t = now();
    join.run(piece, {visit, [&](uint32_t) { ++crowded; }, nullptr});
    if (getenv("V"))
      std::printf("  word %d block %d keys %u-%u: %.3f s\n", piece.word, piece.block, piece.first_key, piece.last_key,
                  now() - t);
  }
  double t3 = now();
  std::printf("distinct %.3f s (%llu of %llu), join %.3f s, total %.3f s, %llu pairs, crowded %llu, sum %llx\n",
              t2 - t1, static_cast<unsigned long long>(distinct.size()), static_cast<unsigned long long>(count),
              t3 - t2, t3 - t0, static_cast<unsigned long long>(pairs), static_cast<unsigned long long>(crowded),
              static_cast<unsigned long long>(sum));
}
