#include "watch/return_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace pairloom::watch {
namespace {

constexpr uint32_t kMask = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

bool is_directory(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

}  // namespace

Result<ReturnWatch> ReturnWatch::create() {
  Fd fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!fd) return fail_errno("cannot use inotify", errno);
  return ReturnWatch(std::move(fd));
}

void ReturnWatch::wait_for(const std::string& path) {
  if (is_directory(path)) add(path, {"", path});
  std::string directory = path, name;
  do {
    const size_t slash = directory.rfind('/');
    if (slash == std::string::npos) return;
    name = directory.substr(slash + 1);
    directory = slash == 0 ? "/" : directory.substr(0, slash);
  } while (directory != "/" && !is_directory(directory));
  add(directory, {name, path});
}

void ReturnWatch::add(const std::string& directory, Wait wait) {
  const int wd = ::inotify_add_watch(fd_.get(), directory.c_str(), kMask);
  if (wd < 0) return;  // then it is only looked at from time to time
  for (const Wait& known : waits_[wd])
    if (known.name == wait.name && known.path == wait.path) return;
  waits_[wd].push_back(std::move(wait));
}

void ReturnWatch::forget_all() {
  for (const auto& [wd, waits] : waits_) ::inotify_rm_watch(fd_.get(), wd);
  waits_.clear();
}

std::set<std::string> ReturnWatch::candidates() {
  std::set<std::string> found;
  alignas(inotify_event) std::array<std::byte, 65536> buffer;
  for (ssize_t size; (size = ::read(fd_.get(), buffer.data(), buffer.size())) > 0;) {
    for (size_t at = 0; at < static_cast<size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, &buffer[at], sizeof event);
      const std::string name = event.len > 0 ? reinterpret_cast<const char*>(&buffer[at + sizeof event]) : "";
      at += sizeof event + event.len;
      const bool of_all = (event.mask & IN_Q_OVERFLOW) != 0;
      const bool of_itself = name.empty();
      for (const auto& [wd, waits] : waits_) {
        if (!of_all && wd != event.wd) continue;
        for (const Wait& wait : waits)
          if (of_all || of_itself || wait.name.empty() || wait.name == name) found.insert(wait.path);
      }
      if ((event.mask & IN_IGNORED) != 0) waits_.erase(event.wd);
    }
  }
  for (auto entry = waits_.begin(); entry != waits_.end();) {
    std::erase_if(entry->second, [&](const Wait& wait) { return found.contains(wait.path); });
    if (!entry->second.empty()) {
      ++entry;
      continue;
    }
    ::inotify_rm_watch(fd_.get(), entry->first);
    entry = waits_.erase(entry);
  }
  return found;
}

}  // namespace pairloom::watch
