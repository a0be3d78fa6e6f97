#include "service/service.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/grouping.h"
#include "daemon/indexing.h"
#include "daemon/pairing.h"
#include "daemon/worker_totals.h"
#include "index/writer_lock.h"

namespace pairloom::service {
namespace {

using State = daemon::DaemonStatus::State;

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kLongestUnpairedNs = 60 * kSecondNs;  // under a steady stream of new images
constexpr int64_t kFirstRetryNs = 5 * kSecondNs, kLongestRetryNs = 300 * kSecondNs;
constexpr const char* kProgram = "pairloomd";

int64_t ns(double seconds) {
  return static_cast<int64_t>(seconds * 1e9);
}

}  // namespace

Service::Service(std::string config_path, Config config, Journal& journal, const Clock& clock)
    : config_path_(std::move(config_path)),
      config_(std::move(config)),
      journal_(journal),
      clock_(clock),
      started_wall_ns_(clock.wall_ns()),
      started_ns_(clock.monotonic_ns()),
      budget_(watch::WatchBudget::system_limit(), config_.inotify_share),
      surveillance_{budget_, clock_},
      source_([this] { return is_held(); }) {}

Service::~Service() = default;

// The story: start, then look at what is due, pair what is new, or wait, until told to stop.
Result<> Service::run() {
  auto done = start();
  while (done && !stopping_) {
    source_.note_time(clock_.monotonic_ns());
    done = check_roots();
    if (!done) break;
    const int64_t now = clock_.monotonic_ns();
    const int64_t due = source_.next_due_ns();
    if (reload_wanted_) {
      reload_now();
    } else if (!requests_.empty()) {
      done = endure(serve_request());
    } else if (!is_held() && due >= 0 && due <= now) {
      done = endure(work());
    } else if (!is_held() && pair_at_ns_ >= 0 && now >= pair_at_ns_) {
      done = endure(pair());
    } else {
      rest();
      done = wait(true);
    }
  }
  stop();
  return done;
}

void Service::rest() {
  const int64_t now = clock_.monotonic_ns();
  if (pool_ && (is_paused() || (pool_idle_at_ns_ >= 0 && now >= pool_idle_at_ns_))) drop_pool();
  state_ = is_paused() ? State::kPaused : State::kIdle;
  progress_.reset();
  tell_status();
}

// --- start and end

Result<> Service::start() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, signal);
  if (::sigprocmask(SIG_BLOCK, &wanted, nullptr) != 0) return fail_errno("cannot block signals", errno);
  signals_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
  timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!signals_ || !timer_ || !epoll_) return fail_errno("cannot set up the event loop", errno);
  PAIRLOOM_TRY(listen_to(signals_.get(), EPOLLIN));
  PAIRLOOM_TRY(listen_to(timer_.get(), EPOLLIN));
  PAIRLOOM_ASSIGN(mounts_, watch::MountTable::open());
  PAIRLOOM_TRY(listen_to(mounts_->fd(), EPOLLPRI));
  PAIRLOOM_ASSIGN(returns_, watch::ReturnWatch::create());
  PAIRLOOM_TRY(listen_to(returns_->fd(), EPOLLIN));
  mind_manners();
  PAIRLOOM_TRY(open_index());
  if (stopping_) return {};
  watch_pressure();
  PAIRLOOM_ASSIGN(added_roots_, read_watch_list(watch_list_path()));
  paused_ = ::access(pause_path().c_str(), F_OK) == 0;
  adopt_roots();
  PAIRLOOM_TRY(check_roots());
  PAIRLOOM_TRY(start_control());
  notifier_.ready();
  if (source_.roots().empty())
    journal_.warning(fmt::format("no root to watch: add a [[root]] to '{}'", escape_for_terminal(config_path_)));
  return {};
}

// A foreground run that writes the index is waited for; another daemon is not.
Result<> Service::open_index() {
  while (!stopping_) {
    auto opened = index::IndexWriter::open(config_.index, kProgram);
    if (opened) {
      index_.emplace(std::move(*opened));
      return {};
    }
    if (opened.error().code != Errc::kIndexLocked) return tl::unexpected(opened.error());
    PAIRLOOM_TRY(wait_for_writer(opened.error()));
  }
  return {};
}

Result<> Service::wait_for_writer(const Error& locked) {
  const auto holder = index::WriterLock::holder(config_.index);
  if (holder && holder->program.starts_with(kProgram)) return tl::unexpected(locked);
  const std::string what = holder ? fmt::format("waiting for '{}' (pid {}) to finish with the index", holder->program, holder->pid)
                                  : "waiting for another process to finish with the index";
  journal_.notice(what);
  notifier_.status(what);
  notifier_.ready();  // there is nothing wrong with this service
  const Fd ended(holder ? static_cast<int>(::syscall(SYS_pidfd_open, holder->pid, 0)) : -1);
  if (ended) PAIRLOOM_TRY(listen_to(ended.get(), EPOLLIN));
  // Its end is an event; that it gives the index back and goes on is none.
  retry_at_ns_ = clock_.monotonic_ns() + (ended ? 5 : 1) * kSecondNs;
  const auto waited = wait(true);
  retry_at_ns_ = -1;
  return waited;
}

void Service::stop() {
  notifier_.stopping();
  state_ = State::kStopping;
  notifier_.status("stopping");
  tell_of_more_problems();
  control_.reset();
  requests_.clear();
  if (pool_) pool_->dismiss();
  if (!index_) return;
  // What was finished is already committed by the run; this is for what came between.
  if (const auto kept = index_->commit(); !kept) journal_.error(kept.error().message);
  end_run();
  drop_pool();
  journal_.info(fmt::format("stopped; {} files indexed since the start", totals_.indexed));
}

// --- work

bool Service::is_paused() const {
  return paused_ || back_off_.is_holding(clock_.monotonic_ns());
}

bool Service::is_held() const {
  return stopping_ || reload_wanted_ || !requests_.empty() || is_paused() || clock_.monotonic_ns() < retry_at_ns_;
}

Result<> Service::need_pool() {
  pool_idle_at_ns_ = -1;
  if (pool_) return {};
  const MemoryPlan plan = plan_memory(config_, daemon::usable_physical_cores().physical);
  daemon::PoolOptions options;
  options.jobs = plan.jobs;
  options.worker_memory_bytes = plan.worker_bytes;
  options.require_sandbox = config_.require_sandbox;
  options.io_friendly = config_.io_friendly;
  request_ = {};
  request_.pool = options;
  request_.setup.algorithms = config_.algorithms;
  request_.setup.accuracy = config_.accuracy;
  request_.setup.limits = config_.limits;
  request_.pairing_memory_bytes = plan.pairing_bytes;
  PAIRLOOM_ASSIGN(auto pool, daemon::Pool::create(options, clock_));
  pool_.emplace(std::move(pool));
  pool_counted_.clear();
  return {};
}

void Service::drop_pool() {
  if (!pool_) return;
  count_workers();
  totals_.worker_deaths += pool_->deaths();
  pool_.reset();
  pool_counted_.clear();
  pool_idle_at_ns_ = -1;
}

daemon::Pool::Surroundings Service::surroundings() {
  daemon::Pool::Surroundings around;
  around.stop_requested = [this] { return stopping_; };
  around.others_fd = epoll_.get();
  around.others = [this] {
    static_cast<void>(wait(false));
    source_.note_time(clock_.monotonic_ns());
    if (const auto checked = check_roots(); !checked) journal_.error(checked.error().message);
    set_timer();
  };
  return around;
}

Result<> Service::work() {
  PAIRLOOM_TRY(need_pool());
  if (!run_) {
    PAIRLOOM_ASSIGN(run_, index_->begin_run(index::RunKind::kUpdate, kProgram));
    last_run_ = run_;
    run_totals_ = {};
    run_workers_.clear();
  }
  state_ = source_.is_walking() ? State::kScanning : State::kIndexing;
  const uint64_t counted_before = run_totals_.seen + run_totals_.gone;
  auto done = look_at_what_is_due();
  count_workers();
  const int64_t now = clock_.monotonic_ns();
  pool_idle_at_ns_ = now + ns(config_.idle_s);
  // Also when the job has committed its last result by itself.
  if (done && (index_->uncommitted_changes() > 0 || run_totals_.seen + run_totals_.gone > counted_before)) {
    done = index_->finish_run(*run_, run_totals_, run_workers_);
    ++totals_.commits;
  }
  bool walked = false;
  for (const auto& root : source_.roots()) {
    if (!root->take_finished_walk()) continue;
    walked = true;
    say_how(*root);
    if (done) done = index_->note_root(root->path(), root->filesystem());
  }
  if (walked && done) end_run();
  return done;
}

Result<> Service::look_at_what_is_due() {
  set_timer();
  PAIRLOOM_ASSIGN(auto job, daemon::Indexing::create(*index_, *run_, request_, source_,
                                                     [this](const auto& problem) { note_problem(problem); }));
  auto around = surroundings();
  const int64_t began = clock_.monotonic_ns();
  around.often = [&] {
    daemon::Progress& progress = progress_.emplace();
    progress.found = job.tasks_found();
    progress.done = job.tasks_done();
    progress.found_all = job.found_all();
    progress.failed = job.totals().failed;
    progress.bytes_read = job.totals().bytes_read;
    progress.seconds = static_cast<double>(clock_.monotonic_ns() - began) / 1e9;
    progress.workers = static_cast<int>(pool_->totals().size());
    note_progress(job.totals().seen + progress.done);
    tell_status();
  };
  const auto done = pool_->run(job, around);
  index::RunTotals totals = job.totals();
  run_totals_.add_files(totals);
  run_totals_.seconds += static_cast<double>(clock_.monotonic_ns() - began) / 1e9;
  run_totals_.interrupted = !done;
  totals_.add_files(totals);
  if (totals.indexed > 0) {
    const int64_t now = clock_.monotonic_ns();
    if (unpaired_since_ns_ < 0) unpaired_since_ns_ = now;
    pair_at_ns_ = std::min(now + ns(config_.pair_s), unpaired_since_ns_ + kLongestUnpairedNs);
  }
  return done;
}

// What is new is compared with everything, when it has become quiet.
Result<> Service::pair() {
  PAIRLOOM_TRY(need_pool());
  pair_at_ns_ = unpaired_since_ns_ = -1;
  state_ = State::kPairing;
  PAIRLOOM_ASSIGN(const AlgorithmSet wanted, index_->wanted_pairings());
  for (const AlgorithmInfo& algorithm : algorithms()) {
    if (!contains(config_.pair | wanted, algorithm.id)) continue;
    PAIRLOOM_ASSIGN(auto job, daemon::Pairing::create(*index_, algorithm.id, *pool_, request_.pairing_memory_bytes));
    if (job.is_complete()) continue;
    auto around = surroundings();
    around.stop_requested = [this] { return stopping_ || paused_; };
    around.often = [&] {
      daemon::Progress& progress = progress_.emplace();
      progress.stage = daemon::Progress::Stage::kPairing;
      progress.found = job.codes_to_pair();
      progress.done = job.codes_done();
      progress.found_all = true;
      progress.workers = static_cast<int>(pool_->totals().size());
      note_progress(progress.done);
      tell_status();
    };
    const auto done = pool_->run(job, around);
    if (!done) pair_at_ns_ = clock_.monotonic_ns();  // from where it is, when it may
    PAIRLOOM_TRY(done);
    totals_.new_pairs += job.pairs_found();
    PAIRLOOM_TRY(job.finish());
    if (last_run_) PAIRLOOM_TRY(daemon::store_groups(*index_, *last_run_, algorithm.id, daemon::kMaxPairsGroupedByDaemon));
    ++totals_.commits;
  }
  pool_idle_at_ns_ = clock_.monotonic_ns() + ns(config_.idle_s);
  count_workers();
  return {};
}

// An error that may pass (a full disk, no workers) is said, and the work is tried again later, from a walk on: what was
// in hand is lost. A damaged index does not pass.
Result<> Service::endure(const Result<>& done) {
  if (done) {
    retry_pause_ns_ = 0;
    return {};
  }
  const Error& error = done.error();
  if (error.code == Errc::kInterrupted) {
    if (index_->uncommitted_changes() > 0 && run_) return index_->finish_run(*run_, run_totals_, run_workers_);
    return index_->commit();
  }
  if (error.code == Errc::kIndexCorrupt || error.code == Errc::kIndexTooNew) return done;
  drop_pool();
  retry_pause_ns_ = std::clamp(retry_pause_ns_ * 2, kFirstRetryNs, kLongestRetryNs);
  retry_at_ns_ = clock_.monotonic_ns() + retry_pause_ns_;
  last_error_ = error.message;
  last_error_wall_ns_ = clock_.wall_ns();
  journal_.error(fmt::format("{}; trying again in {}", error.message, human_seconds(static_cast<double>(retry_pause_ns_) / 1e9)));
  for (const auto& root : source_.roots())
    if (root->is_online()) root->want_walk();
  if (config_.pair != 0) pair_at_ns_ = retry_at_ns_;
  run_.reset();
  return {};
}

// The next work begins a new row in the run table; but where nothing had changed it goes on with this one, or polling
// would fill the table.
void Service::end_run() {
  if (!run_) return;
  if (const auto kept = index_->finish_run(*run_, run_totals_, run_workers_); !kept) journal_.error(kept.error().message);
  const bool worked = std::any_of(run_workers_.begin(), run_workers_.end(), [](const auto& worker) { return worker.tasks > 0; });
  if (worked || run_totals_.moved + run_totals_.gone > 0)
    run_.reset();
  else
    run_totals_ = {};
}

void Service::count_workers() {
  if (!pool_) return;
  auto now = pool_->totals();
  daemon::add_to(run_workers_, daemon::difference(now, pool_counted_));
  pool_counted_ = std::move(now);
}

}  // namespace pairloom::service
