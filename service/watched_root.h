// WatchedRoot: one directory tree that is kept fresh. Turns what its watcher reports, and walks, into batches of files for
// the indexing job. Knows when it must be walked again, and when it must not be believed. Runs in: supervisor.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "daemon/control_status.h"
#include "daemon/file_batch.h"
#include "daemon/tree_walk.h"
#include "service/config.h"
#include "service/root_check.h"
#include "watch/pending_changes.h"
#include "watch/watch_budget.h"
#include "watch/watcher.h"

namespace pairloom::service {

// What all roots share.
struct Surveillance {
  watch::WatchBudget& budget;
  const Clock& clock;
  int64_t settle_ns = 0, rescan_ns = 0, poll_ns = 0;
};

class WatchedRoot final : public watch::Listener {
 public:
  // `shared` outlives the root; its times may change.
  WatchedRoot(RootConfig config, const Surveillance& shared);

  // --- being there or not
  // Looks whether the root is what it was; goes offline or comes back, and then wants a walk. True: the state changed.
  Result<bool> check(index::IndexWriter& index, bool believe_empty);
  bool is_in_doubt() const { return in_doubt_; }  // check() is due
  void doubt() { in_doubt_ = true; }
  bool is_online() const { return online_; }
  bool wants_believing() const { return believe_empty_; }

  // --- what to look at
  // Fills the batch with what is due now. False: nothing is, or the root is in doubt. While is_in_a_directory(), nobody
  // else's batch may come between.
  Result<bool> next(daemon::FileBatch& batch);
  bool is_in_a_directory() const { return inside_ != Inside::kNothing; }
  // Something is due at this time; -1: nothing will be, but for events.
  int64_t next_due_ns() const;
  // Wants what the time asks for: the next walk, or another look at a root that is offline.
  void note_time(int64_t now_ns);
  void want_walk(bool believe_empty = false);
  bool is_walking() const { return walk_ != nullptr || walk_wanted_; }
  // Of a file in this root that must be looked at once more; false: it has been so often enough.
  bool look_again(const std::string& path, bool changed);
  bool holds(const std::string& path) const;
  // Directories below that are roots of their own.
  void leave_out(std::set<std::string> roots);

  // --- the watcher
  int watcher_fd() const { return watcher_ ? watcher_->fd() : -1; }  // another one after check()
  void read_events();

  // --- what to say
  const RootConfig& config() const { return config_; }
  const std::string& path() const { return path_.empty() ? config_.path : path_; }
  daemon::RootStatus status() const;
  uint64_t pending(bool growing) const { return pending_.count(growing); }
  uint64_t events() const { return events_; }
  uint64_t overflows() const { return overflows_; }
  uint64_t filesystem() const { return look_.filesystem; }
  // True once after a complete walk.
  bool take_finished_walk() { return std::exchange(finished_walk_, false); }

  void changed(const std::string& directory, const std::string& name, watch::Ripeness ripeness, bool came) override;
  void root_in_doubt() override { in_doubt_ = true; }
  void lost_track() override;

 private:
  // The walk that has read a part of a directory: the rest must follow.
  enum class Inside : uint8_t { kNothing, kPart, kWhole };

  void go_offline(std::string reason);
  void start_watcher();
  void entering(const std::string& directory, uint64_t device);
  bool begin_walk();
  Result<bool> continue_walk(daemon::TreeWalk& walk, Inside which, daemon::FileBatch& batch);
  void end_walk();
  void hold_back_growing(daemon::FileBatch& batch);
  bool look_at(const watch::PendingChanges::Due& due, daemon::FileBatch& batch);
  void look_at_name(int directory_fd, const watch::PendingChanges::Name& name, daemon::FileBatch& batch);
  void walk_part(const std::string& directory, bool recursive);
  bool is_ours(const std::string& directory) const;
  bool is_still_there() const;
  std::string relative(const std::string& path) const;
  void too_much(bool fits);

  RootConfig config_;
  const Surveillance& shared_;
  daemon::PathFilter filter_;
  std::string path_;  // canonical, of when it was last online
  bool online_ = false, in_doubt_ = true, believe_empty_ = false;
  std::string offline_reason_;
  RootLook look_;
  std::optional<std::pair<uint64_t, uint64_t>> seen_;
  std::set<std::string> left_out_;

  std::unique_ptr<watch::Watcher> watcher_;
  daemon::RootStatus::Watch mode_ = daemon::RootStatus::Watch::kNone;
  std::string mode_reason_;    // why it is not watched, or not as wished
  uint64_t directories_ = 0, walked_directories_ = 0, unwatched_ = 0;
  bool out_of_watches_ = false;
  std::set<uint64_t> local_devices_, remote_devices_;

  watch::PendingChanges pending_;
  std::unordered_map<std::string, int> changed_reads_;  // files that changed while they were read, and how often
  std::unique_ptr<daemon::TreeWalk> walk_;       // of the whole root
  std::unique_ptr<daemon::TreeWalk> part_walk_;  // of directories that came
  bool walk_wanted_ = false, first_batch_ = false, finished_walk_ = false;
  Inside inside_ = Inside::kNothing;
  int64_t next_walk_ns_ = -1;
  int64_t last_walk_wall_ns_ = 0;
  uint64_t walks_ = 0, events_ = 0, overflows_ = 0;
};

}  // namespace pairloom::service
