#include "cli/bench/workload.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/text.h"
#include "daemon/descriptor_match.h"
#include "daemon/feature_extraction.h"
#include "daemon/file_job.h"
#include "daemon/locating.h"
#include "daemon/pool.h"
#include "daemon/transform_file.h"
#include "jobs/index_job.h"

namespace pairloom::cli {
namespace {

constexpr uint32_t kSpotDiameterPx = 13;  // of the spots in drawn pictures (bench/drawn_images.cpp)

class Stopwatch {
 public:
  double seconds() const { return static_cast<double>(system_clock().monotonic_ns() - start_ns_) / 1e9; }

 private:
  int64_t start_ns_ = system_clock().monotonic_ns();
};

std::array<uint64_t, 8> stages_of(const std::vector<index::WorkerTotals>& workers) {
  std::array<uint64_t, 8> sums{};
  for (const auto& worker : workers)
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += worker.stage_ns[i];
  return sums;
}

// Counters of workers only grow: what they have grown by since the last time.
class StageMeter {
 public:
  std::array<uint64_t, 8> since_last(const std::vector<index::WorkerTotals>& workers) {
    const auto now = stages_of(workers);
    auto grown = now;
    for (size_t i = 0; i < grown.size(); ++i) grown[i] -= last_[i];
    last_ = now;
    return grown;
  }

 private:
  std::array<uint64_t, 8> last_{};
};

std::vector<std::byte> failure(Outcome outcome, const std::string& message) {
  const std::string text = fmt::format("{}: {}", name_of(outcome), message);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The same few files, again and again.
class ListedFiles final : public daemon::FileSource {
 public:
  explicit ListedFiles(std::span<const std::string> paths) {
    batch_.directory = "/";
    for (const std::string& path : paths) {
      struct stat st {};
      StatIdentity identity;
      if (::stat(path.c_str(), &st) == 0) identity.size_bytes = static_cast<uint64_t>(st.st_size);
      batch_.files.push_back({.name = path.substr(1), .identity = identity, .wanted = true, .written = path});
    }
  }
  Result<Next> next(daemon::FileBatch& batch) override {
    batch = std::exchange(batch_, {});
    return Next::kEnd;
  }

 private:
  daemon::FileBatch batch_;
};

template <Algorithm kAlgorithm>
class Hashing final : public Workload {
 public:
  static Result<std::unique_ptr<Workload>> make(const daemon::PoolOptions& options, const std::string&) {
    PAIRLOOM_ASSIGN(auto pool, daemon::Pool::create(options));
    return std::make_unique<Hashing>(std::move(pool));
  }
  explicit Hashing(daemon::Pool pool) : pool_(std::move(pool)) {}

  Result<Trial> run(std::span<const std::string> paths) override {
    const std::vector<std::string> files(paths.begin(), paths.end());
    jobs::IndexSetup setup;
    setup.algorithms = set_of(kAlgorithm);
    const Stopwatch stopwatch;
    PAIRLOOM_ASSIGN(const auto results, daemon::extract_files(files, setup, pool_));
    Trial trial;
    trial.seconds = stopwatch.seconds();
    for (const auto& result : results) trial.answers.push_back(jobs::encode(result));
    trial.stage_ns = meter_.since_last(pool_.totals());
    return trial;
  }

 private:
  daemon::Pool pool_;
  StageMeter meter_;
};

// What the jobs have in common that take a file a task.
class FileWorkload : public Workload {
 public:
  explicit FileWorkload(daemon::FileJobs jobs) : jobs_(std::move(jobs)) {}

  Result<Trial> run(std::span<const std::string> paths) override {
    PAIRLOOM_TRY(prepare(paths));
    ListedFiles files(paths);
    daemon::FileJobRequest request;
    request.source = &files;
    Trial trial;
    const Stopwatch stopwatch;
    PAIRLOOM_ASSIGN(const auto summary, run_job(std::move(request), trial.answers));
    trial.seconds = stopwatch.seconds();
    if (summary.interrupted) return fail(Errc::kInterrupted, "interrupted");
    trial.stage_ns = meter_.since_last(summary.workers);
    return trial;
  }

 protected:
  virtual Result<> prepare(std::span<const std::string>) { return {}; }
  virtual Result<daemon::FileJobSummary> run_job(daemon::FileJobRequest request,
                                                 std::vector<std::vector<std::byte>>& answers) = 0;
  daemon::FileJobs jobs_;

 private:
  StageMeter meter_;
};

class Locating final : public FileWorkload {
 public:
  using FileWorkload::FileWorkload;
  static Result<std::unique_ptr<Workload>> make(const daemon::PoolOptions& options, const std::string&) {
    PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(options));
    return std::make_unique<Locating>(std::move(jobs));
  }

 private:
  Result<daemon::FileJobSummary> run_job(daemon::FileJobRequest request,
                                         std::vector<std::vector<std::byte>>& answers) override {
    const auto setup = jobs::LocateSetup::for_diameter(kSpotDiameterPx);
    const auto sink = [&answers](const daemon::LocatedFrame& frame) -> Result<> {
      answers.push_back(frame.outcome == Outcome::kIndexed ? jobs::encode(frame.result)
                                                           : failure(frame.outcome, frame.message));
      return {};
    };
    return daemon::locate_particles(jobs_, setup, std::move(request), sink, {});
  }
};

class Extracting final : public FileWorkload {
 public:
  using FileWorkload::FileWorkload;
  static Result<std::unique_ptr<Workload>> make(const daemon::PoolOptions& options, const std::string&) {
    PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(options));
    return std::make_unique<Extracting>(std::move(jobs));
  }

 private:
  Result<> prepare(std::span<const std::string>) override {
    setup_.features = {"color", "lbp"};
    if (!descriptions_.empty()) return {};
    PAIRLOOM_ASSIGN(descriptions_, daemon::describe_features(jobs_, setup_));
    return {};
  }
  Result<daemon::FileJobSummary> run_job(daemon::FileJobRequest request,
                                         std::vector<std::vector<std::byte>>& answers) override {
    const auto sink = [&answers](const std::string&, const daemon::FeatureAnswer& answer) -> Result<> {
      answers.push_back(answer.outcome == Outcome::kIndexed ? jobs::encode(answer.result)
                                                            : failure(answer.outcome, answer.message));
      return {};
    };
    return daemon::extract_features(jobs_, setup_, descriptions_, std::move(request), sink, {});
  }

  jobs::ExtractSetup setup_;
  std::vector<jobs::FeatureDescription> descriptions_;
};

// The first picture, whichever comes, against all.
template <jobs::DescriptorMethod kMethod>
class Matching final : public FileWorkload {
 public:
  using FileWorkload::FileWorkload;
  static Result<std::unique_ptr<Workload>> make(const daemon::PoolOptions& options, const std::string&) {
    PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(options));
    return std::make_unique<Matching>(std::move(jobs));
  }

 private:
  Result<> prepare(std::span<const std::string> paths) override {
    setup_.method = kMethod;
    if (reference_path_ == paths[0]) return {};
    PAIRLOOM_ASSIGN(reference_, daemon::describe_reference(jobs_, paths[0], setup_));
    reference_path_ = paths[0];
    return {};
  }
  Result<daemon::FileJobSummary> run_job(daemon::FileJobRequest request,
                                         std::vector<std::vector<std::byte>>& answers) override {
    const auto sink = [&answers](const std::string&, const daemon::MatchAnswer& answer) -> Result<> {
      answers.push_back(answer.outcome == Outcome::kIndexed ? jobs::encode(answer.result)
                                                            : failure(answer.outcome, answer.message));
      return {};
    };
    return daemon::match_descriptors(jobs_, reference_, setup_, std::move(request), sink, {});
  }

  jobs::MatchSetup setup_;
  daemon::MatchReference reference_;
  std::string reference_path_;
};

// One picture after the other, each turned a little, its bands on all workers. Workers are started for each of them and
// the time for that counts.
class Transforming final : public Workload {
 public:
  static Result<std::unique_ptr<Workload>> make(const daemon::PoolOptions& options, const std::string& scratch) {
    return std::make_unique<Transforming>(options, scratch);
  }
  Transforming(const daemon::PoolOptions& options, const std::string& scratch) {
    request_.pool = options;
    request_.band_rows = std::exchange(request_.pool.chunk_tasks, 0);
    request_.output = scratch + "/transformed.ppm";
    request_.overwrite = true;
    request_.map = jobs::MapKind::kRotate;
    request_.angle_deg = 17;
    request_.container = jobs::Container::kPnm;
  }

  Result<Trial> run(std::span<const std::string> paths) override {
    Trial trial;
    for (const std::string& path : paths) {
      request_.input = path;
      const Stopwatch stopwatch;
      PAIRLOOM_TRY(daemon::transform_file(request_, {}));
      trial.seconds += stopwatch.seconds();
      std::ifstream file(request_.output, std::ios::binary);
      const std::string bytes(std::istreambuf_iterator<char>(file), {});
      const auto answer = std::as_bytes(std::span(bytes));
      trial.answers.emplace_back(answer.begin(), answer.end());
    }
    return trial;
  }

 private:
  daemon::TransformRequest request_;
};

constexpr WorkloadKind kKinds[] = {
    {"index", "decode and compute PDQ codes, as index add does", "files", true, 2048, Hashing<Algorithm::kPdq>::make},
    {"dhash", "decode and compute difference hashes", "files", true, 2048, Hashing<Algorithm::kDhash>::make},
    {"match-sift", "match SIFT descriptors with the first picture's", "files", true, 1024,
     Matching<jobs::DescriptorMethod::kSift>::make},
    {"match-orb", "match ORB descriptors with the first picture's", "files", true, 1024,
     Matching<jobs::DescriptorMethod::kOrb>::make},
    {"locate", "locate particles of diameter 13", "files", true, 2048, Locating::make},
    {"extract", "colour statistics and local binary patterns", "files", true, 2048, Extracting::make},
    {"transform", "turn each picture by 17 degrees, in bands of rows", "rows", false, 4096, Transforming::make},
};

}  // namespace

std::span<const WorkloadKind> workload_kinds() {
  return kKinds;
}

}  // namespace pairloom::cli
