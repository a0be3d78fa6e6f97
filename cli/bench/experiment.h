// The benchmark's experiments: how cost grows with the picture, how speed grows with the workers, how it depends on the
// size of chunks. Every parallel answer is compared with the serial one. Runs in: cli, which is the supervisor then.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/bench/power_law.h"
#include "cli/bench/workload.h"

namespace pairloom::cli {

// Pictures of about the same number of pixels.
struct PictureSet {
  std::string label;  // "512 x 512"
  double pixels = 0;  // of each, on average
  std::vector<std::string> paths;
};

struct BenchPlan {
  const WorkloadKind* kind = nullptr;
  daemon::PoolOptions pool;  // jobs: the most workers there are to be
  uint32_t rounds = 5;
  double seconds = 0.3;  // of serial work in each measurement, about
  std::vector<uint32_t> chunks = {1, 2, 4, 8, 16, 32, 64, 128};
  std::string scratch;
};

// The same work, measured once a round.
struct Measured {
  uint32_t workers = 1, chunk = 0;  // chunk 0: as the program chooses
  uint64_t files = 0;
  std::vector<double> seconds;
  std::array<uint64_t, 8> stage_ns{};  // of all rounds
  void start_over() { *this = Measured{workers, chunk, 0, {}, {}}; }
  double median() const;
  double least() const;
  double most() const;
  double per_file() const { return median() / static_cast<double>(files); }
};
double speed_up(const Measured& serial, const Measured& parallel);
// Share of the serial time that more workers do not shorten, from a speed-up on several (A. H. Karp and H. P. Flatt,
// "Measuring parallel processor performance", CACM 33(5), 1990).
double serial_share(double speed_up, uint32_t workers);

struct SizeResult {
  PictureSet pictures;
  Measured serial, parallel;
};
struct BenchReport {
  std::vector<SizeResult> sizes;   // from small to large
  std::optional<PowerLaw> growth;  // of serial cost a file with its pixels
  PictureSet worker_pictures, chunk_pictures;
  std::vector<Measured> workers;       // 1, 2 .. the most
  std::vector<Measured> chunks;        // fixed sizes in order, at last what the program chooses
  uint64_t compared = 0;               // answers of parallel runs that were compared with serial ones
  std::vector<std::string> different;  // files whose answers were not the same
  bool identical() const { return different.empty(); }
};

// What a set of chunk sizes says: which is best, and how far around it one may go.
struct ChunkOptimum {
  uint32_t best = 0;
  uint32_t flat_from = 0, flat_to = 0;  // neighbours of the best that are at most 5 % slower
  double chosen_loss = 0;               // what the program chooses, compared with the best: 0.02 = 2 % slower
};
std::optional<ChunkOptimum> chunk_optimum(const std::vector<Measured>& chunks);

// `sets` from small to large, at least one. `say` hears what is measured now.
Result<BenchReport> run_experiments(const BenchPlan& plan, const std::vector<PictureSet>& sets,
                                    const std::function<void(const std::string&)>& say);

}  // namespace pairloom::cli
