// A daemon's status for people: `pairloom status` and `pairloom watch ls` show it. Runs in: cli.
#pragma once

#include <string>
#include <vector>

#include "base/json_text.h"
#include "cli/style.h"

namespace pairloom::cli {

// One watched directory: its state, how it is watched, its path; what is wrong and what to do about it.
std::string root_line(const Json& root, const Style& style);
// All of it, line by line; at most `max_lines`, then how many are left out (0 = all).
std::vector<std::string> daemon_lines(const Json& status, const Style& style, size_t max_lines = 0);

}  // namespace pairloom::cli
