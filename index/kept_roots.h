// KeptRoots: the directories that were ever added to an index, which no image can tell again: kept as text beside it
// (`<index>-roots`), so that they outlive a database that is damaged or thrown away. A JSON object a line, only ever
// appended to (docs/index_schema.md, "Roots"). Runs in: supervisor (appends, under the writer's lock), cli (reads).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace pairloom::index {

std::string kept_roots_path(const std::string& index_path);

// Durable when it returns. What a killed process left of a line is ended first.
Result<> keep_root(const std::string& index_path, const std::string& root);

// All of them, oldest first. A line that is none (cut off by a crash, of a newer pairloom, edited) is left out. No file:
// no roots.
Result<std::vector<std::string>> kept_roots(const std::string& index_path);

}  // namespace pairloom::index
