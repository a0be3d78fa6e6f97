#include "watch/pending_changes.h"

#include <algorithm>
#include <utility>

namespace pairloom::watch {

bool is_settled(const FileState& now, int64_t wall_ns, int64_t settle_ns, const std::optional<FileState>& before) {
  // mtime can be set to anything, also to a time to come; ctime is the kernel's.
  const int64_t last = now.mtime_ns <= wall_ns ? std::max(now.mtime_ns, now.ctime_ns) : now.ctime_ns;
  if (last <= wall_ns && wall_ns - last >= settle_ns) return true;
  return before && *before == now;
}

bool PendingChanges::add(const std::string& directory, const std::string& name, Ripeness ripeness, bool came,
                         int64_t now_ns, int64_t settle_ns) {
  const bool growing = ripeness == Ripeness::kGrowing;
  return put(directory, name, {growing ? now_ns + settle_ns : now_ns, came, growing, std::nullopt});
}

bool PendingChanges::add_growing(const std::string& directory, const std::string& name, const FileState& state,
                                 int64_t due_ns) {
  return put(directory, name, {due_ns, false, true, state});
}

bool PendingChanges::put(const std::string& directory, const std::string& name, Entry entry) {
  const auto at = directories_.try_emplace(directory).first;
  Directory& in = at->second;
  const auto [known, is_new] = in.names.try_emplace(name, entry);
  if (is_new) {
    ++names_;
    growing_ += entry.growing ? 1u : 0u;
  } else {
    Entry& old = known->second;
    if (old.growing && !entry.growing) --growing_;
    old.came |= entry.came;
    old.growing &= entry.growing;
    old.due_ns = std::min(old.due_ns, entry.due_ns);
    if (entry.before) old.before = entry.before;
  }
  if (in.names.size() > kMaxNames) {
    make_whole(at, entry.due_ns);
  } else {
    schedule(at, std::min(in.due_ns, entry.due_ns));
  }
  return !is_too_much();
}

bool PendingChanges::add_whole(const std::string& directory, int64_t due_ns) {
  make_whole(directories_.try_emplace(directory).first, due_ns);
  return !is_too_much();
}

// The names are found again by looking; that a directory came is not, so it is kept.
void PendingChanges::make_whole(Directories::iterator at, int64_t due_ns) {
  Directory& in = at->second;
  const auto looked = whole_looked_.find(at->first);
  if (looked != whole_looked_.end()) due_ns = std::max(due_ns, looked->second + kWholeAgainNs);
  for (auto name = in.names.begin(); name != in.names.end();) {
    if (name->second.came) {
      ++name;
      continue;
    }
    --names_;
    growing_ -= name->second.growing ? 1u : 0u;
    name = in.names.erase(name);
  }
  in.whole_ns = std::min(in.whole_ns, due_ns);
  schedule(at, earliest(in));
}

int64_t PendingChanges::earliest(const Directory& in) {
  int64_t due_ns = in.whole_ns;
  for (const auto& [name, entry] : in.names) due_ns = std::min(due_ns, entry.due_ns);
  return due_ns;
}

void PendingChanges::schedule(Directories::iterator at, int64_t due_ns) {
  queue_.erase({at->second.due_ns, at->first});
  at->second.due_ns = due_ns;
  queue_.insert({due_ns, at->first});
}

bool PendingChanges::is_too_much() {
  if (names_ <= kMaxAllNames && directories_.size() <= kMaxAllNames) return false;
  clear();
  return true;
}

void PendingChanges::clear() {
  directories_.clear();
  queue_.clear();
  whole_looked_.clear();
  names_ = growing_ = 0;
}

std::optional<PendingChanges::Due> PendingChanges::take(int64_t now_ns) {
  if (queue_.empty() || queue_.begin()->first > now_ns) return std::nullopt;
  const auto at = directories_.find(queue_.begin()->second);
  Directory& in = at->second;
  Due due{at->first, in.whole_ns <= now_ns, {}};
  for (auto name = in.names.begin(); name != in.names.end();) {
    Entry& entry = name->second;
    if (entry.due_ns > now_ns) {
      ++name;
      continue;
    }
    due.names.push_back({name->first, entry.came, entry.growing, entry.before});
    --names_;
    growing_ -= entry.growing ? 1u : 0u;
    name = in.names.erase(name);
  }
  if (due.whole) {
    in.whole_ns = INT64_MAX;
    std::erase_if(whole_looked_, [&](const auto& looked) { return looked.second + kWholeAgainNs <= now_ns; });
    whole_looked_[at->first] = now_ns;
  }
  if (in.names.empty() && in.whole_ns == INT64_MAX) {
    queue_.erase(queue_.begin());
    directories_.erase(at);
  } else {
    schedule(at, earliest(in));
  }
  return due;
}

int64_t PendingChanges::next_due_ns() const {
  return queue_.empty() ? -1 : queue_.begin()->first;
}

}  // namespace pairloom::watch
