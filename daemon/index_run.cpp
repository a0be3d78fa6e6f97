#include "daemon/index_run.h"

#include <memory>

#include <fmt/format.h>

#include "base/clock.h"
#include "daemon/grouping.h"
#include "daemon/hosted_run.h"
#include "daemon/indexing.h"
#include "daemon/pairing.h"
#include "daemon/path_list.h"
#include "daemon/pool.h"
#include "daemon/stop_signals.h"
#include "daemon/tree_walk.h"
#include "daemon/worker_totals.h"

namespace pairloom::daemon {
namespace {

// One run's moving parts, in the order they are used.
class IndexRun {
 public:
  IndexRun(index::IndexWriter& index, const IndexRequest& request, const RunObserver& observer,
           Pool::Surroundings surroundings)
      : index_(index),
        request_(request),
        observer_(observer),
        start_ns_(system_clock().monotonic_ns()),
        surroundings_(std::move(surroundings)) {
    surroundings_.stop_requested = [this, others = std::move(surroundings_.stop_requested)] {
      return (others && others()) || (observer_.stop_requested && observer_.stop_requested());
    };
  }

  // `ends_pool`: nothing else will be asked of it.
  Result<RunSummary> run(Pool& pool, bool ends_pool) {
    if (only_pairs()) PAIRLOOM_TRY(keep_pairs());
    PAIRLOOM_ASSIGN(run_, index_.begin_run(request_.kind, request_.arguments));
    const auto workers_before = pool.totals();
    const uint64_t deaths_before = pool.deaths();
    const auto done = index_then_pair(pool);
    if (!done && done.error().code != Errc::kInterrupted) {
      index_.commit();  // keep what was finished; the error is what the user must hear of
      return tl::unexpected(done.error());
    }
    summary_.kind = request_.kind;
    summary_.totals.interrupted = !done;
    summary_.totals.seconds = seconds();
    summary_.totals.worker_deaths = pool.deaths() - deaths_before;
    summary_.workers = difference(pool.totals(), workers_before);
    if (ends_pool) pool.dismiss();  // they end while the last rows are stored
    PAIRLOOM_TRY(index_.finish_run(run_, summary_.totals, summary_.workers));
    return std::move(summary_);
  }

 private:
  bool only_pairs() const { return request_.kind == index::RunKind::kPair; }

  Result<> keep_pairs() {
    const AlgorithmInfo& algorithm = info(request_.keep_pairs.algorithm);
    PAIRLOOM_ASSIGN(const auto now, index_.pairing_state(algorithm.id));
    if (now.code_count == 0)
      return fail(Errc::kInvalidArgument,
                  fmt::format("the index has no {0} codes; 'pairloom index update --features {0}' computes them, beside "
                              "those it has",
                              algorithm.name));
    return index_.want_pairs(algorithm.id, request_.keep_pairs.distance);
  }

  // Those whose new codes are to be paired.
  Result<AlgorithmSet> paired_algorithms() {
    if (only_pairs()) {
      const auto [algorithm, distance] = request_.keep_pairs;
      return stored_up_to(algorithm, distance) > 0 ? set_of(algorithm) : AlgorithmSet{0};
    }
    PAIRLOOM_ASSIGN(const AlgorithmSet wanted, index_.wanted_pairings());
    return request_.pair_algorithms | wanted;
  }

  Result<> index_then_pair(Pool& pool) {
    if (!only_pairs()) {
      const auto indexed = index_files(pool);
      PAIRLOOM_TRY(index_.commit());
      PAIRLOOM_TRY(indexed);
    }
    PAIRLOOM_ASSIGN(const AlgorithmSet paired, paired_algorithms());
    for (const AlgorithmInfo& algorithm : algorithms())
      if (contains(paired, algorithm.id)) PAIRLOOM_TRY(pair_codes(pool, algorithm.id));
    // What was added, taken away or found again may have changed the groups.
    const index::RunTotals& totals = summary_.totals;
    if (!only_pairs() && totals.indexed + totals.moved + totals.gone + summary_.new_pairs == 0) return {};
    for (const AlgorithmInfo& algorithm : algorithms())
      if (contains(paired, algorithm.id)) PAIRLOOM_TRY(store_groups(index_, run_, algorithm.id));
    return {};
  }

  Result<> index_files(Pool& pool) {
    TreeWalk walk(request_.roots, request_.walk);
    const index::IndexCounts known = index_.counts();
    if (known.files + known.not_images + known.failures + known.gone == 0) walk.guess_sizes();
    std::unique_ptr<PathList> list;
    if (request_.files_from_fd >= 0) list = std::make_unique<PathList>(request_.files_from_fd, request_.files_from_nul);
    FileSource& source = list ? static_cast<FileSource&>(*list) : walk;
    PAIRLOOM_ASSIGN(auto job, Indexing::create(index_, run_, request_, source, [this](const Problem& problem) {
                      if (observer_.problem) observer_.problem(problem);
                    }));
    surroundings_.often = [&] { tell(Progress::Stage::kIndexing, pool, job); };
    auto done = pool.run(job, surroundings_);
    if (done && job.looks_again()) done = pool.run(job, surroundings_);
    tell(Progress::Stage::kIndexing, pool, job);
    summary_.totals = job.totals();
    summary_.missing_roots = walk.missing_roots();
    summary_.unreadable_directories = walk.unreadable_directories();
    if (!done && done.error().code != Errc::kInterrupted) return done;  // what follows would fail for the same reason
    for (const auto& [path, filesystem] : walk.entered_roots()) PAIRLOOM_TRY(index_.note_root(path, filesystem));
    return done;
  }

  Result<> pair_codes(Pool& pool, Algorithm algorithm) {
    // A pairing that was cut short is finished first, then what came since is paired.
    while (true) {
      PAIRLOOM_ASSIGN(auto job, Pairing::create(index_, algorithm, pool, request_.pairing_memory_bytes));
      if (job.is_complete()) return {};
      PAIRLOOM_TRY(run_pairing(pool, job));
    }
  }

  Result<> run_pairing(Pool& pool, Pairing& job) {
    surroundings_.often = [&] {
      Progress progress;
      progress.stage = Progress::Stage::kPairing;
      progress.found = job.codes_to_pair();
      progress.done = job.codes_done();
      progress.found_all = true;
      tell(std::move(progress), pool);
    };
    PAIRLOOM_TRY(pool.run(job, surroundings_));
    summary_.new_pairs += job.pairs_found();
    return job.finish();
  }

  void tell(Progress::Stage stage, Pool& pool, const Indexing& job) {
    Progress progress;
    progress.stage = stage;
    progress.found = job.tasks_found();
    progress.done = job.tasks_done();
    progress.found_all = job.found_all();
    progress.failed = job.totals().failed;
    progress.bytes_read = job.totals().bytes_read;
    tell(std::move(progress), pool);
  }

  void tell(Progress progress, Pool& pool) {
    progress.seconds = seconds();
    progress.workers = static_cast<int>(pool.totals().size());  // 0 while nothing needs them
    if (observer_.progress) observer_.progress(progress);
  }

  double seconds() const { return static_cast<double>(system_clock().monotonic_ns() - start_ns_) / 1e9; }

  index::IndexWriter& index_;
  const IndexRequest& request_;
  const RunObserver& observer_;
  int64_t start_ns_;
  Pool::Surroundings surroundings_;
  index::RunId run_ = 0;
  RunSummary summary_;
};

}  // namespace

Result<RunSummary> run_index(index::IndexWriter& index, const IndexRequest& request, const RunObserver& observer) {
  PAIRLOOM_ASSIGN(auto signals, StopSignals::catch_them());
  Pool::Surroundings surroundings;
  surroundings.stop_fd = signals.fd();
  surroundings.stop_requested = [&signals] { return signals.arrived(); };
  PAIRLOOM_ASSIGN(auto pool, Pool::create(request.pool));
  return IndexRun(index, request, observer, std::move(surroundings)).run(pool, true);
}

Result<RunSummary> run_index(index::IndexWriter& index, const IndexRequest& request, const RunObserver& observer,
                             Pool& pool, const Pool::Surroundings& surroundings) {
  return IndexRun(index, request, observer, surroundings).run(pool, false);
}

}  // namespace pairloom::daemon
