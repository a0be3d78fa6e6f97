// Pool: one worker process per core, kept alive, fed and listened to by one thread and one epoll loop. Runs a Job to
// its end: deals chunks of tasks to the worker with most room, replaces workers that die, lie or hang, requeues what
// they had, and blames exactly the task they were at. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "daemon/index_run.h"
#include "daemon/job.h"
#include "daemon/worker_process.h"
#include "index/rows.h"

namespace pairloom::daemon {

class Pool {
 public:
  // Starts no process yet: the first task does.
  static Result<Pool> create(const PoolOptions& options, const Clock& clock = system_clock());
  Pool(Pool&&) noexcept;
  ~Pool();  // ends the workers

  // The world outside the job, asked between events.
  struct Surroundings {
    int stop_fd = -1;                      // becomes readable when stop_requested() may have changed
    std::function<bool()> stop_requested;  // true ends the run with kInterrupted; may be empty
    std::function<void()> often;           // called about ten times a second; may be empty
    int others_fd = -1;                    // becomes readable when others() should be called: an epoll descriptor, say
    std::function<void()> others;          // whatever else the process minds: it may feed the job's source
  };
  // Until the job has no more tasks and all are accounted for. On error or interruption all workers are ended and the
  // unfinished tasks are forgotten: what was accepted stays accepted.
  Result<> run(Job& job, const Surroundings& surroundings);

  // No job follows: tells the workers to end, and does not wait for it (the destructor does).
  void dismiss();

  int size();               // worker slots
  struct WorkerNow {
    uint32_t slot = 0;
    int pid = 0;   // 0 = there is none now
    int cpu = -1;  // it is pinned to; -1 = none
  };
  std::vector<WorkerNow> workers() const;
  uint64_t deaths() const;                    // workers that died on their own or were killed for a reason
  std::vector<index::WorkerTotals> totals();  // per slot, all lives so far

 private:
  struct State;
  explicit Pool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::daemon
