// WatchSource: all roots that are kept fresh, as one source of files for the indexing job. It ends when nothing is due
// now, and can be asked again later. Runs in: supervisor.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/file_batch.h"
#include "service/watched_root.h"

namespace pairloom::service {

class WatchSource final : public daemon::FileSource {
 public:
  // `held` is asked before each batch: true, and the source ends though there is more (a pause, a reload).
  explicit WatchSource(std::function<bool()> held) : held_(std::move(held)) {}

  Result<Next> next(daemon::FileBatch& batch) override;
  bool look_again(const std::string& path, bool changed) override;
  bool is_watching() const override { return true; }

  std::vector<std::unique_ptr<WatchedRoot>>& roots() { return roots_; }
  const std::vector<std::unique_ptr<WatchedRoot>>& roots() const { return roots_; }
  // To be called when roots have come, gone, or changed their paths: one inside another is its own business.
  void tell_roots_of_each_other();
  // The root a path belongs to; null: none.
  WatchedRoot* root_of(const std::string& path);

  void note_time(int64_t now_ns);
  int64_t next_due_ns() const;  // -1: only events can make something due
  bool is_walking() const;
  // The batch under way belongs to a directory of which more must follow.
  bool is_in_a_directory() const { return inside_ != nullptr; }

 private:
  std::vector<std::unique_ptr<WatchedRoot>> roots_;
  WatchedRoot* inside_ = nullptr;  // has handed on a part of a directory
  size_t turn_ = 0;                // roots take turns
  std::function<bool()> held_;
};

}  // namespace pairloom::service
