// PictureJob: what the jobs have in common that look at every pixel of a file's picture: read it, decode it in full
// size and colour, answer for it (jobs/file_answer.h) whatever happens on the way. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "workerproc/decode/decode.h"
#include "workerproc/file_reader.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {

class PictureJob : public WorkerJob {
 public:
  Result<> run(const shm::TaskView& task, TaskContext& context) final;

 protected:
  PictureJob(uint64_t max_file_bytes, uint64_t max_pixels) : reader_(max_file_bytes), max_pixels_(max_pixels) {}

  // The body of the answer. An error is the file's outcome with its reason, but for kProtocol, which ends the worker.
  // May throw cv::Exception and std::bad_alloc.
  virtual Result<std::vector<std::byte>> body(const FileContents& file, const Picture& picture,
                                              TaskContext& context) = 0;

 private:
  Result<std::vector<std::byte>> body_of(const FileContents& file, TaskContext& context);

  FileReader reader_;
  uint64_t max_pixels_;
  Picture picture_;
};

}  // namespace pairloom::workerproc
