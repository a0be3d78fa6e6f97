#include "base/quantity.h"

#include <charconv>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "base/text.h"

namespace pairloom {
namespace {

// A number that is not negative, and the unit behind it in small letters. False: there is none.
bool split(std::string_view text, double& value, std::string& unit) {
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !(value >= 0)) return false;
  unit.assign(stopped, static_cast<size_t>(text.data() + text.size() - stopped));
  for (char& c : unit) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return true;
}

}  // namespace

Result<uint64_t> parse_size(std::string_view text) {
  const auto bad = [&] {
    return fail(Errc::kInvalidArgument,
                fmt::format("'{}' is not a size; write 500000, 64M, 1.5G or 2Gi", escape_for_terminal(text)));
  };
  double value = 0;
  std::string unit;
  if (!split(text, value, unit)) return bad();
  if (unit.ends_with('b')) unit.pop_back();
  const bool binary = unit.size() == 2 && unit[1] == 'i';
  if (unit.size() > 1 && !binary) return bad();
  if (!unit.empty()) {
    const size_t power = std::string_view("kmgt").find(unit[0]);
    if (power == std::string_view::npos) return bad();
    value *= std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
  }
  if (!(value < 0x1p63)) return bad();
  return static_cast<uint64_t>(value);
}

Result<double> parse_seconds(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  static constexpr Unit kUnits[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}};
  double value = 0;
  std::string unit;
  if (split(text, value, unit)) {
    for (const Unit& known : kUnits)
      if (unit == known.name && value * known.seconds < 1e9) return value * known.seconds;
  }
  return fail(Errc::kInvalidArgument,
              fmt::format("'{}' is not a time; write 500ms, 2s, 5min, 1.5h or 1d", escape_for_terminal(text)));
}

}  // namespace pairloom
