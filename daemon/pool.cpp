#include "daemon/pool.h"

#include <sys/epoll.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fmt/format.h>

#include "base/version.h"
#include "daemon/slot.h"

namespace pairloom::daemon {
namespace {

constexpr int64_t kOftenNs = 100'000'000;
constexpr int64_t kPullTurnNs = 3'000'000;  // the longest stretch of looking for work before listening again
constexpr uint32_t kHopelessStarts = 3;     // lives in a row without a result, in every slot: give up

// What an epoll event is about.
enum class Source : uint32_t { kSocket, kProcess, kStop, kInput };
uint64_t tag(Source source, uint32_t slot) {
  return uint64_t{static_cast<uint32_t>(source)} << 32 | slot;
}

}  // namespace

struct Pool::State {
  State(const PoolOptions& o, const Clock& c) : options(o), clock(c) {}

  PoolOptions options;
  const Clock& clock;
  std::string program;
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
  Result<> on_record(Slot& slot, uint32_t kind);
  Result<> on_hello(Slot& slot);
  Result<> on_result(Slot& slot);
  Result<> lost(Slot& slot, bool lied, const std::string& why);
  Result<> charge(Task task, uint32_t points, Outcome outcome, const std::string& reason);
  Result<> check_silence(int64_t now);
  bool work_left() const;
  bool worker_is_needed() const;
  bool is_hopeless() const;
  int timeout_ms(bool more_now, int64_t now) const;
  size_t ready_goal() const;
  Result<> watch(int fd, uint64_t tag_value);
  void end_small_lanes();
  void forget_all();
};

Pool::Pool(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pool::Pool(Pool&&) noexcept = default;
Pool::~Pool() {
  if (state_) dismiss();  // all at once; then each is waited for
}

Result<Pool> Pool::create(const PoolOptions& options, const Clock& clock) {
  auto state = std::make_unique<State>(options, clock);
  PAIRLOOM_ASSIGN(state->program, find_worker_program(options));
  state->epoll = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!state->epoll) return fail_errno("cannot make an epoll descriptor", errno);
  return Pool(std::move(state));
}

// Looking at the machine's cores takes longer than a run that finds nothing to do: only when there is work.
void Pool::State::staff() {
  if (!slots.empty()) return;
  std::vector<int> cpus = usable_physical_cores().cpus;
  if (options.jobs > 0) {
    // As many as asked for, on the physical cores in turn; more workers than cores share them, unpinned.
    const auto jobs = static_cast<size_t>(options.jobs);
    if (jobs > cpus.size()) cpus.assign(jobs, -1);
    cpus.resize(jobs);
  }
  for (size_t i = 0; i < cpus.size(); ++i) slots.emplace_back(static_cast<uint32_t>(i), cpus[i]);
}

void Pool::dismiss() {
  for (Slot& slot : state_->slots)
    if (slot.process) slot.process->kill();
}

int Pool::size() {
  state_->staff();
  return static_cast<int>(state_->slots.size());
}
uint64_t Pool::deaths() const {
  return state_->deaths;
}

std::vector<index::WorkerTotals> Pool::totals() {
  std::vector<index::WorkerTotals> all;
  for (Slot& slot : state_->slots) all.push_back(slot.totals_now());
  return all;
}

Result<> Pool::run(Job& job, const Surroundings& surroundings) {
  State& s = *state_;
  s.job = &job;
  s.surroundings = &surroundings;
  s.exhausted = s.input_waits = false;
  ++s.job_serial;
  s.end_small_lanes();
  if (surroundings.stop_fd >= 0) PAIRLOOM_TRY(s.watch(surroundings.stop_fd, tag(Source::kStop, 0)));
  Result<> result = s.run_to_end();
  if (surroundings.stop_fd >= 0) epoll_ctl(s.epoll.get(), EPOLL_CTL_DEL, surroundings.stop_fd, nullptr);
  if (s.input_waits) epoll_ctl(s.epoll.get(), EPOLL_CTL_DEL, job.wait_fd(), nullptr);
  if (!result) s.forget_all();
  s.job = nullptr;
  s.surroundings = nullptr;
  return result;
}

// The story of a run: find work, deal it, wait for something to happen, until nothing is left.
Result<> Pool::State::run_to_end() {
  while (true) {
    if (surroundings->stop_requested && surroundings->stop_requested()) return fail(Errc::kInterrupted, "interrupted");
    bool more_now = false;
    PAIRLOOM_TRY(pull_tasks(more_now));
    if (exhausted && !work_left()) return {};
    PAIRLOOM_TRY(deal());
    PAIRLOOM_TRY(wait_for_events(more_now));
    const int64_t now = clock.monotonic_ns();
    PAIRLOOM_TRY(check_silence(now));
    PAIRLOOM_TRY(job->tick(now));
    if (surroundings->often && now >= next_often_ns) {
      surroundings->often();
      next_often_ns = now + kOftenNs;
    }
  }
}

bool Pool::State::work_left() const {
  if (!ready.empty() || !suspects.empty()) return true;
  return std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return !slot.outstanding.empty(); });
}

// No more workers than there are tasks: one file costs one process, not one per core.
bool Pool::State::worker_is_needed() const {
  size_t tasks = ready.size() + suspects.size(), workers = 0;
  for (const Slot& slot : slots) {
    tasks += slot.outstanding.size();
    workers += slot.process ? 1u : 0u;
  }
  return workers < tasks;
}

bool Pool::State::is_hopeless() const {
  return !slots.empty() && std::all_of(slots.begin(), slots.end(),
                     [](const Slot& slot) { return !slot.process && slot.failed_starts >= kHopelessStarts; });
}

// Enough for every worker's next two chunks: the bound on memory, and the backpressure on whatever finds the work.
size_t Pool::State::ready_goal() const {
  if (slots.empty()) return 1;  // the first task says that workers are needed
  size_t goal = 0;
  for (const Slot& slot : slots) goal += 2 * slot.chunk_tasks();
  return goal;
}

Result<> Pool::State::pull_tasks(bool& more_now) {
  const size_t goal = ready_goal();
  const int64_t until = clock.monotonic_ns() + kPullTurnNs;
  while (!exhausted && !input_waits && ready.size() + suspects.size() < goal) {
    Task task;
    PAIRLOOM_ASSIGN(const Job::Pull pulled, job->pull(task));
    switch (pulled) {
      case Job::Pull::kTask:
        (task.points > 0 ? suspects : ready).push_back(std::move(task));
        break;
      case Job::Pull::kAgain:
        break;
      case Job::Pull::kEnd:
        exhausted = true;
        break;
      case Job::Pull::kWait:
        PAIRLOOM_TRY(watch(job->wait_fd(), tag(Source::kInput, 0)));
        input_waits = true;
        break;
      case Job::Pull::kLater:
        return {};
    }
    if (clock.monotonic_ns() >= until) {
      more_now = !exhausted && !input_waits;
      return {};
    }
  }
  return {};
}

Result<> Pool::State::deal() {
  if (!ready.empty() || !suspects.empty()) staff();
  while (!ready.empty() || !suspects.empty()) {
    // The worker with most room: fewest tasks in hand.
    Slot* best = nullptr;
    const int64_t now = clock.monotonic_ns();
    for (Slot& slot : slots) {
      if (!slot.process && now >= slot.restart_at_ns && worker_is_needed()) PAIRLOOM_TRY(start_worker(slot, now));
      if (slot.wants_work() && (!best || slot.outstanding.size() < best->outstanding.size())) best = &slot;
    }
    if (!best) return {};
    const size_t before = best->outstanding.size();
    if (!suspects.empty() && best->outstanding.empty()) {
      PAIRLOOM_TRY(deal_chunk(*best, suspects, 1));
    } else if (!ready.empty()) {
      size_t most = best->chunk_tasks();
      // The tail is cut finer, so that all workers end at about the same time.
      if (exhausted) most = std::min(most, ready.size() / (2 * slots.size()) + 1);
      PAIRLOOM_TRY(deal_chunk(*best, ready, most));
    }
    if (best->process && best->outstanding.size() == before) return {};  // its ring has no room: it will wake us
  }
  return {};
}

Result<> Pool::State::deal_chunk(Slot& slot, std::deque<Task>& queue, size_t most_tasks) {
  chunk.clear();
  uint64_t cost = 0, payload = 0;
  while (!queue.empty() && chunk.size() < most_tasks) {
    cost += queue.front().cost_bytes;
    payload += queue.front().payload.size();
    if (!chunk.empty() && (cost > kMaxChunkCostBytes || payload > kMaxChunkPayloadBytes)) break;
    chunk.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  const auto given = slot.give(*job, job_serial, next_chunk, chunk, builder);
  if (given && *given) {
    ++next_chunk;
    return {};
  }
  for (auto task = chunk.rbegin(); task != chunk.rend(); ++task) queue.push_front(std::move(*task));
  return given ? Result<>{} : lost(slot, true, given.error().message);  // no room: the worker will wake us
}

Result<> Pool::State::start_worker(Slot& slot, int64_t now) {
  auto started = slot.start(program, job->lane_sizes(), now);
  if (started) started = watch(slot.process->channel().socket(), tag(Source::kSocket, slot.number));
  if (started) started = watch(slot.process->pid_fd(), tag(Source::kProcess, slot.number));
  if (started) return {};
  last_death = started.error().message;
  slot.process.reset();
  slot.plan_restart(false, now);
  if (is_hopeless()) return fail(Errc::kNoWorkers, "no worker process can be started: " + last_death);
  return {};
}

int Pool::State::timeout_ms(bool more_now, int64_t now) const {
  if (more_now) return 0;
  int64_t until = std::max(next_often_ns, now + 1'000'000);
  if (!surroundings->often) until = now + 1'000'000'000;  // the deadline's grain
  if (job->next_tick_ns() >= 0) until = std::min(until, job->next_tick_ns());
  for (const Slot& slot : slots)
    if (!slot.process && slot.restart_at_ns > now && worker_is_needed()) until = std::min(until, slot.restart_at_ns);
  return static_cast<int>(std::max<int64_t>(0, (until - now + 999'999) / 1'000'000));
}

Result<> Pool::State::wait_for_events(bool more_now) {
  std::array<epoll_event, 64> events;
  const int n = epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()),
                           timeout_ms(more_now, clock.monotonic_ns()));
  if (n < 0 && errno != EINTR) return fail_errno("cannot wait for events", errno);
  for (int i = 0; i < n; ++i) PAIRLOOM_TRY(on_event(events[static_cast<size_t>(i)].data.u64));
  return {};
}

Result<> Pool::State::on_event(uint64_t tag_value) {
  const auto source = static_cast<Source>(tag_value >> 32);
  if (source == Source::kInput) {
    epoll_ctl(epoll.get(), EPOLL_CTL_DEL, job->wait_fd(), nullptr);
    input_waits = false;
  }
  if (source != Source::kSocket && source != Source::kProcess) return {};
  Slot& slot = slots[static_cast<uint32_t>(tag_value)];
  if (!slot.process) return {};  // a death shows twice (socket, process); new lives only start in deal()
  if (source == Source::kSocket) return listen(slot);
  // Looked at once more: the event may be of an earlier life, whose descriptor a sibling between fork and exec kept
  // alive.
  return slot.process->has_ended() ? lost(slot, false, "") : Result<>{};
}

// Everything the worker has for us.
Result<> Pool::State::listen(Slot& slot) {
  shm::SupervisorChannel& channel = slot.process->channel();
  const auto open = channel.drain_wakeups();
  const uint64_t most =
      std::max<uint64_t>(sizeof(shm::HelloHeader), sizeof(shm::ResultHeader) + job->max_result_bytes());
  while (true) {
    const auto kind = channel.take(record, most);
    if (!kind) return lost(slot, true, kind.error().message);
    if (!*kind) break;
    const auto handled = on_record(slot, **kind);
    if (!handled && handled.error().code == Errc::kProtocol) return lost(slot, true, handled.error().message);
    PAIRLOOM_TRY(handled);
  }
  if (!open || !*open) return lost(slot, false, "");
  return {};
}

Result<> Pool::State::on_record(Slot& slot, uint32_t kind) {
  if (kind == static_cast<uint32_t>(shm::RecordKind::kHello)) return on_hello(slot);
  if (kind == static_cast<uint32_t>(shm::RecordKind::kResult) && slot.greeted) return on_result(slot);
  return fail(Errc::kProtocol, fmt::format("record of kind {} was not expected", kind));
}

Result<> Pool::State::on_hello(Slot& slot) {
  shm::HelloHeader hello;
  if (record.size() != sizeof hello || slot.greeted) return fail(Errc::kProtocol, "misplaced or malformed hello");
  std::memcpy(&hello, record.data(), sizeof hello);
  if (hello.layout_version != shm::kLaneLayoutVersion || hello.build_id != kBuildId)
    return fail(Errc::kNoWorkers,
                fmt::format("'{}' is of another version of pairloom; install all of one version", program));
  if (hello.generation != slot.generation) return fail(Errc::kProtocol, "hello from another life");
  slot.greeted = true;
  return {};
}

Result<> Pool::State::on_result(Slot& slot) {
  PAIRLOOM_ASSIGN(const auto result, shm::parse_result(record));
  // Tasks are done in the order they were given: a result can only be of the first.
  if (slot.outstanding.empty() || slot.outstanding.front().id != result.header.task_id)
    return fail(Errc::kProtocol, "result of a task it is not at");
  const bool last = (result.header.flags & shm::kResultIsLast) != 0;
  PAIRLOOM_TRY(job->accept(slot.outstanding.front(), result.payload,
                           {slot.number, result.header.elapsed_ns, !slot.in_the_middle, last}));
  slot.useful = true;
  slot.in_the_middle = !last;
  if (!last) return {};
  slot.note_task_time(result.header.elapsed_ns);
  slot.outstanding.pop_front();
  return {};
}

// The worker's life is over, by its own doing, ours, or somebody's: take what it finished, blame what it was at,
// requeue the rest in front.
Result<> Pool::State::lost(Slot& slot, bool lied, const std::string& why) {
  if (!lied) {
    // Its last words are still in the ring. (A liar's are not worth hearing.)
    const uint64_t most = sizeof(shm::ResultHeader) + job->max_result_bytes();
    while (true) {
      const auto kind = slot.process->channel().take(record, most);
      if (!kind || !*kind) break;
      const auto handled = on_record(slot, **kind);
      if (!handled && handled.error().code == Errc::kProtocol) break;
      PAIRLOOM_TRY(handled);
    }
  }
  const uint64_t at = slot.process->channel().state().current_task.load(std::memory_order_acquire);
  const bool timed_out = slot.timed_out, useful = slot.useful;
  const Death death = slot.bury();
  ++deaths;
  last_death = lied ? "it broke the protocol: " + why : death.text();

  std::deque<Task> left = std::move(slot.outstanding);
  slot.outstanding.clear();
  // Only the first can be in hand. A worker that names another one has finished something and then went wrong (nobody
  // is left to blame), or has never told the truth: then the first is blamed, so that no file can go round for ever.
  const bool names_first = !left.empty() && at == left.front().id + 1;
  const bool was_at_a_task = names_first || (!left.empty() && (lied || at != 0) && !useful);
  slot.plan_restart(was_at_a_task, clock.monotonic_ns());
  if (was_at_a_task) {
    Task blamed = std::move(left.front());
    left.pop_front();
    const bool unexplained = death.by_signal && death.code == SIGKILL && !timed_out && !lied;
    PAIRLOOM_TRY(charge(std::move(blamed), unexplained ? 1 : 2, timed_out ? Outcome::kTimedOut : Outcome::kCrashed,
                        timed_out ? fmt::format("no progress for {} s", options.task_deadline_s)
                                  : "its worker was lost: " + last_death));
  }
  while (!left.empty()) {
    ready.push_front(std::move(left.back()));
    left.pop_back();
  }
  if (is_hopeless()) return fail(Errc::kNoWorkers, "workers end before they do anything; the last one: " + last_death);
  return {};
}

Result<> Pool::State::charge(Task task, uint32_t points, Outcome outcome, const std::string& reason) {
  task.points += points;
  if (task.points >= kPointsToGiveUp) return job->give_up(task, outcome, reason);
  PAIRLOOM_TRY(job->blame(task, task.points));
  suspects.push_back(std::move(task));
  return {};
}

Result<> Pool::State::check_silence(int64_t now) {
  const auto deadline = static_cast<int64_t>(options.task_deadline_s * 1e9);
  for (Slot& slot : slots) {
    if (!slot.process || slot.timed_out || !slot.is_silent(now, deadline)) continue;
    slot.timed_out = true;
    slot.process->kill();  // its end comes as an event
  }
  return {};
}

Result<> Pool::State::watch(int fd, uint64_t tag_value) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag_value;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("cannot watch a descriptor", errno);
  return {};
}

// Workers of an earlier job whose lanes are too small for this one's records; they are idle.
void Pool::State::end_small_lanes() {
  const shm::LaneSizes needed = job->lane_sizes();
  for (Slot& slot : slots)
    if (slot.process && (slot.lane_sizes.down_bytes < needed.down_bytes || slot.lane_sizes.up_bytes < needed.up_bytes))
      slot.bury();
}

void Pool::State::forget_all() {
  ready.clear();
  suspects.clear();
  for (Slot& slot : slots) {
    slot.outstanding.clear();
    if (slot.process) slot.bury();
  }
}

}  // namespace pairloom::daemon
