// Which groups are of interest: where their files lie, when they came, what was decided about them. Runs in: cli.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/duplicate_group.h"
#include "cli/options.h"
#include "index/index_reader.h"

namespace pairloom::cli {

struct GroupFilter {
  std::vector<std::string> under;       // a file at or below one of them; empty = anywhere. Canonical paths
  std::vector<std::string> references;  // originals: a group has a file there and one elsewhere
  enum class Roots { kAny, kWithin, kAcross } roots = Roots::kAny;  // all files below one root, or below several
  bool isolate = false;                                             // short for kAcross
  enum class SameDirectory { kAll, kHide, kOnly } same_directory = SameDirectory::kAll;
  std::string since;      // as given: a date, or how long ago
  bool new_only = false;  // a file that came or changed in the last run that brought any
  bool decided = false;   // also groups of which everything is to be kept
};

// --reference, --isolate, --roots, --same-dir, --since, --new-only, --decided.
void add_filter_options(CLI::App& app, GroupFilter& into);

// The filter, with what it has to look up in the index.
class GroupSieve {
 public:
  // kInvalidArgument: a --since that is no time. `now_ns`: wall clock.
  static Result<GroupSieve> make(const GroupFilter& filter, index::IndexReader& reader, const std::string& index_path,
                                 int64_t now_ns);

  bool is_reference(const std::string& path) const;
  bool lets_pass(const DuplicateGroup& group) const;

 private:
  explicit GroupSieve(const GroupFilter& filter) : filter_(filter) {}
  bool lie_as_wanted(const std::vector<GroupFile>& files) const;

  GroupFilter filter_;
  std::vector<std::string> roots_;  // the longest first
  std::optional<std::vector<index::ContentId>> new_contents_;  // one of them must be in a group
};

// "2026-05-01", "2026-05-01T18:30", "2026-05-01T18:30:00Z" (UTC), or "7d", "12h", "30m" before `now_ns`; nanoseconds
// since 1970.
Result<int64_t> time_from_text(std::string_view text, int64_t now_ns);

}  // namespace pairloom::cli
