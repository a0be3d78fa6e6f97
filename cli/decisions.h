// What a person has decided about duplicates, remembered in `<index>-decisions`: lines of JSON, to be read, edited and
// kept under version control. It is not in the index because the index can be made again from the images, and this
// cannot: decisions name contents by their digests, so they outlive re-indexing, moves and renames. Format:
// docs/decisions.md. Runs in: cli.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/image.h"
#include "base/result.h"

namespace pairloom::cli {

// A content, wherever its files are.
struct ContentKey {
  Digest digest;
  uint64_t size_bytes = 0;
  friend auto operator<=>(const ContentKey&, const ContentKey&) = default;
};

struct Decision {
  enum class Kind { kNotDuplicates, kKeep } kind = Kind::kNotDuplicates;
  ContentKey a, b;             // b: of kNotDuplicates only; a < b
  uint64_t files = 1;          // of kKeep: how many files with this content were to be kept
  std::string path_a, path_b;  // where they were then: for people
  int64_t time_ns = 0;         // wall clock
};

class Decisions {
 public:
  static std::string path_for(const std::string& index) { return index + "-decisions"; }
  // All decisions of a file; none if it is not there. kIndexCorrupt names the line that cannot be read; a last line
  // without an end is what a crash left of an unfinished one, and is passed over.
  static Result<Decisions> load(const std::string& path);
  // The same for a text, for messages called `name`.
  static Result<Decisions> parse(const std::string& text, const std::string& name);

  // Adds decisions behind those in the file and syncs it. What a file holds already counts once.
  static Result<> append(const std::string& path, std::span<const Decision> decisions);
  // Takes back every decision about these contents; all decisions if `contents` is empty. Returns how many. The new file
  // takes the place of the old one in one step.
  static Result<uint64_t> reset(const std::string& path, const std::set<ContentKey>& contents);

  bool empty() const { return distinct_.empty() && kept_.empty(); }
  const std::map<std::pair<ContentKey, ContentKey>, Decision>& distinct() const { return distinct_; }
  // How many files with this content are to be kept; 0: nothing was decided.
  uint64_t files_to_keep(const ContentKey& content) const;
  std::vector<Decision> all() const;  // by kind, then by content

 private:
  std::map<std::pair<ContentKey, ContentKey>, Decision> distinct_;
  std::map<ContentKey, Decision> kept_;
};

// A line of the file.
std::string decision_line(const Decision& decision);
std::string_view name_of(Decision::Kind kind);  // "not-dup", "keep"

}  // namespace pairloom::cli
