// InotifyWatcher: a Watcher by inotify, one watch for each directory. One instance for each root, so that the overflow of
// one root's events is no other's trouble. Runs in: supervisor.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/fd.h"
#include "watch/watch_budget.h"
#include "watch/watcher.h"

namespace pairloom::watch {

class InotifyWatcher final : public Watcher {
 public:
  // `root` is a canonical path; `budget` outlives the watcher. kIo: no instance is to be had (EMFILE:
  // fs.inotify.max_user_instances).
  static Result<std::unique_ptr<InotifyWatcher>> create(std::string root, WatchBudget& budget);
  InotifyWatcher(const InotifyWatcher&) = delete;
  ~InotifyWatcher() override;

  Watching watch(const std::string& directory, uint64_t device) override;
  bool watches(const std::string& directory) const override { return by_path_.contains(directory); }
  void forget(const std::string& directory) override;
  void sweep() override;
  int fd() const override { return fd_.get(); }
  Result<uint64_t> read(Listener& listener) override;
  uint64_t count() const override { return by_path_.size(); }

 private:
  // 300,000 directories are nothing unusual: paths in order, so that a subtree is a range, and a watch points to its entry.
  using ByPath = std::map<std::string, int>;

  InotifyWatcher(Fd fd, std::string root, WatchBudget& budget);
  void drop(int wd);  // the kernel's watch is over
  void take_event(int wd, uint32_t mask, const char* name, Listener& listener);

  Fd fd_;
  std::string root_;
  WatchBudget& budget_;
  ByPath by_path_;
  std::unordered_map<int, ByPath::iterator> by_wd_;
  std::unordered_set<int> orphans_;  // watches of directories whose path is not known now
  std::vector<std::byte> buffer_;
};

}  // namespace pairloom::watch
