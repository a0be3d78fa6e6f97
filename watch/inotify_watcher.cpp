#include "watch/inotify_watcher.h"

#include <sys/inotify.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <utility>

namespace pairloom::watch {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB | IN_ONLYDIR |
                           IN_DONT_FOLLOW | IN_EXCL_UNLINK;
constexpr uint32_t kRootMask = kMask | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr size_t kBufferBytes = 256u << 10;
constexpr uint64_t kMaxEventsAtATime = 16384;  // then the caller's loop gets its turn

}  // namespace

InotifyWatcher::InotifyWatcher(Fd fd, std::string root, WatchBudget& budget)
    : fd_(std::move(fd)), root_(std::move(root)), budget_(budget), buffer_(kBufferBytes) {}

Result<std::unique_ptr<InotifyWatcher>> InotifyWatcher::create(std::string root, WatchBudget& budget) {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd && errno == EMFILE)
    return fail(Errc::kIo, "no inotify instance left for this user; raise fs.inotify.max_user_instances (sysctl)");
  if (!fd) return fail_errno("cannot use inotify", errno);
  return std::unique_ptr<InotifyWatcher>(new InotifyWatcher(std::move(fd), std::move(root), budget));
}

InotifyWatcher::~InotifyWatcher() {
  budget_.give_back(by_wd_.size() + orphans_.size());
}

Watcher::Watching InotifyWatcher::watch(const std::string& directory, uint64_t /*device*/) {
  const auto known = by_path_.find(directory);
  // Only the kernel knows whether this is a directory it watches already, so the budget is taken first.
  const bool has_room = budget_.take();
  if (!has_room && known == by_path_.end()) return Watching::kNoRoom;
  const int wd = ::inotify_add_watch(fd_.get(), directory.c_str(), directory == root_ ? kRootMask : kMask);
  if (wd < 0) {
    const int errnum = errno;
    if (has_room) budget_.give_back();
    return errnum == ENOSPC || errnum == ENOMEM ? Watching::kNoRoom : Watching::kCannot;
  }
  const auto at = by_wd_.find(wd);
  const bool is_new = at == by_wd_.end() && !orphans_.contains(wd);
  if (!is_new && has_room) budget_.give_back();
  if (is_new && !has_room) {  // another directory stands at a known path: no room for it
    ::inotify_rm_watch(fd_.get(), wd);
    return Watching::kNoRoom;
  }
  if (at != by_wd_.end() && at->second->first == directory) return Watching::kYes;
  if (at != by_wd_.end()) by_path_.erase(at->second);  // it was moved here from there
  orphans_.erase(wd);
  const auto [entry, is_new_path] = by_path_.try_emplace(directory, wd);
  if (!is_new_path) {  // what was here before may be elsewhere now
    by_wd_.erase(entry->second);
    orphans_.insert(entry->second);
    entry->second = wd;
  }
  by_wd_[wd] = entry;
  return Watching::kYes;
}

void InotifyWatcher::forget(const std::string& directory) {
  const auto orphan = [this](ByPath::iterator entry) {
    by_wd_.erase(entry->second);
    orphans_.insert(entry->second);
    return by_path_.erase(entry);
  };
  if (const auto itself = by_path_.find(directory); itself != by_path_.end()) orphan(itself);
  const std::string below = directory == "/" ? "/" : directory + "/";
  for (auto entry = by_path_.lower_bound(below); entry != by_path_.end() && entry->first.starts_with(below);)
    entry = orphan(entry);
}

void InotifyWatcher::sweep() {
  for (const int wd : std::exchange(orphans_, {})) {
    ::inotify_rm_watch(fd_.get(), wd);  // fails when the directory is gone, and the watch with it
    budget_.give_back();
  }
}

void InotifyWatcher::drop(int wd) {
  const auto at = by_wd_.find(wd);
  if (at != by_wd_.end()) {
    by_path_.erase(at->second);
    by_wd_.erase(at);
    budget_.give_back();
  } else if (orphans_.erase(wd) > 0) {
    budget_.give_back();
  }
}

Result<uint64_t> InotifyWatcher::read(Listener& listener) {
  uint64_t events = 0;
  while (events < kMaxEventsAtATime) {
    const ssize_t size = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0) return fail_errno("cannot read inotify events of '" + root_ + "'", errno);
    for (size_t at = 0; at < static_cast<size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, &buffer_[at], sizeof event);
      const char* const name = event.len > 0 ? reinterpret_cast<const char*>(&buffer_[at + sizeof event]) : "";
      take_event(event.wd, event.mask, name, listener);
      at += sizeof event + event.len;
      ++events;
    }
  }
  return events;
}

void InotifyWatcher::take_event(int wd, uint32_t mask, const char* name, Listener& listener) {
  if ((mask & IN_Q_OVERFLOW) != 0) return listener.lost_track();
  if ((mask & IN_IGNORED) != 0) return drop(wd);
  const auto at = by_wd_.find(wd);
  if (at == by_wd_.end()) return;  // where it is now will be walked, or has left the root
  const std::string& directory = at->second->first;
  if ((mask & IN_UNMOUNT) != 0 || ((mask & (IN_DELETE_SELF | IN_MOVE_SELF)) != 0 && directory == root_))
    return listener.root_in_doubt();
  const bool is_directory = (mask & IN_ISDIR) != 0;
  if (*name == '\0') {  // the directory's own attributes: perhaps it has become readable
    if ((mask & IN_ATTRIB) == 0 || directory == root_) return;
    const size_t slash = directory.rfind('/');
    const std::string parent = slash == 0 ? "/" : directory.substr(0, slash);
    return listener.changed(parent, directory.substr(slash + 1), Ripeness::kRipe, false);
  }
  const bool ripe = is_directory || (mask & (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE)) != 0;
  const bool came = is_directory && (mask & (IN_CREATE | IN_MOVED_TO)) != 0;
  const std::string in = directory;  // the listener may change the maps
  listener.changed(in, name, ripe ? Ripeness::kRipe : Ripeness::kGrowing, came);
}

}  // namespace pairloom::watch
