// FanotifyWatcher: a Watcher by fanotify marks on whole file systems: one mark instead of a watch for each directory.
// Needs CAP_SYS_ADMIN for the mark and CAP_DAC_READ_SEARCH to find out where an event was, and a file system whose
// directories have handles. Holds no directory open, which would keep a file system from being unmounted.
// Runs in: supervisor.
#pragma once

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/fd.h"
#include "watch/watcher.h"

struct fanotify_event_info_fid;

namespace pairloom::watch {

class FanotifyWatcher final : public Watcher {
 public:
  // `root` is the canonical path of a directory. kUnsupported: kernel, rights or file system do not allow it here.
  static Result<std::unique_ptr<FanotifyWatcher>> create(std::string root);

  Watching watch(const std::string& directory, uint64_t device) override;
  bool watches(const std::string& /*directory*/) const override { return true; }
  void forget(const std::string& directory) override;
  void sweep() override {}
  int fd() const override { return fd_.get(); }
  Result<uint64_t> read(Listener& listener) override;
  uint64_t count() const override { return 0; }

 private:
  FanotifyWatcher(Fd fd, std::string root);
  Result<> mark(const std::string& directory, uint64_t device);
  void take_event(uint64_t mask, const fanotify_event_info_fid& where, size_t bytes, Listener& listener);
  // The path of the directory that `where` names; empty: not below the root, or gone.
  const std::string& path_of(const fanotify_event_info_fid& where);
  std::string look_up(const fanotify_event_info_fid& where);

  Fd fd_;
  std::string root_;
  std::set<uint64_t> marked_;                           // devices
  std::unordered_map<uint64_t, std::string> mounts_;    // file system id -> a directory on it, below the root
  std::unordered_map<std::string, std::string> paths_;  // handle -> path_of; forgotten when a directory moves
  std::vector<std::byte> buffer_;
  bool lost_mount_ = false;  // the directory by which a file system is reached is not there any more
};

}  // namespace pairloom::watch
