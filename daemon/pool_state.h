// What a Pool holds, and the steps its life is made of. Private to pool.cpp (finding and dealing work) and
// pool_workers.cpp (what workers say, and how they end). Runs in: supervisor.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/image.h"
#include "daemon/pool.h"
#include "daemon/slot.h"

namespace pairloom::daemon {

// Of each format, by its number.
using DecoderNames = std::array<std::string, kImageFormatCount>;

struct Pool::State {
  State(const PoolOptions& o, const Clock& c) : options(o), clock(c) {}

  PoolOptions options;
  const Clock& clock;
  WorkerPrograms programs;
  Fd epoll;
  std::vector<Slot> slots;
  std::deque<Task> ready;     // waiting for a worker
  std::deque<Task> suspects;  // have cost a worker its life: each runs alone
  shm::ChunkBuilder builder;
  std::vector<Task> chunk;
  std::vector<std::byte> record;
  uint64_t job_serial = 0, next_chunk = 1, deaths = 0;
  int64_t next_often_ns = 0;
  std::string last_death;
  DecoderNames decoder_names;  // of the last worker that said hello; all are of one build

  // The job of the moment.
  Job* job = nullptr;
  const Surroundings* surroundings = nullptr;
  bool exhausted = false;    // the job has no more tasks
  bool input_waits = false;  // its wait_fd is in the epoll set

  void staff();
  Result<> run_to_end();
  Result<> pull_tasks(bool& more_now);
  Result<> deal();
  Result<> deal_chunk(Slot& slot, std::deque<Task>& queue, size_t most_tasks);
  Result<> start_worker(Slot& slot, int64_t now);
  Result<> wait_for_events(bool more_now);
  Result<> on_event(uint64_t tag_value);
  Result<> listen(Slot& slot);
  Result<> take_records(Slot& slot);
  Result<> on_record(Slot& slot, uint32_t kind);
  Result<> on_hello(Slot& slot);
  Result<> on_result(Slot& slot);
  Result<> lost(Slot& slot, bool lied, const std::string& why);
  static bool is_wish_for_decoders(const Slot& slot, const Death& death);
  Result<> grant_decoders(Slot& slot);
  Result<> charge(Task task, uint32_t points, Outcome outcome, const std::string& reason);
  Result<> check_deadlines(int64_t now);
  bool work_left() const;
  bool worker_is_needed() const;
  bool is_hopeless() const;
  int timeout_ms(bool more_now, int64_t now) const;
  size_t ready_goal() const;
  Result<> watch(int fd, uint64_t tag_value);
  void end_unfit_workers();
  void forget_all();
};

}  // namespace pairloom::daemon
