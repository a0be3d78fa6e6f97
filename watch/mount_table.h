// MountTable: which file systems are mounted where, and when that changes. Runs in: supervisor.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::watch {

class MountTable {
 public:
  // Opens /proc/self/mountinfo and remembers what is there.
  static Result<MountTable> open();

  // Wakes whoever waits when the table changes (EPOLLPRI), but does not say so reliably: the kernel tells it to the first
  // that asks, and where the waiting epoll is itself waited for by another, that is the other.
  int fd() const { return fd_.get(); }
  // Whether it has changed since this was last asked.
  bool has_changed() const;
  // Reads the table anew: mount points that have come, gone, or are another mount than before.
  Result<std::vector<std::string>> changes();
  bool is_mount_point(const std::string& path) const { return mounts_.contains(path); }

  using Mounts = std::map<std::string, std::string>;  // mount point -> what is mounted there: "8:1 /sub"
  static Mounts parse(std::string_view mountinfo);

 private:
  MountTable(Fd fd, Fd asked) : fd_(std::move(fd)), asked_(std::move(asked)) {}
  Result<Mounts> read() const;
  Fd fd_, asked_;  // the same file twice; only has_changed() asks the second
  Mounts mounts_;
};

// Whether it is a file system whose changes may be made by other machines, of which the kernel tells nothing.
bool is_remote_filesystem(const std::string& directory);

}  // namespace pairloom::watch
