// The pairing job: parts of the search for near-duplicates among the packed codes. Runs in: worker only.
#include <optional>
#include <vector>

#include "jobs/pair_job.h"
#include "search/banded_join.h"
#include "search/code_file.h"
#include "search/hamming_scan.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kPairsPerRecord = 4096;  // 48 kB: small against the ring, so that results flow while the task goes on

search::JoinPlan plan_of(const jobs::PairSetup& setup) {
  search::JoinPlan plan{setup.radius, {}};
  for (size_t w = 0; w < plan.words.size(); ++w) {
    plan.words[w] = {static_cast<int8_t>(setup.words[w].radius), static_cast<uint8_t>(setup.words[w].equal_blocks)};
  }
  return plan;
}

// A task's results on their way, in records of a bounded size.
class Records {
 public:
  explicit Records(TaskContext& context) : context_(context) {}

  bool add(std::span<const search::PairHit> hits) {
    for (const auto& hit : hits) {
      result_.pairs.push_back({hit.a, hit.b, hit.distance});
      if (result_.pairs.size() >= kPairsPerRecord && !send(false)) return false;
    }
    return true;
  }
  void add_crowded(uint32_t position) {
    result_.crowded.push_back(position);
    if (result_.crowded.size() >= kPairsPerRecord) send(false);
  }
  Result<> finish() {
    if (sent_) send(true);
    return sent_;
  }

 private:
  bool send(bool last) {
    if (sent_) sent_ = context_.send(jobs::encode(result_), last);
    result_.pairs.clear();
    result_.crowded.clear();
    return sent_.has_value();
  }

  TaskContext& context_;
  jobs::PairResult result_;
  Result<> sent_;
};

class PairCodes final : public WorkerJob {
 public:
  explicit PairCodes(const jobs::PairSetup& setup) : setup_(setup), plan_(plan_of(setup)) {}

  Result<> take_descriptor(Fd code_file) override {
    PAIRLOOM_ASSIGN(codes_, search::CodeFile::open(code_file.get(), "code file", setup_.algorithm, setup_.index_id,
                                                   setup_.generation));
    if (setup_.count > codes_->size()) return fail(Errc::kProtocol, "pair setup: more codes than the file has");
    return {};
  }

  Result<> run(const shm::TaskView& view, TaskContext& context) override {
    if (!codes_) return fail(Errc::kProtocol, "a pair task came before the code file");
    PAIRLOOM_ASSIGN(const jobs::PairTask task, jobs::decode_pair_task(view.payload));
    Records records(context);
    const search::PairVisitor visitor{[&](std::span<const search::PairHit> hits) { return records.add(hits); },
                                      [&](uint32_t position) { records.add_crowded(position); },
                                      [&] { context.report_progress(); }};
    PAIRLOOM_TRY(context.timed(shm::Stage::kExtract, [&] { return find_pairs(task, visitor); }));
    return records.finish();
  }

 private:
  Result<> find_pairs(const jobs::PairTask& task, const search::PairVisitor& visitor) {
    switch (task.kind) {
      case jobs::PairTask::Kind::kScan:
        if (task.last > setup_.count) return fail(Errc::kProtocol, "pair task: range beyond the codes");
        search::pairs_of_range(*codes_, task.first, task.last, static_cast<int>(setup_.radius), visitor);
        return {};
      case jobs::PairTask::Kind::kEqual:
        find_equal(visitor);
        return {};
      case jobs::PairTask::Kind::kJoin:
        return join(task, visitor);
    }
    return fail(Errc::kProtocol, "pair task: unknown kind");
  }

  void find_equal(const search::PairVisitor& visitor) {
    search::DistinctCodes::find(
        *codes_, setup_.count, false,
        [&](uint64_t representative, uint64_t equal) {
          if (equal < setup_.known_positions && setup_.known_radius >= 0) return;
          const search::PairHit hit{static_cast<uint32_t>(representative), static_cast<uint32_t>(equal), 0};
          visitor.pairs({&hit, 1});
        },
        visitor.progress);
  }

  Result<> join(const jobs::PairTask& task, const search::PairVisitor& visitor) {
    const search::JoinPiece piece{static_cast<uint8_t>(task.word), static_cast<uint8_t>(task.block),
                                  static_cast<uint32_t>(task.first), static_cast<uint32_t>(task.last)};
    if (task.last > UINT32_MAX || !search::is_complete(plan_, codes_->bits()) || !search::is_valid(piece, plan_))
      return fail(Errc::kProtocol, "pair task: no such piece of the join");
    if (!join_) {  // once for all pieces; every worker for itself: a second for 10^7 codes, and nothing to share
      distinct_ = search::DistinctCodes::find(*codes_, setup_.count, false, nullptr, visitor.progress);
      const search::KnownPairs known{setup_.known_positions, setup_.known_radius};
      join_.emplace(*codes_, *distinct_, plan_, search::BandedJoin::Options{.known = known});
    }
    join_->run(piece, visitor);
    return {};
  }

  const jobs::PairSetup setup_;
  const search::JoinPlan plan_;
  std::optional<search::CodeFile> codes_;
  std::optional<search::DistinctCodes> distinct_;
  std::optional<search::BandedJoin> join_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_pair_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::PairSetup decoded, jobs::decode_pair_setup(setup));
  return std::make_unique<PairCodes>(decoded);
}

}  // namespace pairloom::workerproc
