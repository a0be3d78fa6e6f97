// Loading: the job that has files decoded into shared memory, for a job that many workers share. Each file is a task;
// its pixels come up through the ring and are put into a block that is frozen when it is full, so that no worker, the
// one that decoded it included, can change what the others read. Runs in: supervisor.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "daemon/job.h"
#include "jobs/load_job.h"
#include "shm/shared_block.h"

namespace pairloom::daemon {

class Loading final : public Job {
 public:
  explicit Loading(std::vector<jobs::LoadTask> files, const jobs::LoadSetup& setup);

  struct File {
    jobs::Loaded about;  // outcome kIndexed: `block` holds about.raster
    Fd block;            // for Job::shared_descriptors
  };
  std::vector<File> take_files();  // in order; after the run

  jobs::JobKind kind() const override { return jobs::JobKind::kLoad; }
  std::vector<std::byte> setup() const override { return jobs::encode(setup_); }
  uint64_t max_result_bytes() const override { return jobs::kMaxLoadRecordBytes; }
  std::string_view file_of(const Task& task) const override { return tasks_[task.id].path; }
  Result<Pull> pull(Task& task) override;
  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) override;
  Result<> blame(const Task&, uint32_t) override { return {}; }
  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override;

 private:
  struct Arriving {
    jobs::Loaded about;
    std::optional<shm::WritableBlock> filling;
    uint64_t filled_bytes = 0;
    Fd block;
  };
  Result<> begin(Arriving& file, std::span<const std::byte> header, bool last);

  std::vector<jobs::LoadTask> tasks_;
  jobs::LoadSetup setup_;
  std::vector<Arriving> files_;
  size_t next_ = 0;
};

}  // namespace pairloom::daemon
