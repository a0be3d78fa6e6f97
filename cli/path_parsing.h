// Paths out of what cli/path_text.h made of them. Runs in: cli.
#pragma once

#include <optional>
#include <string>

#include "cli/path_text.h"

namespace pairloom::cli {

// The path that json_path() was given; empty for what it never makes, a plain string among it (unlike
// pairloom::path_from_json, base/json_text.h).
std::optional<std::string> path_from_json(const Json& path);

}  // namespace pairloom::cli
