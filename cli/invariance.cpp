#include "cli/invariance.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace pairloom::cli {

std::string_view name_of_turn(uint8_t orientation) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "none",        "none",      "flip-horizontal", "rotate-180", "flip-vertical",
      "transpose", "rotate-90", "transverse",      "rotate-270"};
  return kNames[orientation < kNames.size() ? orientation : 0];
}

Result<std::vector<uint8_t>> turns_from_names(std::string_view names) {
  bool flip = false, half = false, quarter = false;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    if (name != "flip" && name != "rot90" && name != "rot180")
      return fail(Errc::kInvalidArgument,
                  fmt::format("'{}' is none of flip, rot90, rot180", escape_for_terminal(name)));
    flip = flip || name == "flip";
    half = half || name == "rot180";
    quarter = quarter || name == "rot90";
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  std::vector<uint8_t> turns;
  if (flip) turns.push_back(2);
  if (half || quarter) turns.push_back(3);
  if (flip && (half || quarter)) turns.push_back(4);
  if (flip && quarter) turns.push_back(5);
  if (quarter) turns.push_back(6);
  if (flip && quarter) turns.push_back(7);
  if (quarter) turns.push_back(8);
  return turns;
}

CLI::Option* add_invariant_option(CLI::App& app, std::vector<uint8_t>& into, const std::string& about) {
  const auto take = [&into](const CLI::results_t& values) {
    auto turns = turns_from_names(unprotect_argument(values.back()));
    if (!turns) throw CLI::ValidationError("--invariant", turns.error().message);
    into = std::move(*turns);
    return true;
  };
  return app.add_option("--invariant", take, about + ". LIST of flip (mirrored), rot180, rot90 (quarter turns)")
      ->type_name("LIST")
      ->take_last()
      ->group("What counts as a duplicate");
}

}  // namespace pairloom::cli
