// The indexing job of a worker that does not decode: results out of thin air, as fast as the rings take them. The rest of
// the program is the real worker, pairing included. Runs in: worker, of bench/ingest_run.cpp only.
#include <memory>
#include <string_view>

#include "jobs/index_job.h"
#include "workerproc/worker_program.h"

namespace pairloom::workerproc {
namespace {

uint64_t mixed(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

class MakeRecords final : public WorkerJob {
 public:
  Result<> run(const shm::TaskView& task, TaskContext& context) override {
    uint64_t seed = 14695981039346656037u;
    for (const std::byte b : task.payload) seed = (seed ^ static_cast<uint64_t>(b)) * 1099511628211u;
    jobs::IndexResult result;
    result.outcome = Outcome::kIndexed;
    const auto time_ns = static_cast<int64_t>(1'600'000'000'000'000'000 + mixed(seed) % 100'000'000'000'000'000);
    result.identity = {1, 1'000'000 + context.task_id(), 100'000 + mixed(seed + 1) % 4'000'000, time_ns, time_ns};
    result.digest = {mixed(seed + 2), mixed(seed + 3)};
    result.image = {ImageFormat::kJpeg, 4032, 3024, 1, 100, 8, false, false, false};
    Code code;
    for (uint64_t& word : code.words) word = mixed(++seed + 3);
    result.codes.push_back({Algorithm::kPdq, code});
    return context.send(jobs::encode(result), true);
  }
};

Result<std::unique_ptr<WorkerJob>> make_records_job(std::span<const std::byte>) {
  return std::make_unique<MakeRecords>();
}

}  // namespace
}  // namespace pairloom::workerproc

int main(int argc, char** argv) {
  using namespace pairloom;
  using namespace pairloom::workerproc;
  static constexpr JobMaker kJobs[] = {{jobs::JobKind::kIndex, make_records_job}, {jobs::JobKind::kPair, make_pair_job}};
  return run_worker({jobs::WorkerKind::kPlain, kJobs}, argc, argv);
}
