// "Did you mean": the nearest of the words that would have been right. Runs in: any process.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pairloom {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

// The nearest candidate, or empty if none is near: at most a third of its letters differ, or it begins with `word`.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace pairloom
