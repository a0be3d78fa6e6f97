// The pairing job: a range of packed codes -> its near-duplicate pairs with everything before it. Runs in: worker only.
#include <vector>

#include "jobs/pair_job.h"
#include "search/code_file.h"
#include "search/hamming_scan.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kPairsPerRecord = 4096;  // 48 kB: small against the ring, so that results flow while the task goes on

class PairCodes final : public WorkerJob {
 public:
  PairCodes(jobs::PairSetup setup, search::CodeFile codes) : setup_(std::move(setup)), codes_(std::move(codes)) {}

  Result<> run(const shm::TaskView& task, TaskContext& context) override {
    PAIRLOOM_ASSIGN(const jobs::PairTask range, jobs::decode_pair_task(task.payload));
    if (range.last > codes_.size()) return fail(Errc::kProtocol, "pair task: range beyond the code file");
    std::vector<jobs::Pair> pairs;
    Result<> sent;
    const auto visit = [&](std::span<const search::PairHit> hits) {
      for (const auto& hit : hits) {
        pairs.push_back({hit.a, hit.b, hit.distance});
        if (pairs.size() < kPairsPerRecord) continue;
        sent = context.send(jobs::encode(std::span<const jobs::Pair>(pairs)), false);
        pairs.clear();
        if (!sent) return false;
      }
      return true;
    };
    const auto progress = [&](uint64_t) { context.report_progress(); };
    context.timed(shm::Stage::kExtract, [&] {
      search::pairs_of_range(codes_, range.first, range.last, static_cast<int>(setup_.radius), visit, progress);
    });
    PAIRLOOM_TRY(sent);
    return context.send(jobs::encode(std::span<const jobs::Pair>(pairs)), true);
  }

 private:
  jobs::PairSetup setup_;
  search::CodeFile codes_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_pair_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(jobs::PairSetup decoded, jobs::decode_pair_setup(setup));
  PAIRLOOM_ASSIGN(auto codes,
                  search::CodeFile::open(decoded.code_file, decoded.algorithm, decoded.index_id, decoded.generation));
  return std::make_unique<PairCodes>(std::move(decoded), std::move(codes));
}

}  // namespace pairloom::workerproc
