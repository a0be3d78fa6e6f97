// The indexing job: a path -> open, read once, digest, decode, extract -> one result. Runs in: worker only.
#include <iterator>

#include "jobs/index_job.h"
#include "workerproc/extract/extract.h"
#include "workerproc/file_reader.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {
namespace {

class IndexFiles final : public WorkerJob {
 public:
  explicit IndexFiles(const jobs::IndexSetup& setup)
      : reader_(setup.limits.max_file_bytes), extractor_(setup), turned_((setup.algorithms & jobs::kTurnedCodes) != 0) {}

  Result<> run(const shm::TaskView&, TaskContext& context) override {
    PAIRLOOM_ASSIGN(FileContents file, reader_.read(context));
    const jobs::IndexResult result = index(std::move(file), context);
    if (!turned_) return context.send(jobs::encode(result), true);
    return context.send(jobs::encode(jobs::TurnedResult{result, extractor_.take_turns()}), true);
  }

 private:
  jobs::IndexResult index(FileContents file, TaskContext& context) {
    jobs::IndexResult result;
    if (file.outcome == Outcome::kIndexed) {
      uint64_t stage_ns[8] = {};
      result = extractor_.extract(file.bytes, stage_ns);
      for (size_t i = 0; i < std::size(stage_ns); ++i) context.add_stage_ns(static_cast<shm::Stage>(i), stage_ns[i]);
    } else {
      result.outcome = file.outcome;
      result.message = std::move(file.message);
      result.absent = file.absent;
    }
    result.identity = file.identity;
    return result;
  }

  FileReader reader_;
  Extractor extractor_;
  const bool turned_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_index_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::IndexSetup decoded, jobs::decode_index_setup(setup));
  return std::make_unique<IndexFiles>(decoded);
}

}  // namespace pairloom::workerproc
