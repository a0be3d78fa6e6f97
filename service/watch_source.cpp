#include "service/watch_source.h"

#include <algorithm>
#include <set>

namespace pairloom::service {

Result<daemon::FileSource::Next> WatchSource::next(daemon::FileBatch& batch) {
  // A root that went offline in the middle of a directory has nothing more to say of it.
  if (inside_ && !inside_->is_in_a_directory()) inside_ = nullptr;
  if (!inside_ && held_()) return Next::kEnd;
  for (size_t i = 0; i < roots_.size(); ++i) {
    WatchedRoot& root = inside_ ? *inside_ : *roots_[turn_++ % roots_.size()];
    PAIRLOOM_ASSIGN(const bool found, root.next(batch));
    inside_ = found && root.is_in_a_directory() ? &root : nullptr;
    if (found) return Next::kBatch;
  }
  return Next::kEnd;
}

bool WatchSource::look_again(const std::string& path, bool changed) {
  WatchedRoot* const root = root_of(path);
  return root && root->is_online() && root->look_again(path, changed);
}

WatchedRoot* WatchSource::root_of(const std::string& path) {
  const auto found = std::find_if(roots_.begin(), roots_.end(), [&](const auto& root) { return root->holds(path); });
  return found == roots_.end() ? nullptr : found->get();
}

void WatchSource::tell_roots_of_each_other() {
  std::set<std::string> paths;
  for (const auto& root : roots_) paths.insert(root->path());
  inside_ = nullptr;
  for (const auto& root : roots_) {
    root->leave_out(paths);
    if (root->is_in_a_directory()) inside_ = root.get();
  }
}

void WatchSource::note_time(int64_t now_ns) {
  for (const auto& root : roots_) root->note_time(now_ns);
}

int64_t WatchSource::next_due_ns() const {
  int64_t next = -1;
  for (const auto& root : roots_) {
    const int64_t due = root->next_due_ns();
    if (due >= 0 && (next < 0 || due < next)) next = due;
  }
  return next;
}

bool WatchSource::is_walking() const {
  return std::any_of(roots_.begin(), roots_.end(), [](const auto& root) { return root->is_online() && root->is_walking(); });
}

}  // namespace pairloom::service
