// RootCheck: is a root what it was, or is it only that its disk is not there? Decided before anything in it may count as
// deleted. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "index/index_writer.h"

namespace pairloom::service {

// What is there now.
struct RootLook {
  std::string path;          // canonical; empty: it cannot be reached
  std::string problem;       // why not: "No such file or directory"
  uint64_t device = 0, inode = 0, filesystem = 0;
  bool empty = false;
  bool holds_known = false;  // some name directly in it is known from before
};

// What was there before.
struct RootMemory {
  bool had_files = false;   // the index holds live files below it
  uint64_t filesystem = 0;  // 0 = unknown
  std::optional<std::pair<uint64_t, uint64_t>> seen;  // device and inode when this process last found it in order
};

// Looks; `index` tells what is known, and is not changed.
Result<RootLook> look_at_root(const std::string& path, index::IndexWriter& index);
Result<RootMemory> remember_root(const std::string& path, index::IndexWriter& index);

// Why the root is offline; empty: it is what it was, and what is missing in it was deleted. `believe_empty`: the user has
// said so.
std::string why_offline(const RootLook& look, const RootMemory& memory, bool believe_empty);

}  // namespace pairloom::service
