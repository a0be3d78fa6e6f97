// Service: what clients ask for over the control socket, and what they are told.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/control_socket.h"
#include "daemon/hosted_run.h"
#include "daemon/worker_totals.h"
#include "service/service.h"

namespace pairloom::service {
namespace {

using State = daemon::DaemonStatus::State;

constexpr int64_t kPaceNs = 1'000'000'000;

std::string who(const daemon::ControlPeer& peer) {
  return fmt::format("uid {}, pid {}", peer.uid, peer.pid);
}

}  // namespace

// Without a socket the service still does its work; that it cannot be asked is said.
Result<> Service::start_control() {
  PAIRLOOM_ASSIGN(auto socket, daemon::ControlSocket::inherited());
  if (!socket && config_.control_socket.empty()) return {};
  if (!socket) {
    auto made = daemon::ControlSocket::listen(config_.control_socket, config_.control_group);
    if (!made) {
      journal_.warning(fmt::format("no control socket: {}", made.error().message));
      return {};
    }
    socket.emplace(std::move(*made));
  }
  daemon::ControlOptions options;
  options.index_path = config_.index;
  auto channel = daemon::ControlChannel::start(std::move(*socket), options, *this, clock_);
  if (!channel) {
    journal_.warning(fmt::format("no control socket: {}", channel.error().message));
    return {};
  }
  control_.emplace(std::move(*channel));
  return listen_to(control_->fd(), EPOLLIN);
}

// --- pause and resume

// A file beside the index, so that it holds over a restart.
Result<> Service::set_paused(bool paused) {
  const std::string path = pause_path();
  if (paused) {
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd) return fail_errno("cannot make '" + escape_for_terminal(path) + "'", errno);
  } else if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return fail_errno("cannot remove '" + escape_for_terminal(path) + "'", errno);
  }
  paused_ = paused;
  return {};
}

Result<> Service::pause(const daemon::ControlPeer& peer) {
  if (paused_) return {};
  PAIRLOOM_TRY(set_paused(true));
  journal_.notice(fmt::format("paused ({})", who(peer)));
  return {};
}

Result<> Service::resume(const daemon::ControlPeer& peer) {
  if (is_paused()) journal_.notice(fmt::format("resumed ({})", who(peer)));
  back_off_.release();
  return set_paused(false);
}

Result<> Service::reload(const daemon::ControlPeer& peer) {
  const auto config = read_new_config();
  if (!config) {
    config_problem_ = config.error().message;
    return tl::unexpected(config.error());
  }
  journal_.notice(fmt::format("reload asked for ({})", who(peer)));
  reload_wanted_ = true;
  return {};
}

// --- roots

WatchedRoot* Service::root_named(const std::string& path) {
  for (const auto& root : source_.roots())
    if (root->config().path == path || root->path() == path) return root.get();
  return nullptr;
}

Result<> Service::rescan(const daemon::ControlPeer& /*peer*/, const std::vector<std::string>& paths) {
  std::vector<std::pair<WatchedRoot*, bool>> wanted;  // with: named itself, so that its being empty is believed
  for (const std::string& path : paths) {
    WatchedRoot* const named = root_named(path);
    WatchedRoot* const root = named ? named : source_.root_of(path);
    if (!root) return fail(Errc::kInvalidArgument, fmt::format("'{}' is in no watched directory", escape_for_terminal(path)));
    wanted.emplace_back(root, named != nullptr);
  }
  if (paths.empty())
    for (const auto& root : source_.roots()) wanted.emplace_back(root.get(), false);
  for (const auto& [root, believe_empty] : wanted) {
    root->doubt();
    root->want_walk(believe_empty);
  }
  return {};
}

Result<> Service::watch_add(const daemon::ControlPeer& peer, daemon::WatchCommand command) {
  struct stat st {};
  if (!command.path.starts_with('/') || ::stat(command.path.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))
    return fail(Errc::kInvalidArgument, fmt::format("'{}' is no directory that pairloomd can see", escape_for_terminal(command.path)));
  while (command.path.size() > 1 && command.path.ends_with('/')) command.path.pop_back();
  if (root_named(command.path))
    return fail(Errc::kInvalidArgument, fmt::format("'{}' is watched already", escape_for_terminal(command.path)));
  auto roots = added_roots_;
  roots.push_back({.path = command.path, .walk = std::move(command.walk), .poll_s = command.poll_interval_s, .configured = false});
  PAIRLOOM_TRY(write_watch_list(watch_list_path(), roots));
  added_roots_ = std::move(roots);
  adopt_roots();
  journal_.say(Priority::kNotice, fmt::format("{}: to be watched ({})", escape_for_terminal(command.path), who(peer)),
               {{"PAIRLOOM_ROOT", command.path}});
  return {};
}

Result<> Service::watch_remove(const daemon::ControlPeer& peer, const std::string& path) {
  const WatchedRoot* const root = root_named(path);
  if (!root) return fail(Errc::kInvalidArgument, fmt::format("'{}' is not watched", escape_for_terminal(path)));
  if (root->config().configured)
    return fail(Errc::kRefused, fmt::format("'{}' is a root of '{}': remove it there and reload", escape_for_terminal(path),
                                            escape_for_terminal(config_path_)));
  const std::string named = root->config().path;
  auto roots = added_roots_;
  std::erase_if(roots, [&](const RootConfig& added) { return added.path == named; });
  PAIRLOOM_TRY(write_watch_list(watch_list_path(), roots));
  added_roots_ = std::move(roots);
  adopt_roots();
  journal_.say(Priority::kNotice, fmt::format("{}: no longer watched ({})", escape_for_terminal(named), who(peer)),
               {{"PAIRLOOM_ROOT", named}});
  return {};
}

// --- indexing for a client

void Service::index(const daemon::ControlPeer& /*peer*/, daemon::IndexCommand command, daemon::IndexReply reply) {
  requests_.push_back({std::move(command), std::move(reply)});
}

// The foreground's run, on the service's pool; what roots have to say waits meanwhile.
Result<> Service::serve_request() {
  Request request = std::move(requests_.front());
  requests_.pop_front();
  if (const auto pool = need_pool(); !pool) {
    request.reply.fail(pool.error());
    return pool;
  }
  state_ = State::kIndexing;
  count_workers();
  daemon::IndexRequest& asked = request.command.request;
  asked.pairing_memory_bytes = request_.pairing_memory_bytes;
  if (!request.command.features_chosen) {
    asked.setup.algorithms = config_.algorithms;
    asked.pair_algorithms = config_.pair;
  }
  if (asked.kind == index::RunKind::kUpdate && asked.roots.empty() && !request.command.list) {
    const auto roots = index_->roots();
    if (!roots) {
      request.reply.fail(roots.error());
      return tl::unexpected(roots.error());
    }
    for (const auto& root : *roots) asked.roots.push_back(root.path);
  }
  daemon::RunObserver observer;
  observer.progress = [&](const daemon::Progress& progress) {
    progress_ = progress;
    request.reply.progress(progress);
    note_progress(progress.done + progress.found);
    tell_status();
  };
  observer.problem = [&](const daemon::Problem& problem) { request.reply.problem(problem); };
  observer.stop_requested = [&] { return request.reply.stop_requested(); };
  const auto summary = daemon::run_index(*index_, asked, observer, *pool_, surroundings());
  pool_counted_ = pool_->totals();
  pool_idle_at_ns_ = clock_.monotonic_ns() + static_cast<int64_t>(config_.idle_s * 1e9);
  if (!summary) {
    request.reply.fail(summary.error());
    if (summary.error().code == Errc::kInvalidArgument) return {};  // the client's mistake
    return tl::unexpected(summary.error());
  }
  request.reply.finish(*summary);
  totals_.add_files(summary->totals);
  totals_.new_pairs += summary->new_pairs;
  ++totals_.commits;
  return {};
}

// --- status

daemon::DaemonStatus Service::status() {
  daemon::DaemonStatus status;
  status.state = state_;
  if (paused_) status.pause_reason = "asked for";
  if (!paused_ && is_paused()) status.pause_reason = pressed_by_;
  status.started_wall_ns = started_wall_ns_;
  status.uptime_s = static_cast<double>(clock_.monotonic_ns() - started_ns_) / 1e9;
  status.index_path = config_.index;
  status.config_path = config_path_;
  status.config_problem = config_problem_;
  status.run = progress_;
  status.totals = totals_;
  if (pool_) status.totals.worker_deaths += pool_->deaths();
  if (index_) {
    const index::IndexCounts counts = index_->counts();
    status.indexed_files = counts.files;
    status.failed_files = counts.failures;
    status.contents = counts.contents;
  }
  status.watches_used = budget_.used();
  status.watches_allowed = budget_.allowed();
  status.last_error = last_error_;
  status.last_error_wall_ns = last_error_wall_ns_;
  for (const auto& root : source_.roots()) {
    status.queue.events += root->pending(false);
    status.queue.settling += root->pending(true);
    status.roots.push_back(root->status());
  }
  if (progress_) status.queue.tasks = progress_->found - progress_->done;
  status.queue.requests = requests_.size();
  fill_workers(status);
  return status;
}

void Service::fill_workers(daemon::DaemonStatus& status) {
  if (!pool_) return;
  const auto totals = pool_->totals();
  const int64_t now = clock_.monotonic_ns();
  if (paced_.size() != totals.size()) {
    paced_ = totals;
    pace_.assign(totals.size(), 0);
    paced_at_ns_ = now;
  } else if (now - paced_at_ns_ >= kPaceNs) {
    for (size_t i = 0; i < totals.size(); ++i) {
      const uint64_t done = totals[i].tasks >= paced_[i].tasks ? totals[i].tasks - paced_[i].tasks : totals[i].tasks;
      pace_[i] = static_cast<double>(done) * 1e9 / static_cast<double>(now - paced_at_ns_);
    }
    paced_ = totals;
    paced_at_ns_ = now;
  }
  const auto workers = pool_->workers();
  for (size_t i = 0; i < std::min(totals.size(), workers.size()); ++i) {
    daemon::WorkerStatus& worker = status.workers.emplace_back();
    worker.slot = totals[i].slot;
    worker.pid = workers[i].pid;
    worker.cpu = workers[i].cpu;
    worker.lives = totals[i].lives;
    worker.tasks = totals[i].tasks;
    worker.bytes_read = totals[i].bytes_read;
    worker.tasks_per_s = pace_[i];
    worker.sandbox_level = totals[i].sandbox_level;
  }
}

}  // namespace pairloom::service
