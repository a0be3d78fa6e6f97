// Decisions: what people told the index and no image can tell again, so that it outlives an index that is damaged or
// thrown away. A text file beside the index (`<index>-decisions`), one JSON object a line, only ever appended to
// (docs/index_schema.md, "Decisions"). Runs in: supervisor (appends, under the writer's lock), cli (reads).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pairloom::index {

struct Decision {
  std::string kind;                                         // "root"
  std::vector<std::pair<std::string, std::string>> values;  // by name; bytes, which need be no text; never empty
  std::string_view value(std::string_view name) const;      // empty when there is none of that name
};

std::string decisions_path(const std::string& index_path);

// Durable when it returns. What a killed process left of a line is ended first.
Result<> append_decision(const std::string& index_path, const Decision& decision);

// All of them, oldest first. A line that is none (cut off by a crash, of a newer pairloom, edited) is left out. No file:
// no decisions.
Result<std::vector<Decision>> read_decisions(const std::string& index_path);

}  // namespace pairloom::index
