// Paths out of what cli/path_text.h made of them. Runs in: cli.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/path_text.h"

namespace pairloom::cli {

// The path that json_path() was given; empty for what it never makes.
std::optional<std::string> path_from_json(const Json& path);
// The bytes that to_base64() was given; empty for what is no base64.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace pairloom::cli
