// Transforming: the job that computes a picture in bands of rows and writes it down from top to bottom. Bands may come
// back in any order; each is kept until those above it have come. Runs in: supervisor.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "daemon/job.h"
#include "jobs/transform_job.h"

namespace pairloom::daemon {

// How many bands may have been handed out and not written down, and how many bytes of them may wait for one above them.
constexpr size_t kBandWindow = 4096;
constexpr uint64_t kBandWindowBytes = 256u << 20;

// Rows that are compressed together and, unless asked otherwise, are one task: about a quarter of a megabyte of the output
// or of what it is computed from, a few milliseconds' work; the pool gives a worker as many as make a chunk, by the time
// the last ones took. Depends on the pictures only, so that the same picture makes the same file.
uint32_t strip_rows_for(const jobs::TransformSetup& setup);

class Transforming final : public Job {
 public:
  // `band_rows` 0: strips. `blocks` as the worker expects them (workerproc/transform_bands.cpp). `write` gets the bytes
  // of the file's middle in order.
  Transforming(const jobs::TransformSetup& setup, uint32_t band_rows, std::vector<int> blocks,
               std::function<Result<>(std::span<const std::byte>)> write);

  jobs::JobKind kind() const override { return jobs::JobKind::kTransform; }
  std::vector<std::byte> setup() const override { return jobs::encode(setup_); }
  uint64_t max_result_bytes() const override { return sizeof(jobs::BandPart) + jobs::kMaxPartBytes; }
  std::span<const int> shared_descriptors() const override { return blocks_; }
  Result<Pull> pull(Task& task) override;
  Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) override;
  Result<> blame(const Task&, uint32_t) override { return {}; }  // rows are no hostile file: try again
  Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) override;

  uint64_t rows_done() const { return rows_done_; }
  uint64_t band_count() const { return next_task_; }
  uint32_t adler32() const { return adler32_; }  // after the run: of the whole picture

 private:
  struct Band {
    jobs::BandTask rows;
    std::vector<std::byte> bytes;
    uint32_t parts = 0;
    uint64_t most_bytes = 0;
    std::optional<uint32_t> adler32;  // set: complete
  };

  jobs::TransformSetup setup_;
  uint32_t band_rows_;
  std::vector<int> blocks_;
  std::function<Result<>(std::span<const std::byte>)> write_;
  std::deque<Band> window_;  // of task first_in_window_ and those that follow
  uint64_t first_in_window_ = 0, next_task_ = 0, waiting_bytes_ = 0, rows_done_ = 0;
  uint32_t next_row_ = 0, adler32_ = 1;
};

}  // namespace pairloom::daemon
