#include "cli/bench/experiment.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

namespace pairloom::cli {
namespace {

constexpr double kFlat = 1.05;
constexpr uint64_t kMostFiles = 20'000;

// `count` paths out of these, over and over.
std::vector<std::string> repeated(const std::vector<std::string>& paths, uint64_t count) {
  std::vector<std::string> out;
  for (uint64_t i = 0; i < count; ++i) out.push_back(paths[i % paths.size()]);
  return out;
}

// One arrangement of workers, kept alive over its rounds.
struct Contestant {
  Measured measured;
  std::unique_ptr<Workload> workload;
};

class Bench {
 public:
  Bench(const BenchPlan& plan, BenchReport& report) : plan_(plan), report_(report) {}

  Result<Contestant> contestant(uint32_t workers, uint32_t chunk) const {
    daemon::PoolOptions pool = plan_.pool;
    pool.jobs = static_cast<int>(workers);
    pool.chunk_tasks = chunk;
    Contestant made;
    made.measured.workers = workers;
    made.measured.chunk = chunk;
    PAIRLOOM_ASSIGN(made.workload, plan_.kind->make(pool, plan_.scratch));
    return made;
  }

  // As many files as serial work of plan.seconds needs, and enough for every worker.
  Result<std::vector<std::string>> enough_files(const PictureSet& pictures, Workload& serial, double seconds) const {
    PAIRLOOM_TRY(serial.run(pictures.paths));  // starts the workers, brings the files into the page cache
    PAIRLOOM_ASSIGN(const Trial trial, serial.run(pictures.paths));
    const double per_file = trial.seconds / static_cast<double>(pictures.paths.size());
    const auto wanted = static_cast<uint64_t>(std::min(seconds / std::max(per_file, 1e-7), double{kMostFiles}));
    const uint64_t least = plan_.kind->piece == "rows" ? 1 : 4 * static_cast<uint64_t>(plan_.pool.jobs);
    return repeated(pictures.paths, std::max(wanted, least));
  }

  // Lets all take turns on the same files. What the first of them answers at first is what all must answer.
  Result<> measure(std::vector<Contestant*> contestants, const std::vector<std::string>& files) {
    std::vector<std::vector<std::byte>> expected;
    for (uint32_t round = 0; round <= plan_.rounds; ++round)  // round 0 does not count
      for (Contestant* contestant : contestants) {
        PAIRLOOM_ASSIGN(Trial trial, contestant->workload->run(files));
        const bool is_reference = expected.empty();
        if (is_reference) expected = std::move(trial.answers);
        if (!is_reference) compare(expected, trial.answers, files);
        if (round == 0) continue;
        Measured& measured = contestant->measured;
        measured.files = files.size();
        measured.seconds.push_back(trial.seconds);
        for (size_t i = 0; i < trial.stage_ns.size(); ++i) measured.stage_ns[i] += trial.stage_ns[i];
      }
    return {};
  }

 private:
  void compare(const std::vector<std::vector<std::byte>>& expected, const std::vector<std::vector<std::byte>>& answers,
               const std::vector<std::string>& files) {
    report_.compared += answers.size();
    for (size_t i = 0; i < files.size(); ++i)
      if (i >= answers.size() || i >= expected.size() || answers[i] != expected[i])
        report_.different.push_back(files[i]);
  }

  const BenchPlan& plan_;
  BenchReport& report_;
};

Result<> measure_growth(const BenchPlan& plan, const std::vector<PictureSet>& sets,
                        const std::function<void(const std::string&)>& say, BenchReport& report) {
  Bench bench(plan, report);
  const auto most = static_cast<uint32_t>(plan.pool.jobs);
  PAIRLOOM_ASSIGN(auto serial, bench.contestant(1, 0));
  PAIRLOOM_ASSIGN(auto parallel, bench.contestant(most, 0));
  for (const PictureSet& pictures : sets) {
    say(fmt::format("{}: 1 and {} workers", pictures.label, most));
    PAIRLOOM_ASSIGN(const auto files, bench.enough_files(pictures, *serial.workload, plan.seconds));
    for (Contestant* each : {&serial, &parallel}) each->measured.start_over();
    PAIRLOOM_TRY(bench.measure({&serial, &parallel}, files));
    report.sizes.push_back({pictures, serial.measured, parallel.measured});
  }
  std::vector<CostPoint> points;
  for (const SizeResult& size : report.sizes) points.push_back({size.pictures.pixels, size.serial.per_file()});
  report.growth = fit_power_law(points);
  return {};
}

Result<> measure_workers(const BenchPlan& plan, const PictureSet& pictures,
                         const std::function<void(const std::string&)>& say, BenchReport& report) {
  Bench bench(plan, report);
  std::vector<Contestant> contestants;
  for (uint32_t workers = 1; workers <= static_cast<uint32_t>(plan.pool.jobs); ++workers) {
    PAIRLOOM_ASSIGN(auto made, bench.contestant(workers, 0));
    contestants.push_back(std::move(made));
  }
  say(fmt::format("{}: 1 to {} workers", pictures.label, contestants.size()));
  PAIRLOOM_ASSIGN(const auto files, bench.enough_files(pictures, *contestants[0].workload, 2 * plan.seconds));
  std::vector<Contestant*> all;
  for (Contestant& each : contestants) all.push_back(&each);
  PAIRLOOM_TRY(bench.measure(all, files));
  for (Contestant& each : contestants) report.workers.push_back(std::move(each.measured));
  report.worker_pictures = pictures;
  return {};
}

// With chunks so large that some worker gets none, there is nothing to be learnt.
Result<> measure_chunks(const BenchPlan& plan, const PictureSet& pictures,
                        const std::function<void(const std::string&)>& say, BenchReport& report) {
  Bench bench(plan, report);
  const auto workers = static_cast<uint32_t>(plan.pool.jobs);
  const bool bands = plan.kind->piece == "rows";
  PAIRLOOM_ASSIGN(auto chosen, bench.contestant(workers, 0));
  PAIRLOOM_ASSIGN(auto serial, bench.contestant(1, 0));
  PAIRLOOM_ASSIGN(const auto files, bench.enough_files(pictures, *serial.workload, 2 * plan.seconds));
  const double pieces = bands ? std::sqrt(pictures.pixels) : static_cast<double>(files.size());
  std::vector<Contestant> contestants;
  for (const uint32_t chunk : plan.chunks) {
    if (chunk * workers > pieces) continue;
    PAIRLOOM_ASSIGN(auto made, bench.contestant(workers, chunk));
    contestants.push_back(std::move(made));
  }
  contestants.push_back(std::move(chosen));
  say(fmt::format("{}: {} sizes of {}", pictures.label, contestants.size(), bands ? "bands" : "chunks"));
  std::vector<Contestant*> all{&serial};  // what the others are compared with
  for (Contestant& each : contestants) all.push_back(&each);
  PAIRLOOM_TRY(bench.measure(all, files));
  for (Contestant& each : contestants) report.chunks.push_back(std::move(each.measured));
  report.chunk_pictures = pictures;
  return {};
}

}  // namespace

double Measured::median() const {
  if (seconds.empty()) return 0;
  std::vector<double> sorted = seconds;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
double Measured::least() const {
  return seconds.empty() ? 0 : *std::min_element(seconds.begin(), seconds.end());
}
double Measured::most() const {
  return seconds.empty() ? 0 : *std::max_element(seconds.begin(), seconds.end());
}

double speed_up(const Measured& serial, const Measured& parallel) {
  return serial.per_file() / parallel.per_file();
}

double serial_share(double speed_up, uint32_t workers) {
  return (1 / speed_up - 1.0 / workers) / (1 - 1.0 / workers);
}

std::optional<ChunkOptimum> chunk_optimum(const std::vector<Measured>& chunks) {
  std::vector<const Measured*> fixed;
  const Measured* chosen = nullptr;
  for (const Measured& each : chunks)
    if (each.chunk > 0)
      fixed.push_back(&each);
    else
      chosen = &each;
  if (fixed.empty()) return std::nullopt;
  const auto best = std::min_element(fixed.begin(), fixed.end(),
                                     [](const auto* a, const auto* b) { return a->median() < b->median(); });
  const double limit = (*best)->median() * kFlat;
  auto first = best, last = best;
  while (first != fixed.begin() && (*(first - 1))->median() <= limit) --first;
  while (last + 1 != fixed.end() && (*(last + 1))->median() <= limit) ++last;
  ChunkOptimum optimum{(*best)->chunk, (*first)->chunk, (*last)->chunk, 0};
  if (chosen != nullptr) optimum.chosen_loss = chosen->median() / (*best)->median() - 1;
  return optimum;
}

Result<BenchReport> run_experiments(const BenchPlan& plan, const std::vector<PictureSet>& sets,
                                    const std::function<void(const std::string&)>& say) {
  BenchReport report;
  const bool bands = plan.kind->piece == "rows";
  PAIRLOOM_TRY(measure_growth(plan, sets, say, report));
  PAIRLOOM_TRY(measure_workers(plan, sets.back(), say, report));
  // Chunks matter most where a file is quick; bands only within a large picture.
  PAIRLOOM_TRY(measure_chunks(plan, bands ? sets.back() : sets.front(), say, report));
  return report;
}

}  // namespace pairloom::cli
