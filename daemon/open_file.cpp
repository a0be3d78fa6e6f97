#include "daemon/open_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace pairloom::daemon {
namespace {

constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

// Component by component in one system call (Linux 5.6).
int open_below(int directory, const char* path, int flags) {
  open_how how{};
  how.flags = static_cast<decltype(how.flags)>(flags);
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}

// For one file; where many of a directory may be another user's, FileOpener asks only once.
int open_leaving_access_time(int directory, const char* name) {
  const int fd = ::openat(directory, name, kFlags | O_NOATIME);
  return fd >= 0 || errno != EPERM ? fd : ::openat(directory, name, kFlags);
}

// The same by hand, where the kernel is older or a container forbids the call.
int open_by_steps(const char* path) {
  Fd at(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  while (*path == '/') ++path;
  while (at) {
    const char* slash = std::strchr(path, '/');
    if (slash == nullptr) return open_leaving_access_time(at.get(), path);
    const std::string component(path, slash);
    Fd next(::openat(at.get(), component.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      const int errnum = errno;
      char target[1];
      const bool is_link = errnum == ENOTDIR && ::readlinkat(at.get(), component.c_str(), target, sizeof target) >= 0;
      errno = is_link ? ELOOP : errnum;
      return -1;
    }
    at = std::move(next);
    path = slash + std::strspn(slash, "/");
  }
  return -1;
}

shm::PassedFile regular_file(Fd fd, uint64_t task_id) {
  if (!fd) return {task_id, Fd(), errno};
  struct stat st {};
  if (!stat_open_file(fd.get(), st)) return {task_id, Fd(), errno};
  if (!S_ISREG(st.st_mode)) return {task_id, Fd(), shm::kNotARegularFile};
  return {task_id, std::move(fd), 0, identity_of(st)};
}

}  // namespace

int FileOpener::open_at_once(const std::string& path) {
  const int flags = kFlags | (keeps_access_time_ ? O_NOATIME : 0);
  const size_t slash = path.rfind('/');
  const std::string_view directory = std::string_view(path).substr(0, slash + 1);
  if (directory != directory_) {
    directory_ = directory;
    directory_fd_.reset();
    return open_below(AT_FDCWD, path.c_str(), flags);
  }
  if (!directory_fd_) directory_fd_.reset(open_below(AT_FDCWD, directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory_fd_) return -1;
  return ::openat(directory_fd_.get(), path.c_str() + slash + 1, flags);  // a single name: O_NOFOLLOW says it all
}

shm::PassedFile FileOpener::open(const std::string& path, uint64_t task_id) {
  static bool at_once = true;
  if (at_once) {
    Fd fd(open_at_once(path));
    if (!fd && errno == EPERM && keeps_access_time_) {  // somebody else's file
      keeps_access_time_ = false;
      fd = Fd(open_at_once(path));
    }
    // Still EPERM: a container's filter; the kernel itself says it of no file that is opened for reading only.
    if (fd || (errno != ENOSYS && errno != EPERM)) return regular_file(std::move(fd), task_id);
    at_once = false;
  }
  return open_file_by_steps(path.c_str(), task_id);
}

shm::PassedFile open_file_by_steps(const char* path, uint64_t task_id) {
  return regular_file(Fd(open_by_steps(path)), task_id);
}

}  // namespace pairloom::daemon
