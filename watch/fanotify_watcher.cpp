#include "watch/fanotify_watcher.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/path.h"

namespace pairloom::watch {
namespace {

constexpr uint64_t kMask = FAN_CREATE | FAN_CLOSE_WRITE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE | FAN_ATTRIB | FAN_ONDIR;
constexpr size_t kBufferBytes = 256u << 10;
constexpr uint64_t kMaxEventsAtATime = 16384;
constexpr size_t kMaxPaths = 4096;

template <class Id>
uint64_t number_of(const Id& id) {
  static_assert(sizeof id == sizeof(uint64_t));
  uint64_t number;
  std::memcpy(&number, &id, sizeof number);
  return number;
}

bool is_below(const std::string& path, const std::string& root) {
  return root == "/" || (path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/'));
}

const file_handle& handle_of(const fanotify_event_info_fid& where) {
  return *reinterpret_cast<const file_handle*>(where.handle);
}

}  // namespace

FanotifyWatcher::FanotifyWatcher(Fd fd, std::string root)
    : fd_(std::move(fd)), root_(std::move(root)), buffer_(kBufferBytes) {}

Result<std::unique_ptr<FanotifyWatcher>> FanotifyWatcher::create(std::string root) {
  Fd fd(::fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(Errc::kUnsupported, std::string("fanotify: ") + std::strerror(errno));
  struct stat st {};
  if (::stat(root.c_str(), &st) != 0) return fail_errno("cannot look at '" + root + "'", errno);
  std::unique_ptr<FanotifyWatcher> watcher(new FanotifyWatcher(std::move(fd), std::move(root)));
  PAIRLOOM_TRY(watcher->mark(watcher->root_, st.st_dev));
  return watcher;
}

// Marks the file system, and tries what every event will need: to come from a handle to a path.
Result<> FanotifyWatcher::mark(const std::string& directory, uint64_t device) {
  const auto refused = [&](const char* what) {
    return fail(Errc::kUnsupported, std::string(what) + ": " + std::strerror(errno));
  };
  const Fd at(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  struct statfs fs {};
  if (!at || ::fstatfs(at.get(), &fs) != 0) return refused("fanotify");
  alignas(file_handle) std::array<std::byte, sizeof(file_handle) + MAX_HANDLE_SZ> room{};
  auto* const own = reinterpret_cast<file_handle*>(room.data());
  own->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = 0;
  if (::name_to_handle_at(at.get(), "", own, &mount_id, AT_EMPTY_PATH) != 0) return refused("file handles");
  const Fd again(::open_by_handle_at(at.get(), own, O_PATH | O_CLOEXEC));
  if (!again) return refused("opening by file handle");
  if (::fanotify_mark(fd_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM, kMask, at.get(), nullptr) != 0)
    return refused("fanotify mark");
  marked_.insert(device);
  mounts_.insert_or_assign(number_of(fs.f_fsid), directory);
  return {};
}

Watcher::Watching FanotifyWatcher::watch(const std::string& directory, uint64_t device) {
  if (marked_.contains(device)) return Watching::kYes;
  return mark(directory, device) ? Watching::kYes : Watching::kCannot;
}

// A file system that is gone may come back under the same number, without its mark.
void FanotifyWatcher::forget(const std::string& directory) {
  paths_.clear();
  if (directory == root_) marked_.clear();
  std::erase_if(mounts_, [&](const auto& mount) { return mount.second != root_ && is_below(mount.second, directory); });
}

Result<uint64_t> FanotifyWatcher::read(Listener& listener) {
  uint64_t events = 0;
  while (events < kMaxEventsAtATime) {
    const ssize_t size = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0) return fail_errno("cannot read fanotify events of '" + root_ + "'", errno);
    for (size_t at = 0; at + sizeof(fanotify_event_metadata) <= static_cast<size_t>(size); ++events) {
      fanotify_event_metadata event;
      std::memcpy(&event, &buffer_[at], sizeof event);
      if (event.vers != FANOTIFY_METADATA_VERSION) return fail(Errc::kIo, "fanotify speaks another version");
      if (event.fd >= 0) ::close(event.fd);  // comes with overflows only
      if ((event.mask & FAN_Q_OVERFLOW) != 0) {
        listener.lost_track();
      } else if (event.event_len >= event.metadata_len + sizeof(fanotify_event_info_fid)) {
        const auto& where = *reinterpret_cast<const fanotify_event_info_fid*>(&buffer_[at + event.metadata_len]);
        if (where.hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
          take_event(event.mask, where, where.hdr.len, listener);
      }
      at += event.event_len;
    }
  }
  return events;
}

void FanotifyWatcher::take_event(uint64_t mask, const fanotify_event_info_fid& where, size_t bytes, Listener& listener) {
  const file_handle& handle = handle_of(where);
  const auto* const name = reinterpret_cast<const char*>(handle.f_handle) + handle.handle_bytes;
  const auto* const end = reinterpret_cast<const char*>(&where) + bytes;
  if (name >= end) return;
  const std::string what(name, ::strnlen(name, static_cast<size_t>(end - name)));
  const bool is_directory = (mask & FAN_ONDIR) != 0;
  const std::string directory = path_of(where);
  if (std::exchange(lost_mount_, false)) {
    paths_.clear();
    listener.lost_track();
    return listener.root_in_doubt();
  }
  if (is_directory && (mask & (FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE)) != 0) paths_.clear();
  if (directory.empty()) return;
  const std::string path = join_path(directory, what);
  if (path == root_ || (is_directory && is_below(root_, path))) {
    if ((mask & (FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE | FAN_CREATE)) != 0) listener.root_in_doubt();
    return;
  }
  if (!is_below(path, root_)) return;
  if (what == "." || what.empty()) return;
  const bool ripe = is_directory || (mask & (FAN_CLOSE_WRITE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE)) != 0;
  const bool came = is_directory && (mask & (FAN_CREATE | FAN_MOVED_TO)) != 0;
  listener.changed(directory, what, ripe ? Ripeness::kRipe : Ripeness::kGrowing, came);
}

// Events of the whole file system come by here, most of them from elsewhere: the answer is remembered.
const std::string& FanotifyWatcher::path_of(const fanotify_event_info_fid& where) {
  const file_handle& handle = handle_of(where);
  std::string key(reinterpret_cast<const char*>(&where.fsid), sizeof where.fsid);
  key.append(reinterpret_cast<const char*>(&handle), sizeof handle + handle.handle_bytes);
  const auto known = paths_.find(key);
  if (known != paths_.end()) return known->second;
  if (paths_.size() >= kMaxPaths) paths_.clear();
  return paths_[key] = look_up(where);
}

std::string FanotifyWatcher::look_up(const fanotify_event_info_fid& where) {
  const auto mount = mounts_.find(number_of(where.fsid));
  if (mount == mounts_.end()) return "";
  const Fd at(::open(mount->second.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!at) {
    lost_mount_ = true;
    return "";
  }
  const Fd directory(
      ::open_by_handle_at(at.get(), const_cast<file_handle*>(&handle_of(where)), O_PATH | O_CLOEXEC));
  if (!directory) return "";  // deleted meanwhile
  const std::string link = "/proc/self/fd/" + std::to_string(directory.get());
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  if (size <= 0 || static_cast<size_t>(size) >= path.size()) return "";
  std::string found(path.data(), static_cast<size_t>(size));
  // Of a deleted directory, and of one outside this mount, no path can be said.
  if (!found.starts_with('/') || found.ends_with(" (deleted)")) return "";
  return is_below(found, root_) || is_below(root_, found) ? found : "";
}

}  // namespace pairloom::watch
