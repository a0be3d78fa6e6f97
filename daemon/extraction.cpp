// extract_files: the codes of a few files, without an index. Runs in: supervisor (the CLI process).
#include <fmt/format.h>

#include "daemon/file_batch.h"
#include "daemon/index_run.h"
#include "daemon/job.h"
#include "daemon/pool.h"
#include "daemon/stop_signals.h"
#include "daemon/turned_extraction.h"

namespace pairloom::daemon {
namespace {

class Extraction final : public Job {
 public:
  Extraction(const std::vector<std::string>& paths, const jobs::IndexSetup& setup)
      : paths_(paths), setup_(setup), results_(paths.size()) {}

  jobs::JobKind kind() const override { return jobs::JobKind::kIndex; }
  std::vector<std::byte> setup() const override { return jobs::encode(setup_); }
  std::string_view file_of(const Task& task) const override { return path_in(task); }
  uint64_t max_result_bytes() const override { return 4096; }

  Result<Pull> pull(Task& task) override {
    if (next_ == paths_.size()) return Pull::kEnd;
    const std::string path = resolved_path(paths_[next_]);
    const auto bytes = std::as_bytes(std::span(path));
    task.id = next_++;
    task.payload.assign(bytes.begin(), bytes.end());
    return Pull::kTask;
  }

  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin&) override {
    auto& result = results_[task.id];
    if ((setup_.algorithms & jobs::kTurnedCodes) == 0) {
      PAIRLOOM_ASSIGN(result.result, jobs::decode_index_result(payload, setup_.algorithms));
    } else {
      PAIRLOOM_ASSIGN(result, jobs::decode_turned_result(payload, setup_.algorithms));
    }
    return {};
  }

  Result<> blame(const Task&, uint32_t) override { return {}; }

  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override {
    results_[task.id].result.outcome = outcome;
    results_[task.id].result.message = reason;
    return {};
  }

  std::vector<jobs::TurnedResult> take_results() { return std::move(results_); }

 private:
  const std::vector<std::string>& paths_;
  const jobs::IndexSetup& setup_;
  std::vector<jobs::TurnedResult> results_;
  size_t next_ = 0;
};

}  // namespace

Result<std::vector<jobs::IndexResult>> extract_files(const std::vector<std::string>& paths,
                                                     const jobs::IndexSetup& setup, const PoolOptions& pool_options) {
  PAIRLOOM_ASSIGN(auto pool, Pool::create(pool_options));
  return extract_files(paths, setup, pool);
}

Result<std::vector<jobs::IndexResult>> extract_files(const std::vector<std::string>& paths,
                                                     const jobs::IndexSetup& setup, Pool& pool) {
  PAIRLOOM_ASSIGN(auto extracted, extract_turned(paths, setup, pool));
  std::vector<jobs::IndexResult> results;
  for (auto& one : extracted) results.push_back(std::move(one.result));
  return results;
}

Result<std::vector<jobs::TurnedResult>> extract_turned(const std::vector<std::string>& paths,
                                                       const jobs::IndexSetup& setup, Pool& pool) {
  PAIRLOOM_ASSIGN(auto signals, StopSignals::catch_them());
  Extraction job(paths, setup);
  Pool::Surroundings surroundings;
  surroundings.stop_fd = signals.fd();
  surroundings.stop_requested = [&] { return signals.arrived(); };
  PAIRLOOM_TRY(pool.run(job, surroundings));
  return job.take_results();
}

}  // namespace pairloom::daemon
