// Job: what the worker pool is asked to do. It says how work is cut (pull), what a worker is told (kind, setup), and
// what becomes of the results (accept) and of pieces that cost workers their lives (blame, give_up). Indexing and
// pairing are jobs; the pool (daemon/pool.h) knows nothing of images. Runs in: supervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/image.h"
#include "base/result.h"
#include "jobs/job_kind.h"
#include "shm/lane.h"

namespace pairloom::daemon {

// One piece of work. Tasks are small; the pool holds a bounded number of them.
struct Task {
  uint64_t id = 0;
  std::vector<std::byte> payload;  // as the worker's job expects it
  uint64_t cost_bytes = 0;         // how large: chunks are bounded by the sum
  uint32_t points = 0;             // blame so far
  int signal = 0;                  // that ended the last worker it cost; 0 = none
  std::string decoder;             // which that worker was at: "libtiff 4.5.0"; empty = none, or not known
};
// The second crash, passed deadline or lie is one too many. An unexplained SIGKILL says little about the file it hit (an
// operator, the out-of-memory killer at somebody else's cost), but must count, or a file that brings them would go round
// for ever.
constexpr uint32_t kPointsOfCrash = 4, kPointsOfKill = 1;
constexpr uint32_t kPointsToGiveUp = 8;

// Of jobs whose tasks are a path and nothing else.
inline std::string_view path_in(const Task& task) {
  return {reinterpret_cast<const char*>(task.payload.data()), task.payload.size()};
}

// Where a result comes from.
struct ResultOrigin {
  uint32_t slot = 0;
  uint64_t elapsed_ns = 0;  // the worker's time on this task so far
  bool first = true;        // the task's first record: what an earlier attempt at it sent is void
  bool last = false;        // and its last
};

class Job {
 public:
  virtual ~Job() = default;

  virtual jobs::JobKind kind() const = 0;
  virtual std::vector<std::byte> setup() const = 0;         // sent once to every worker
  virtual uint64_t max_result_bytes() const = 0;            // a longer result record is a lie
  virtual shm::LaneSizes lane_sizes() const { return {}; }  // what its records need; workers with less are replaced
  // The canonical path of the file that is opened for the worker (shm/file_passing.h); empty: the task has none. Borrowed
  // from the task or the job.
  virtual std::string_view file_of(const Task&) const { return {}; }
  // Open descriptors (shared memory, files) of which every worker gets duplicates with the set-up; valid while the job
  // runs.
  virtual std::span<const int> shared_descriptors() const { return {}; }
  // Descriptor sets every worker gets behind the set-up (payloads of shm::RecordKind::kDescriptorSet), valid while the
  // job runs; each must fit the down ring.
  virtual std::span<const std::vector<std::byte>> references() const { return {}; }

  enum class Pull {
    kTask,   // `task` is filled
    kAgain,  // some work was done, nothing to hand out yet: ask again soon
    kWait,   // nothing until wait_fd() becomes readable
    kLater,  // nothing until a result has been accepted or a task given up
    kEnd,    // no more tasks, ever
  };
  // Does a bounded amount of work (one directory, one batch of paths) to find the next piece.
  virtual Result<Pull> pull(Task& task) = 0;
  virtual int wait_fd() const { return -1; }

  // One result record. Errc::kProtocol: it is not what this job's worker may send; the worker is killed and the task
  // blamed. Any other error ends the run. Partial records of a task that is redone later come again: accept must bear
  // it.
  virtual Result<> accept(const Task& task, std::span<const std::byte> payload, const ResultOrigin& origin) = 0;

  // The task cost a worker its life and will be tried again, alone. Must make `points` durable before it returns.
  virtual Result<> blame(const Task& task, uint32_t points) = 0;
  // It cost too many: outcome is kCrashed or kTimedOut, with the reason.
  virtual Result<> give_up(const Task& task, Outcome outcome, const std::string& reason) = 0;

  // Called between events; commits what is due.
  virtual Result<> tick(int64_t /*now_ns*/) { return {}; }
  // Monotonic time by which tick() wants to be called; -1 = no wish.
  virtual int64_t next_tick_ns() const { return -1; }
};

}  // namespace pairloom::daemon
