// PendingChanges: where to look, and when. Names that changed, by directory, each due at once or when its file has
// settled. Bounded: a directory with very many names becomes "look at all of it", and when there are too many
// directories, only a walk of the root is left to do. Runs in: supervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "watch/watcher.h"

namespace pairloom::watch {

// What is compared to see whether a file still grows.
struct FileState {
  uint64_t size_bytes = 0;
  int64_t mtime_ns = 0, ctime_ns = 0;
  friend bool operator==(const FileState&, const FileState&) = default;
};

// True when nothing has happened to a file for `settle_ns`: by its own times, which are believed unless they lie in the
// future (another machine's clock), or because it looks as it did when last looked at, `looked_ns` ago.
bool is_settled(const FileState& now, int64_t wall_ns, int64_t settle_ns, const std::optional<FileState>& before);

class PendingChanges {
 public:
  static constexpr size_t kMaxNames = 4096;         // in a directory
  static constexpr size_t kMaxAllNames = 200'000;   // and in all of them
  static constexpr int64_t kWholeAgainNs = 2'000'000'000;  // between two looks at a whole directory

  struct Name {
    std::string name;
    bool came = false;               // a directory, all below it unknown
    bool growing = false;            // to be compared, not believed
    std::optional<FileState> before; // as it was when last looked at
  };
  // Of one directory, what is due.
  struct Due {
    std::string directory;
    bool whole = false;  // all of it, but not what is below; `names` is then what came there
    std::vector<Name> names;
  };

  // False: there are too many, and all have been dropped; walk the root.
  bool add(const std::string& directory, const std::string& name, Ripeness ripeness, bool came, int64_t now_ns,
           int64_t settle_ns);
  // It was looked at and still grew.
  bool add_growing(const std::string& directory, const std::string& name, const FileState& state, int64_t due_ns);
  // All of the directory, but not what is below it.
  bool add_whole(const std::string& directory, int64_t due_ns);
  void clear();

  // The directory that has been due for longest. Empty: nothing is due now.
  std::optional<Due> take(int64_t now_ns);
  int64_t next_due_ns() const;  // -1: nothing is pending
  uint64_t count(bool growing) const { return growing ? growing_ : names_ - growing_; }
  bool empty() const { return directories_.empty(); }

 private:
  struct Entry {
    int64_t due_ns = 0;
    bool came = false, growing = false;
    std::optional<FileState> before;
  };
  struct Directory {
    std::map<std::string, Entry> names;
    int64_t due_ns = INT64_MAX;    // the earliest
    int64_t whole_ns = INT64_MAX;  // when all of it is due
  };
  using Directories = std::map<std::string, Directory>;

  bool put(const std::string& directory, const std::string& name, Entry entry);
  void make_whole(Directories::iterator at, int64_t due_ns);
  static int64_t earliest(const Directory& in);
  void schedule(Directories::iterator at, int64_t due_ns);
  bool is_too_much();

  Directories directories_;
  std::set<std::pair<int64_t, std::string>> queue_;  // by due_ns
  std::map<std::string, int64_t> whole_looked_;      // when directories were last due as a whole; recent ones only
  uint64_t names_ = 0, growing_ = 0;
};

}  // namespace pairloom::watch
