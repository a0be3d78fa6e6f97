// A group of duplicates as a person sees it: files, not contents; with a suggestion which one to keep. Runs in: cli.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "index/rows.h"

namespace pairloom::cli {

struct GroupFile {
  std::string path;
  StatIdentity identity;
  index::ContentId content = 0;
  ImageInfo image;
  uint32_t distance = 0;  // bits between its code and that of the group's centre
  bool exact = false;     // same bytes as a file listed before it
  bool keep = false;      // the suggestion, or what was decided
  bool decided = false;   // it was decided to keep it (cli/decisions.h)
  bool reference = false;  // it lies below a --reference: an original
};

struct DuplicateGroup {
  std::string id;  // "g-" + 16 hex digits: of its smallest content digest, so it stays while that file does
  std::vector<GroupFile> files;
  uint32_t max_distance = 0;
  uint64_t reclaimable_bytes = 0;  // what the files but the kept one occupy; hard links count once
  std::string keep_reason;         // "most pixels"; empty = nothing suggested
  uint32_t spread = 0;             // of a chain: the largest distance between the centre and a member; else 0
};

// Marks the files that were decided to be kept and originals; if there are none, at most one file as the one to keep, and
// says why: most pixels, then most bytes, then the oldest, then the first
// by path. A damaged file is never suggested; if all are damaged, nothing is. Orders the files: the kept one first,
// then by (distance, path), with exact copies right behind the file they copy; sets `exact` and `reclaimable_bytes`.
void arrange(DuplicateGroup& group);

}  // namespace pairloom::cli
