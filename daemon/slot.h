// Slot: a place for a worker: the process of the moment, what it has been given, what it has cost. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "daemon/job.h"
#include "daemon/worker_process.h"
#include "index/rows.h"
#include "shm/records.h"

namespace pairloom::daemon {

// After a life that ended without a result and without a task to blame, the next one waits this long, doubling to the
// maximum.
constexpr int64_t kFirstBackoffNs = 100'000'000;
constexpr int64_t kMaxBackoffNs = 60'000'000'000;
// What such a life counts, and from how much on, in every slot, there is no hope: three that ended by themselves, or
// sixty that somebody killed. A storm of SIGKILLs (the out-of-memory killer, an operator) passes; a worker that cannot
// start does not.
constexpr uint32_t kPointsOfFailedStart = 20;
constexpr uint32_t kPointsOfKilledStart = 1;
constexpr uint32_t kHopelessPoints = 60;
// And whatever ended them: no life has done anything for so long.
constexpr int64_t kHopelessNs = 300'000'000'000;
// Chunks are cut to about this much work: enough to amortise the hand-over, little enough to balance and to redo.
constexpr int64_t kChunkNs = 20'000'000;
constexpr size_t kMaxChunkTasks = 256;
constexpr uint64_t kMaxChunkCostBytes = 4u << 20;      // sum of Task::cost_bytes
constexpr uint64_t kMaxChunkPayloadBytes = 64u << 10;  // in the ring
constexpr int64_t kFirstGuessTaskNs = 2'000'000;
constexpr uint64_t kNoTask = UINT64_MAX;
// A worker has at least this long to say hello, however little patience there is with tasks: on a machine with other work
// a program may take seconds to load.
constexpr int64_t kStartDeadlineNs = 30'000'000'000;
// A worker that is killed and not gone after this long hangs in the kernel; it is left behind.
constexpr int64_t kDyingNs = 2'000'000'000;

struct Slot {
  // `fixed_chunk_tasks` as PoolOptions::chunk_tasks.
  Slot(uint32_t number, int cpu, uint32_t fixed_chunk_tasks);

  uint32_t number;
  int cpu;  // logical CPU to pin to; -1 = none
  uint32_t fixed_chunk_tasks;
  std::optional<WorkerProcess> process;
  uint64_t generation = 0;       // of the process of the moment
  bool greeted = false;          // it has said hello
  bool useful = false;           // it has delivered a result
  std::string program;           // it runs
  bool rare_decoders = false;    // it was started with them
  bool has_more = false;         // there is a process, and its results were not all taken the last time
  bool in_the_middle = false;    // it has sent records of the first outstanding task, but not the last
  uint64_t job_serial = 0;       // which job's set-up it has been sent
  size_t references_sent = 0;    // and how many of that job's descriptor sets
  shm::LaneSizes lane_sizes;     // of the process of the moment
  std::deque<Task> outstanding;  // given and not finished, in order; the worker does them in this order
  uint64_t last_heartbeat = 0;
  int64_t last_sign_ns = 0;   // when the heartbeat last moved, or the worker was last idle
  uint64_t watched_task = kNoTask;  // the first outstanding one when last looked at,
  int64_t watched_since_ns = 0;     // and since when
  int64_t killed_at_ns = 0;         // for being overdue
  int64_t restart_at_ns = 0;  // no new life before
  int64_t backoff_ns = 0;
  uint32_t start_points = 0;   // of the lives in a row that ended so
  int64_t in_trouble_since_ns = 0;  // when the first of them did
  bool timed_out = false;      // killed by us for silence
  int64_t average_task_ns = kFirstGuessTaskNs;
  index::WorkerTotals totals;  // of the lives that are over

  // How many tasks the next chunk should hold: as fixed, or by the pace of the last ones.
  size_t chunk_tasks() const;
  // A second chunk may wait behind the one in work, so that the worker never idles between chunks.
  bool wants_work() const;
  void note_task_time(uint64_t elapsed_ns);

  Result<> start(const WorkerPrograms& programs, shm::LaneSizes sizes, int64_t now_ns);
  // Sends the job's set-up and references as far as this process has not had them, then the tasks as one chunk. false:
  // no room now; the tasks were not sent.
  Result<bool> give(const Job& job, uint64_t serial, uint64_t chunk_id, std::span<Task> tasks,
                    shm::ChunkBuilder& builder);
  Result<bool> prepare(const Job& job, uint64_t serial);  // give()'s first half
  // True when it has had work for longer than the deadline without a sign of progress, or has been at one task for
  // longer than the limit, whatever its signs: a decoder that was taken over can make signs for ever.
  bool is_overdue(int64_t now_ns, int64_t deadline_ns, int64_t limit_ns);
  // The process is over: reaps it and keeps its totals.
  Death bury();
  // Sets the time of the next life: at once, or later and later when lives end before they have done anything.
  // `was_killed`: by a SIGKILL that was not ours.
  void plan_restart(bool was_at_a_task, bool was_killed, int64_t now_ns);
  bool is_hopeless() const { return !process && start_points >= kHopelessPoints; }
  index::WorkerTotals totals_now();
};

}  // namespace pairloom::daemon
