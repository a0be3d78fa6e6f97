#include "daemon/pool.h"

#include <sys/epoll.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include <fmt/format.h>

#include "daemon/pool_state.h"

namespace pairloom::daemon {
namespace {

constexpr int64_t kOftenNs = 100'000'000;
constexpr int64_t kPullTurnNs = 3'000'000;  // the longest stretch of looking for work before listening again

// What an epoll event is about.
enum class Source : uint32_t { kSocket, kProcess, kOpener, kStop, kInput, kOthers };
uint64_t tag(Source source, uint32_t slot) {
  return uint64_t{static_cast<uint32_t>(source)} << 32 | slot;
}

// An equal share of three quarters of the machine's memory, within reason: what a picture of the default limits needs in
// the worst case, and what most never come near.
uint64_t memory_for_each_of(size_t workers) {
  constexpr uint64_t kLeast = 1ull << 30, kMost = 4ull << 30;
  const auto pages = static_cast<uint64_t>(std::max(0l, ::sysconf(_SC_PHYS_PAGES)));
  const auto page_bytes = static_cast<uint64_t>(std::max(0l, ::sysconf(_SC_PAGESIZE)));
  return std::clamp(pages * page_bytes / 4 * 3 / std::max<size_t>(workers, 1), kLeast, kMost);
}

}  // namespace

Pool::Pool(std::unique_ptr<State> state) : state_(std::move(state)) {}
Pool::Pool(Pool&&) noexcept = default;
Pool::~Pool() {
  if (state_) dismiss();  // all at once; then each is waited for
}

Result<Pool> Pool::create(const PoolOptions& options, const Clock& clock) {
  auto state = std::make_unique<State>(options, clock);
  // That of most jobs; a job that wants the other one looks for it (run).
  PAIRLOOM_ASSIGN(state->programs.worker, find_worker_program(options, jobs::WorkerKind::kPlain));
  PAIRLOOM_ASSIGN(state->programs.opener, find_opener_program(options));
  state->programs.plugins = options.plugins;
  state->programs.drop_behind = options.io_friendly;
  // OpenCV brings OpenBLAS along, which would start threads when it is loaded: one that is late meets the sandbox in its
  // first steps, and that ends the worker.
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  state->epoll = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!state->epoll) return fail_errno("cannot make an epoll descriptor", errno);
  return Pool(std::move(state));
}

// Looking at the machine's cores takes longer than a run that finds nothing to do: only when there is work.
void Pool::State::staff() {
  if (!slots.empty()) return;
  std::vector<int> cpus = usable_physical_cores().cpus;
  if (options.jobs > 0) {
    // One for each core is pinned to it. Where there are fewer, another run may be beside this one, and both would take
    // the first cores; where there are more, they share. The kernel places those.
    const auto jobs = static_cast<size_t>(options.jobs);
    if (jobs != cpus.size()) cpus.assign(jobs, -1);
  }
  programs.memory_bytes =
      options.worker_memory_bytes > 0 ? options.worker_memory_bytes : memory_for_each_of(cpus.size());
  for (size_t i = 0; i < cpus.size(); ++i) slots.emplace_back(static_cast<uint32_t>(i), cpus[i], options.chunk_tasks);
}

void Pool::dismiss() {
  for (Slot& slot : state_->slots)
    if (slot.process) slot.process->kill();
}

int Pool::size() {
  state_->staff();
  return static_cast<int>(state_->slots.size());
}
std::vector<Pool::WorkerNow> Pool::workers() const {
  std::vector<WorkerNow> all;
  for (const Slot& slot : state_->slots) all.push_back({slot.number, slot.process ? slot.process->pid() : 0, slot.cpu});
  return all;
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
  PAIRLOOM_ASSIGN(s.programs.worker, find_worker_program(s.options, jobs::worker_for(job.kind())));
  s.job = &job;
  s.surroundings = &surroundings;
  s.exhausted = s.input_waits = false;
  ++s.job_serial;
  s.end_unfit_workers();
  if (surroundings.stop_fd >= 0) PAIRLOOM_TRY(s.watch(surroundings.stop_fd, tag(Source::kStop, 0)));
  if (surroundings.others_fd >= 0) PAIRLOOM_TRY(s.watch(surroundings.others_fd, tag(Source::kOthers, 0)));
  Result<> result = s.run_to_end();
  if (surroundings.others_fd >= 0) epoll_ctl(s.epoll.get(), EPOLL_CTL_DEL, surroundings.others_fd, nullptr);
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
    PAIRLOOM_TRY(check_deadlines(now));
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
  return !slots.empty() && std::all_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.is_hopeless(); });
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
      if (exhausted && options.chunk_tasks == 0) most = std::min(most, ready.size() / (2 * slots.size()) + 1);
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
    const bool too_much = cost > kMaxChunkCostBytes && options.chunk_tasks == 0;
    if (!chunk.empty() && (too_much || payload > kMaxChunkPayloadBytes)) break;
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
  auto started = slot.start(programs, job->lane_sizes(), now);
  if (started) started = watch(slot.process->channel().socket(), tag(Source::kSocket, slot.number));
  if (started) started = watch(slot.process->pid_fd(), tag(Source::kProcess, slot.number));
  if (started) started = watch(slot.process->opener_pid_fd(), tag(Source::kOpener, slot.number));
  if (started) return {};
  last_death = started.error().message;
  slot.process.reset();
  slot.plan_restart(false, false, now);
  if (is_hopeless()) return fail(Errc::kNoWorkers, "no worker process can be started: " + last_death);
  return {};
}

int Pool::State::timeout_ms(bool more_now, int64_t now) const {
  if (more_now || std::any_of(slots.begin(), slots.end(), [](const Slot& slot) { return slot.has_more; })) return 0;
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
  // Those that wait longest first: they will not wake us again.
  for (Slot& slot : slots)
    if (slot.has_more) PAIRLOOM_TRY(take_records(slot));
  for (int i = 0; i < n; ++i) PAIRLOOM_TRY(on_event(events[static_cast<size_t>(i)].data.u64));
  return {};
}

Result<> Pool::State::on_event(uint64_t tag_value) {
  const auto source = static_cast<Source>(tag_value >> 32);
  if (source == Source::kInput) {
    epoll_ctl(epoll.get(), EPOLL_CTL_DEL, job->wait_fd(), nullptr);
    input_waits = false;
  }
  if (source == Source::kOthers) surroundings->others();
  if (source != Source::kSocket && source != Source::kProcess && source != Source::kOpener) return {};
  Slot& slot = slots[static_cast<uint32_t>(tag_value)];
  if (!slot.process) return {};  // a death shows twice (socket, process); new lives only start in deal()
  if (source == Source::kSocket) return listen(slot);
  // Looked at once more: the event may be of an earlier life, whose descriptor a sibling between fork and exec kept
  // alive. A worker without its opener is of no more use.
  const bool ended = source == Source::kOpener ? slot.process->opener_has_ended() : slot.process->has_ended();
  return ended ? lost(slot, false, "") : Result<>{};
}

Result<> Pool::State::watch(int fd, uint64_t tag_value) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag_value;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("cannot watch a descriptor", errno);
  return {};
}

// Workers of an earlier job that are of another program, or whose lanes are too small for this one's records; they are idle.
void Pool::State::end_unfit_workers() {
  const shm::LaneSizes needed = job->lane_sizes();
  for (Slot& slot : slots)
    if (slot.process && (slot.program != programs.worker || slot.lane_sizes.down_bytes < needed.down_bytes ||
                         slot.lane_sizes.up_bytes < needed.up_bytes))
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
