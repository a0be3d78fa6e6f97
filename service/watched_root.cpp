#include "service/watched_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/path.h"
#include "watch/fanotify_watcher.h"
#include "watch/inotify_watcher.h"
#include "watch/mount_table.h"

namespace pairloom::service {
namespace {

using Watch = daemon::RootStatus::Watch;
using watch::Ripeness;

constexpr int kReadsOfChangingFile = 3;
constexpr size_t kMaxChangedReads = 10'000;

std::pair<std::string, std::string> split(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

bool is_at_or_below(const std::string& path, const std::string& directory) {
  return directory == "/" || (path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/'));
}

watch::FileState state_of(const StatIdentity& identity) {
  return {identity.size_bytes, identity.mtime_ns, identity.ctime_ns};
}

}  // namespace

WatchedRoot::WatchedRoot(RootConfig config, const Surveillance& shared)
    : config_(std::move(config)), shared_(shared), filter_(config_.walk) {}

// --- being there or not

Result<bool> WatchedRoot::check(index::IndexWriter& index, bool believe_empty) {
  in_doubt_ = false;
  PAIRLOOM_ASSIGN(RootLook look, look_at_root(config_.path, index));
  PAIRLOOM_ASSIGN(RootMemory memory, remember_root(look.path.empty() ? path() : look.path, index));
  memory.seen = seen_;
  std::string reason = why_offline(look, memory, believe_empty || believe_empty_);
  if (!reason.empty()) {
    const bool is_new = online_ || offline_reason_ != reason;
    go_offline(std::move(reason));
    return is_new;
  }
  const std::pair identity(look.device, look.inode);
  if (online_ && seen_ == identity && path_ == look.path && look_.filesystem == look.filesystem) return false;
  online_ = true;
  offline_reason_.clear();
  seen_ = identity;
  look_ = std::move(look);
  path_ = look_.path;
  start_watcher();
  want_walk(believe_empty_);
  return true;
}

void WatchedRoot::go_offline(std::string reason) {
  online_ = believe_empty_ = walk_wanted_ = false;
  offline_reason_ = std::move(reason);
  watcher_.reset();
  mode_ = Watch::kNone;
  walk_.reset();
  part_walk_.reset();
  inside_ = Inside::kNothing;
  pending_.clear();
  next_walk_ns_ = shared_.clock.monotonic_ns() + std::min(shared_.poll_ns, shared_.rescan_ns);
}

void WatchedRoot::start_watcher() {
  watcher_.reset();
  pending_.clear();
  mode_ = Watch::kPolling;
  mode_reason_.clear();
  local_devices_.clear();
  remote_devices_.clear();
  if (config_.watch == WatchMode::kPoll) {
    mode_reason_ = "as configured";
    return;
  }
  if (config_.watch == WatchMode::kAuto && watch::is_remote_filesystem(path_)) {
    mode_reason_ = "it is on a network file system, whose changes are not told";
    return;
  }
  if (config_.watch != WatchMode::kInotify) {
    if (auto fanotify = watch::FanotifyWatcher::create(path_)) {
      watcher_ = std::move(*fanotify);
      mode_ = Watch::kFanotify;
      return;
    } else if (config_.watch == WatchMode::kFanotify) {
      mode_reason_ = "by inotify, because " + fanotify.error().message;
    }
  }
  auto inotify = watch::InotifyWatcher::create(path_, shared_.budget);
  if (!inotify) {
    mode_reason_ = inotify.error().message;
    return;
  }
  watcher_ = std::move(*inotify);
  mode_ = Watch::kInotify;
}

// --- what the watcher says

void WatchedRoot::read_events() {
  if (!watcher_) return;
  const auto events = watcher_->read(*this);
  if (events) {
    events_ += *events;
    return;
  }
  mode_reason_ = events.error().message;
  mode_ = Watch::kPolling;
  watcher_.reset();
  want_walk();
}

void WatchedRoot::changed(const std::string& directory, const std::string& name, Ripeness ripeness, bool came) {
  if (!is_ours(directory)) return;
  too_much(pending_.add(directory, name, ripeness, came, shared_.clock.monotonic_ns(), shared_.settle_ns));
}

void WatchedRoot::lost_track() {
  ++overflows_;
  pending_.clear();
  want_walk();
}

void WatchedRoot::too_much(bool fits) {
  if (!fits) want_walk();
}

// Inside the root, not inside another one, and nowhere the user's globs do not let a walk go.
bool WatchedRoot::is_ours(const std::string& directory) const {
  if (!is_at_or_below(directory, path_)) return config_.walk.follow_symlinks;
  for (const std::string& other : left_out_)
    if (is_at_or_below(directory, other)) return false;
  const std::string below = relative(directory);
  for (size_t end = 0; end < below.size();) {
    const size_t begin = end == 0 ? 0 : end + 1;
    end = std::min(below.find('/', begin), below.size());
    if (!filter_.enters_directory(below.substr(0, end), below.substr(begin, end - begin))) return false;
  }
  return true;
}

std::string WatchedRoot::relative(const std::string& path) const {
  if (!is_at_or_below(path, path_)) return split(path).second;
  const size_t skipped = path_ == "/" ? 1 : path_.size() + 1;
  return path.size() < skipped ? "" : path.substr(skipped);
}

bool WatchedRoot::holds(const std::string& path) const {
  if (!is_at_or_below(path, this->path())) return false;
  return std::none_of(left_out_.begin(), left_out_.end(), [&](const auto& other) { return is_at_or_below(path, other); });
}

void WatchedRoot::leave_out(std::set<std::string> roots) {
  left_out_.clear();
  for (const std::string& root : roots)
    if (root != path() && is_at_or_below(root, path())) left_out_.insert(root);
}

bool WatchedRoot::look_again(const std::string& path, bool changed) {
  const auto [directory, name] = split(path);
  if (changed) {
    if (changed_reads_.size() >= kMaxChangedReads) changed_reads_.clear();
    if (++changed_reads_[path] > kReadsOfChangingFile) {
      changed_reads_.erase(path);
      return false;
    }
  }
  too_much(pending_.add(directory, name, changed ? Ripeness::kGrowing : Ripeness::kRipe, false,
                        shared_.clock.monotonic_ns(), shared_.settle_ns));
  return true;
}

// --- walks

void WatchedRoot::want_walk(bool believe_empty) {
  believe_empty_ |= believe_empty;
  if (believe_empty) in_doubt_ = true;
  walk_wanted_ = true;  // after the one under way, which was begun before what made this one necessary
}

void WatchedRoot::note_time(int64_t now_ns) {
  if (next_walk_ns_ < 0 || now_ns < next_walk_ns_) return;
  next_walk_ns_ = -1;
  walk_wanted_ = online_;
  in_doubt_ = true;  // is it still what it was?
}

int64_t WatchedRoot::next_due_ns() const {
  if (in_doubt_) return 0;
  if (!online_) return next_walk_ns_;
  if (walk_wanted_ || walk_ || part_walk_) return 0;
  const int64_t pending = pending_.next_due_ns();
  if (pending < 0 || next_walk_ns_ < 0) return std::max(pending, next_walk_ns_);
  return std::min(pending, next_walk_ns_);
}

Result<bool> WatchedRoot::next(daemon::FileBatch& batch) {
  batch = {};
  if (in_doubt_ || !online_) return false;
  if (inside_ == Inside::kNothing) {
    while (auto due = pending_.take(shared_.clock.monotonic_ns())) {
      if (look_at(*due, batch)) return true;
      batch = {};
      if (in_doubt_) return false;
    }
  }
  if (part_walk_ && inside_ != Inside::kWhole) {
    PAIRLOOM_ASSIGN(const bool found, continue_walk(*part_walk_, Inside::kPart, batch));
    if (found) return true;
    part_walk_.reset();
  }
  if (!walk_ && walk_wanted_ && !begin_walk()) return false;
  if (walk_) {
    PAIRLOOM_ASSIGN(const bool found, continue_walk(*walk_, Inside::kWhole, batch));
    if (found) return true;
    end_walk();
  }
  if (watcher_ && pending_.empty() && !walk_wanted_) watcher_->sweep();
  return false;
}

bool WatchedRoot::begin_walk() {
  walk_wanted_ = false;
  if (!is_still_there()) {
    in_doubt_ = walk_wanted_ = true;
    return false;
  }
  part_walk_.reset();  // all of it
  pending_.clear();
  unwatched_ = walked_directories_ = 0;
  out_of_watches_ = false;
  first_batch_ = true;
  walk_ = std::make_unique<daemon::TreeWalk>(std::vector<std::string>{path_}, config_.walk);
  walk_->on_entering([this](const std::string& directory, uint64_t device) { entering(directory, device); });
  for (const std::string& other : left_out_) walk_->leave_out(other);
  return true;
}

void WatchedRoot::end_walk() {
  const bool missed = !walk_->missing_roots().empty();
  walk_.reset();
  ++walks_;
  directories_ = walked_directories_;
  believe_empty_ = false;
  last_walk_wall_ns_ = shared_.clock.wall_ns();
  finished_walk_ = true;
  if (missed) in_doubt_ = true;
  const bool polled = !watcher_ || unwatched_ > 0;
  const int64_t poll_ns = config_.poll_s > 0 ? static_cast<int64_t>(config_.poll_s * 1e9) : shared_.poll_ns;
  next_walk_ns_ = shared_.clock.monotonic_ns() + (polled ? std::min(poll_ns, shared_.rescan_ns) : shared_.rescan_ns);
}

void WatchedRoot::walk_part(const std::string& directory, bool recursive) {
  if (!part_walk_) {
    part_walk_ = std::make_unique<daemon::TreeWalk>(std::vector<std::string>{}, config_.walk);
    part_walk_->on_entering([this](const std::string& entered, uint64_t device) { entering(entered, device); });
    for (const std::string& other : left_out_) part_walk_->leave_out(other);
  }
  part_walk_->add_directory(path_, directory, recursive);
}

Result<bool> WatchedRoot::continue_walk(daemon::TreeWalk& walk, Inside which, daemon::FileBatch& batch) {
  PAIRLOOM_ASSIGN(const auto next, walk.next(batch));
  const bool found = next == daemon::FileSource::Next::kBatch;
  inside_ = found && !batch.last ? which : Inside::kNothing;
  if (!found) return false;
  batch.walk_begins = which == Inside::kWhole && std::exchange(first_batch_, false);
  hold_back_growing(batch);
  return true;
}

// Before a directory is read: watch it, so that nothing is lost between.
void WatchedRoot::entering(const std::string& directory, uint64_t device) {
  ++walked_directories_;
  if (!watcher_) return;
  if (config_.watch == WatchMode::kAuto && !local_devices_.contains(device)) {
    if (!remote_devices_.contains(device))
      (watch::is_remote_filesystem(directory) ? remote_devices_ : local_devices_).insert(device);
    if (remote_devices_.contains(device)) {
      ++unwatched_;
      return;
    }
  }
  const auto watching = watcher_->watch(directory, device);
  if (watching == watch::Watcher::Watching::kYes) return;
  out_of_watches_ |= watching == watch::Watcher::Watching::kNoRoom;
  ++unwatched_;
}

// What a walk meets may just be being written, and nobody says when that ends: such files wait until they are quiet.
void WatchedRoot::hold_back_growing(daemon::FileBatch& batch) {
  const int64_t wall = shared_.clock.wall_ns(), due = shared_.clock.monotonic_ns() + shared_.settle_ns;
  bool fits = true;
  for (daemon::FoundFile& file : batch.files) {
    if (!file.wanted || watch::is_settled(state_of(file.identity), wall, shared_.settle_ns, std::nullopt)) continue;
    file.wanted = false;
    file.identity = {};
    fits &= pending_.add_growing(batch.directory, file.name, {}, due);
  }
  too_much(fits);
}

// --- single names

bool WatchedRoot::is_still_there() const {
  struct stat st {};
  return ::stat(path_.c_str(), &st) == 0 && seen_ == std::pair<uint64_t, uint64_t>(st.st_dev, st.st_ino);
}

// Makes a batch of what is due in one directory. False: there is nothing to hand on.
bool WatchedRoot::look_at(const watch::PendingChanges::Due& due, daemon::FileBatch& batch) {
  const Fd fd(::open(due.directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    const bool gone = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    if (due.directory == path_) {
      in_doubt_ = true;
    } else if (gone && is_at_or_below(due.directory, path_)) {
      const auto [parent, name] = split(due.directory);
      too_much(pending_.add(parent, name, Ripeness::kRipe, false, shared_.clock.monotonic_ns(), shared_.settle_ns));
    }
    return false;
  }
  if (due.directory == path_ && seen_ != std::pair<uint64_t, uint64_t>(st.st_dev, st.st_ino)) {
    in_doubt_ = true;
    return false;
  }
  if (config_.walk.one_file_system && st.st_dev != look_.device) return false;
  batch.directory = due.directory;
  batch.filesystem = daemon::filesystem_id(due.directory, st.st_dev);
  if (due.whole) walk_part(due.directory, false);
  for (const auto& name : due.names) look_at_name(fd.get(), name, batch);
  const bool something_is_absent = !batch.absent_files.empty() || !batch.absent_directories.empty();
  // A mount that went away takes everything with it, and nothing of that may count as deleted.
  if (something_is_absent && !is_still_there()) {
    in_doubt_ = true;
    return false;
  }
  return something_is_absent || !batch.files.empty();
}

void WatchedRoot::look_at_name(int directory_fd, const watch::PendingChanges::Name& name, daemon::FileBatch& batch) {
  const std::string path = join_path(batch.directory, name.name);
  const auto watched_before = [&] { return watcher_ && watcher_->watches(path); };
  struct stat st {};
  if (::fstatat(directory_fd, name.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) return;  // a walk will say what is wrong there
    if (watched_before()) watcher_->forget(path);
    batch.absent_files.push_back(name.name);
    batch.absent_directories.push_back(name.name);
    return;
  }
  if (S_ISDIR(st.st_mode)) {
    batch.absent_files.push_back(name.name);
    if (is_ours(path)) walk_part(path, name.came || !watched_before());
    return;
  }
  batch.absent_directories.push_back(name.name);
  if (!S_ISREG(st.st_mode)) {
    if (S_ISLNK(st.st_mode) && config_.walk.follow_symlinks) walk_part(batch.directory, false);
    batch.absent_files.push_back(name.name);
    return;
  }
  if (!filter_.wants_file(relative(path), name.name) || left_out_.contains(path)) return;
  const StatIdentity identity = identity_of(st);
  const int64_t settle = shared_.settle_ns;
  if (name.growing && !watch::is_settled(state_of(identity), shared_.clock.wall_ns(), settle, name.before)) {
    too_much(pending_.add_growing(batch.directory, name.name, state_of(identity), shared_.clock.monotonic_ns() + settle));
    return;
  }
  batch.files.push_back({name.name, identity, true, {}});
}

// --- what to say

daemon::RootStatus WatchedRoot::status() const {
  using State = daemon::RootStatus::State;
  daemon::RootStatus status;
  status.path = config_.path;
  status.watch = mode_;
  status.configured = config_.configured;
  status.directories = walk_ ? std::max(directories_, walked_directories_) : directories_;
  status.rescans = walks_ > 0 ? walks_ - 1 : 0;
  status.last_scan_wall_ns = last_walk_wall_ns_;
  if (!online_) {
    status.state = in_doubt_ && offline_reason_.empty() ? State::kWaiting : State::kOffline;
    status.reason = offline_reason_;
    if (!offline_reason_.empty())
      status.hint = offline_reason_ == "it is empty, and was not"
                        ? "mount it; or, if it was emptied on purpose: pairloom rescan " + config_.path
                        : "nothing of it is forgotten; it is taken up again when it is back";
    return status;
  }
  status.state = walk_ ? State::kScanning : walk_wanted_ ? (walks_ == 0 ? State::kWaiting : State::kScanning) : State::kFresh;
  status.reason = mode_reason_;
  if (unwatched_ > 0 && out_of_watches_) {
    status.reason = fmt::format("{} of {} directories are polled: there are no inotify watches left for them ({} of {} may "
                                "be taken by pairloom)",
                                unwatched_, status.directories, shared_.budget.allowed(), shared_.budget.limit());
    status.hint = fmt::format("sysctl fs.inotify.max_user_watches={}, or a larger inotify_share",
                              std::max<uint64_t>(shared_.budget.limit() * 2, (status.directories * 4)));
  } else if (unwatched_ > 0) {
    status.reason = fmt::format("{} of {} directories are polled: their file system tells no changes", unwatched_, status.directories);
  }
  return status;
}

}  // namespace pairloom::service
