// Service: what happens around the work. Events, roots that come and go, reloads, and what is said of it all.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/text.h"
#include "service/service.h"

namespace pairloom::service {
namespace {

using State = daemon::DaemonStatus::State;

// So many a minute, then their number; the index knows them all.
constexpr uint64_t kMaxProblemsTold = 10;
constexpr int64_t kProblemsEveryNs = 60'000'000'000;

}  // namespace

// --- events

Result<> Service::listen_to(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 && errno != EEXIST)
    return fail_errno("cannot watch a descriptor", errno);
  return {};
}

// The time of the next thing that happens by itself; nothing else ever wakes an idle daemon.
int64_t Service::next_wake_ns() const {
  int64_t next = -1;
  const auto consider = [&next](int64_t at) {
    if (at >= 0 && (next < 0 || at < next)) next = at;
  };
  consider(retry_at_ns_);
  consider(next_feed_ns_);
  consider(pool_idle_at_ns_);
  if (problems_untold_ > 0) consider(problems_until_ns_);
  if (back_off_.is_holding(clock_.monotonic_ns())) consider(back_off_.until_ns());
  if (!is_held()) {
    consider(source_.next_due_ns());
    consider(pair_at_ns_);
  }
  return next;
}

void Service::set_timer() {
  const int64_t at = next_wake_ns();
  itimerspec when{};
  if (at >= 0) {
    const int64_t due = std::max<int64_t>(at, 1);
    when.it_value = {due / 1'000'000'000, due % 1'000'000'000};
  }
  ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
}

Result<> Service::wait(bool block) {
  if (problems_untold_ > 0 && clock_.monotonic_ns() >= problems_until_ns_) tell_of_more_problems();
  feed_watchdog(clock_.monotonic_ns());
  set_timer();
  std::array<epoll_event, 32> events;
  const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), block ? -1 : 0);
  if (n < 0 && errno != EINTR) return fail_errno("cannot wait for events", errno);
  for (int i = 0; i < n; ++i) on_event(events[static_cast<size_t>(i)].data.fd);
  // While a run waits for this epoll among others, what only the first learns who asks has been told to the run's.
  if (mounts_->has_changed()) on_mounts();
  for (const Pressure& pressure : pressures_)
    if (pressure.has_risen()) on_pressure(pressure);
  return {};
}

void Service::on_event(int fd) {
  if (fd == signals_.get()) return on_signals();
  if (fd == returns_->fd()) return on_returns();
  if (control_ && fd == control_->fd()) {
    control_->handle_events();
    if (const std::string why = control_->take_complaint(); !why.empty()) journal_.warning(why);
    return;
  }
  if (fd == timer_.get()) {
    uint64_t times;
    static_cast<void>(!::read(fd, &times, sizeof times));
    if (retry_at_ns_ >= 0 && clock_.monotonic_ns() >= retry_at_ns_) retry_at_ns_ = -1;
    return;
  }
  for (const auto& root : source_.roots()) {
    if (root->watcher_fd() != fd) continue;
    const uint64_t events = root->events(), overflows = root->overflows();
    const bool was_walking = root->is_walking();
    root->read_events();
    totals_.events += root->events() - events;
    if (root->overflows() > overflows) {
      ++totals_.overflows;
      if (!was_walking)
        journal_.notice(fmt::format("{}: more happened than the kernel's queue holds; walking it again", escape_for_terminal(root->path())));
    }
    return;
  }
}

void Service::on_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    (info.ssi_signo == SIGHUP ? reload_wanted_ : stopping_) = true;
}

// Fed after a whole round of the loop. While there is work, only if it goes on: the pool ends workers that make no
// progress, so standing still for longer than it allows them means that the supervisor itself is stuck.
void Service::feed_watchdog(int64_t now_ns) {
  if (notifier_.watchdog_ns() == 0) return;
  constexpr int64_t kLongestStillNs = 90'000'000'000;
  if (state_ == State::kIdle || state_ == State::kStarting || state_ == State::kPaused) last_progress_ns_ = now_ns;
  if (now_ns < next_feed_ns_ || now_ns - last_progress_ns_ > kLongestStillNs) return;
  notifier_.alive();
  next_feed_ns_ = now_ns + notifier_.watchdog_ns() / 2;
}

void Service::note_progress(uint64_t mark) {
  const int64_t now = clock_.monotonic_ns();
  if (mark != progress_mark_) last_progress_ns_ = now;
  progress_mark_ = mark;
  feed_watchdog(now);
}

// --- roots

// Those that are as they were stay as they are.
void Service::adopt_roots() {
  const auto ns = [](double seconds) { return static_cast<int64_t>(seconds * 1e9); };
  surveillance_.settle_ns = ns(config_.settle_s);
  surveillance_.rescan_ns = ns(config_.rescan_s);
  surveillance_.poll_ns = ns(config_.poll_s);
  auto before = std::move(source_.roots());
  auto& roots = source_.roots();
  roots.clear();
  std::vector<RootConfig> all = config_.roots;
  for (const RootConfig& added : added_roots_)
    if (std::none_of(all.begin(), all.end(), [&](const auto& root) { return root.path == added.path; })) all.push_back(added);
  for (const RootConfig& wanted : all) {
    const auto known = std::find_if(before.begin(), before.end(),
                                    [&](const auto& root) { return root && same(root->config(), wanted); });
    roots.push_back(known != before.end() ? std::move(*known) : std::make_unique<WatchedRoot>(wanted, surveillance_));
  }
  source_.tell_roots_of_each_other();
}

Result<> Service::check_roots() {
  bool changed = false;
  for (const auto& root : source_.roots()) {
    if (!root->is_in_doubt()) continue;
    PAIRLOOM_ASSIGN(bool is_other, root->check(*index_, false));
    if (!root->is_online()) {
      returns_->wait_for(root->config().path);
      PAIRLOOM_ASSIGN(const bool came, root->check(*index_, false));  // between the look and the watch
      is_other |= came;
    }
    if (!is_other) continue;
    changed = true;
    say_how(*root);
    if (root->watcher_fd() >= 0) PAIRLOOM_TRY(listen_to(root->watcher_fd(), EPOLLIN));
  }
  if (changed) source_.tell_roots_of_each_other();
  return {};
}

// Any root on, below or above a mount that came or went.
void Service::on_mounts() {
  const auto changes = mounts_->changes();
  if (!changes) return journal_.error(changes.error().message);
  const auto is_below = [](const std::string& path, const std::string& directory) {
    return directory == "/" || path == directory || path.starts_with(directory + "/");
  };
  for (const auto& root : source_.roots()) {
    for (const std::string& point : *changes) {
      const bool above = is_below(root->path(), point) || is_below(root->config().path, point);
      if (!above && !is_below(point, root->path())) continue;
      root->doubt();
      if (root->is_online()) root->want_walk();
    }
  }
}

// Roots that are offline: their directory may be back.
void Service::on_returns() {
  for (const std::string& path : returns_->candidates())
    for (const auto& root : source_.roots())
      if (root->config().path == path && !root->is_online()) root->doubt();
}

void Service::say_how(const WatchedRoot& root) {
  const auto status = root.status();
  std::string line = fmt::format("{}: {}", escape_for_terminal(root.config().path), name_of(status.state));
  if (root.is_online()) line += fmt::format(", {}", name_of(status.watch));
  if (status.directories > 0) line += fmt::format(", {} directories", status.directories);
  if (!status.reason.empty()) line += "; " + status.reason;
  if (!status.hint.empty()) line += "; " + status.hint;
  std::string& said = said_of_roots_[root.config().path];
  if (said == line) return;  // each poll would say it again
  said = line;
  journal_.say(root.is_online() ? Priority::kInfo : Priority::kWarning, line,
               {{"PAIRLOOM_ROOT", root.config().path}, {"PAIRLOOM_REASON", status.reason}});
}

void Service::note_problem(const daemon::Problem& problem) {
  if (const int64_t now = clock_.monotonic_ns(); now >= problems_until_ns_) {
    tell_of_more_problems();
    problems_until_ns_ = now + kProblemsEveryNs;
  }
  if (problems_told_ >= kMaxProblemsTold) {
    ++problems_untold_;
    return;
  }
  ++problems_told_;
  std::vector<Journal::Field> fields = {{"PAIRLOOM_PATH", problem.path}, {"PAIRLOOM_REASON", problem.reason}};
  if (problem.worker) fields.push_back({"PAIRLOOM_WORKER", fmt::format("{}", *problem.worker)});
  journal_.say(Priority::kWarning,
               fmt::format("{}: {}; skipping{}", escape_for_terminal(problem.path), escape_for_terminal(problem.reason),
                           problem.skipped_subtree ? " all below it" : ""),
               fields);
}

void Service::tell_of_more_problems() {
  if (problems_untold_ > 0)
    journal_.warning(fmt::format("and {} more files like that; list them all: pairloom index failures", problems_untold_));
  problems_told_ = problems_untold_ = 0;
}

// --- manners and reload

// The workers inherit both.
void Service::mind_manners() {
  if (config_.nice > 0 && ::setpriority(PRIO_PROCESS, 0, config_.nice) != 0)
    journal_.warning(fmt::format("cannot be nicer: {}", std::strerror(errno)));
  constexpr int kWhoProcess = 1, kClassIdle = 3, kClassShift = 13;  // ioprio_set(2); glibc has no wrapper
  if (config_.idle_io && ::syscall(SYS_ioprio_set, kWhoProcess, 0, kClassIdle << kClassShift) != 0)
    journal_.warning(fmt::format("cannot read with idle priority: {}", std::strerror(errno)));
}

Result<Config> Service::read_new_config() const {
  PAIRLOOM_ASSIGN(Config config, read_config(config_path_));
  if (config.index != config_.index)
    return fail(Errc::kInvalidArgument, fmt::format("{}: 'index' cannot change while pairloomd runs; restart it", config_path_));
  return config;
}

void Service::reload_now() {
  reload_wanted_ = false;
  notifier_.reloading(clock_.monotonic_ns());
  auto config = read_new_config();
  if (!config) {
    config_problem_ = config.error().message;
    journal_.error(fmt::format("{}; the configuration of before stays in force", config_problem_));
    notifier_.ready();
    return;
  }
  adopt(std::move(*config));
  notifier_.ready();
}

void Service::adopt(Config config) {
  const bool other_codes = config.algorithms != config_.algorithms || config.accuracy != config_.accuracy;
  const bool other_pairs = config.pair != config_.pair;
  config_problem_.clear();
  config_ = std::move(config);
  budget_.set_share(config_.inotify_share);
  drop_pool();  // the next one looks at cores and memory anew
  mind_manners();
  watch_pressure();
  adopt_roots();
  if (other_codes)
    for (const auto& root : source_.roots()) root->want_walk();
  if (other_pairs) pair_at_ns_ = clock_.monotonic_ns();
  journal_.notice(fmt::format("configuration read again: {} roots", config_.roots.size()));
}

// Where the kernel does not tell, there is still the priority.
void Service::watch_pressure() {
  pressures_.clear();
  back_off_.release();
  for (const auto& [resource, percent] : {std::pair{"memory", config_.memory_pressure}, std::pair{"cpu", config_.cpu_pressure},
                                          std::pair{"io", config_.io_pressure}}) {
    if (percent == 0) continue;
    auto pressure = Pressure::watch(resource, percent);
    if (!pressure) {
      journal_.notice(pressure.error().message);
    } else if (const auto listened = listen_to(pressure->fd(), EPOLLPRI); listened) {
      pressures_.push_back(std::move(*pressure));
    }
  }
}

void Service::on_pressure(const Pressure& pressure) {
  if (!back_off_.press(clock_.monotonic_ns())) return;
  pressed_by_ = pressure.resource() + " pressure";
  journal_.notice(fmt::format("{}: holding back", pressed_by_));
  // What workers hold is given back when they have ended: at once if they are idle, else when the run has.
  if (progress_ || state_ != State::kIdle) return;
  drop_pool();
}

// --- saying

std::string Service::status_line() const {
  std::string line;
  if (progress_ && progress_->stage == daemon::Progress::Stage::kPairing) {
    line = fmt::format("pairing {}/{}", progress_->done, progress_->found);
  } else if (progress_) {
    const double rate = progress_->seconds > 0 ? static_cast<double>(progress_->done) / progress_->seconds : 0;
    line = fmt::format("indexed {}/{}{}, {:.0f} img/s", progress_->done, progress_->found, progress_->found_all ? "" : "+", rate);
  } else {
    const auto offline = std::count_if(source_.roots().begin(), source_.roots().end(), [](const auto& root) { return !root->is_online(); });
    line = state_ != State::kPaused ? "idle" : paused_ ? "paused" : "holding back (" + pressed_by_ + ")";
    line += fmt::format(", watching {} roots", source_.roots().size() - static_cast<size_t>(offline));
    if (offline > 0) line += fmt::format(", {} offline", offline);
  }
  if (!config_problem_.empty()) line += "; not reloaded: " + config_problem_;
  if (retry_at_ns_ >= 0 && !last_error_.empty()) line += "; " + last_error_;
  return line;
}

void Service::tell_status() {
  notifier_.status(status_line());
}

}  // namespace pairloom::service
