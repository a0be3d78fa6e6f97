// WorkerJob: what a worker does with a task. One class per jobs::JobKind, made when the supervisor sends the job's
// set-up. Each worker program has a table of those that it does. Runs in: worker only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/fd.h"
#include "base/image.h"
#include "base/result.h"
#include "jobs/job_kind.h"
#include "shm/channel.h"
#include "shm/file_passing.h"
#include "shm/records.h"

namespace pairloom::workerproc {

// A task in hand: where its results go, and how its time is told.
class TaskContext {
 public:
  // `last_wake_ns` is the worker's memory of when it last woke the supervisor.
  TaskContext(shm::WorkerChannel& channel, shm::FileReceiver& files, uint64_t task_id, int64_t& last_wake_ns);
  uint64_t task_id() const { return task_id_; }

  // Sends a result record; `last` ends the task. Blocks while the ring is full. An error means the supervisor is gone.
  // Quick tasks share wake-ups: the supervisor hears of them within kWakeEveryNs.
  Result<> send(std::span<const std::byte> payload, bool last);
  // The same for a result of any size: cut into records that fit the ring, the last of which ends the task.
  Result<> send_in_parts(std::span<const std::byte> payload);
  // The task's file, opened by the opener; of jobs whose tasks have one (daemon::Job::file_of), once a task.
  // Blocks until it is open. An error ends the worker.
  Result<shm::PassedFile> take_file() { return files_.take(task_id_); }
  // A sign of life from inside a long task: starts the supervisor's deadline anew.
  void report_progress();
  void add_bytes_read(uint64_t bytes);
  // Says which decoder comes next, in case it is the end of this worker.
  void announce_format(ImageFormat format);
  // Runs `work` and adds its time to that stage.
  template <class Work>
  auto timed(shm::Stage stage, Work&& work) {
    StageTimer timer(*this, stage);
    return work();
  }
  void add_stage_ns(shm::Stage stage, uint64_t ns);
  // For stages that follow each other at once: adds what has passed since `began_ns` to that stage, and says what time it is.
  int64_t end_stage(shm::Stage stage, int64_t began_ns);
  int64_t start_ns() const { return start_ns_; }  // of the task

 private:
  struct StageTimer {
    StageTimer(TaskContext& context, shm::Stage stage);
    ~StageTimer();
    TaskContext& context;
    shm::Stage stage;
    int64_t start_ns;
  };
  shm::WorkerChannel& channel_;
  shm::FileReceiver& files_;
  uint64_t task_id_;
  int64_t start_ns_;
  int64_t& last_wake_ns_;
};

class WorkerJob {
 public:
  virtual ~WorkerJob() = default;
  // Does one task and sends its results. Bad input is a result, not an error; an error ends the worker.
  virtual Result<> run(const shm::TaskView& task, TaskContext& context) = 0;
  // One of the open descriptors that came with the set-up, in order, before anything else.
  virtual Result<> take_descriptor(Fd) { return fail(Errc::kProtocol, "this job takes no open descriptors"); }
  // A reference descriptor set, before the first task; the view is into the ring and gone after the call.
  virtual Result<> take_reference(const shm::DescriptorSetView&) {
    return fail(Errc::kProtocol, "this job takes no descriptor sets");
  }
};

// How a job is made of its set-up. kProtocol: the set-up makes no sense.
struct JobMaker {
  jobs::JobKind kind;
  Result<std::unique_ptr<WorkerJob>> (*make)(std::span<const std::byte> setup);
};
Result<std::unique_ptr<WorkerJob>> make_index_job(std::span<const std::byte> setup);      // index_files.cpp
Result<std::unique_ptr<WorkerJob>> make_pair_job(std::span<const std::byte> setup);       // pair_codes.cpp
Result<std::unique_ptr<WorkerJob>> make_load_job(std::span<const std::byte> setup);       // load_raster.cpp
Result<std::unique_ptr<WorkerJob>> make_transform_job(std::span<const std::byte> setup);  // transform_bands.cpp
Result<std::unique_ptr<WorkerJob>> make_locate_job(std::span<const std::byte> setup);     // locate_frames.cpp
Result<std::unique_ptr<WorkerJob>> make_describe_job(std::span<const std::byte> setup);   // opencv/match_files.cpp
Result<std::unique_ptr<WorkerJob>> make_match_job(std::span<const std::byte> setup);      // opencv/match_files.cpp
Result<std::unique_ptr<WorkerJob>> make_extract_job(std::span<const std::byte> setup);    // opencv/extract_files.cpp
Result<std::unique_ptr<WorkerJob>> make_describe_features_job(std::span<const std::byte> setup);  // the same

// By the one of `makers` that is for `kind`. kUnsupported: none is.
Result<std::unique_ptr<WorkerJob>> make_job(std::span<const JobMaker> makers, jobs::JobKind kind,
                                            std::span<const std::byte> setup);

}  // namespace pairloom::workerproc
