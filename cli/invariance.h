// The eight orientations of a picture, and which of them count as the same picture: --invariant. Runs in: cli.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/options.h"

namespace pairloom::cli {

// Orientations are numbered as EXIF numbers them, 1 to 8; names are those of jpegtran's transformations, 1 is "none".
std::string_view name_of_turn(uint8_t orientation);

// "flip,rot90" -> the orientations besides 1 that follow from them, ascending: turns and flips may be combined, so
// flip is {2}, rot180 {3}, rot90 {3, 6, 8}, flip with rot180 {2, 3, 4}, flip with rot90 all seven.
Result<std::vector<uint8_t>> turns_from_names(std::string_view names);

// --invariant LIST, in the group "What counts as a duplicate".
CLI::Option* add_invariant_option(CLI::App& app, std::vector<uint8_t>& into, const std::string& about);

}  // namespace pairloom::cli
