#include "workerproc/features/parameters.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <algorithm>
#include <charconv>

namespace pairloom::workerproc {

Result<Parameters> Parameters::parse(std::string_view spec) {
  Parameters parameters;
  const size_t colon = std::min(spec.find(':'), spec.size());
  parameters.name_ = spec.substr(0, colon);
  if (parameters.name_.empty()) return fail(Errc::kInvalidArgument, fmt::format("no feature's name in '{}'", spec));
  for (size_t at = colon; at < spec.size();) {
    const size_t end = std::min(spec.find(':', at + 1), spec.size());
    const std::string_view part = spec.substr(at + 1, end - at - 1);
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return fail(Errc::kInvalidArgument, fmt::format("'{}' of '{}' is not key=number", part, spec));
    std::string key(part.substr(0, equals));
    if (std::ranges::any_of(parameters.given_, [&](const auto& given) { return given.first == key; }))
      return fail(Errc::kInvalidArgument, fmt::format("'{}' has '{}' twice", spec, key));
    parameters.given_.emplace_back(std::move(key), part.substr(equals + 1));
    at = end;
  }
  return parameters;
}

Result<uint32_t> Parameters::take(std::string_view key, uint32_t otherwise, uint32_t least, uint32_t most) {
  known_.emplace_back(key);
  const auto given = std::ranges::find(given_, key, &std::pair<std::string, std::string>::first);
  if (given == given_.end()) return otherwise;
  const std::string text = std::move(given->second);
  given_.erase(given);
  uint32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < least || value > most)
    return fail(Errc::kInvalidArgument,
                fmt::format("{} of {} is a whole number from {} to {}, not '{}'", key, name_, least, most, text));
  return value;
}

Result<> Parameters::all_taken() const {
  if (given_.empty()) return {};
  return fail(
      Errc::kInvalidArgument,
      fmt::format("{} has no '{}'; {}", name_, given_.front().first,
                  known_.empty() ? "it takes no parameters" : fmt::format("it takes {}", fmt::join(known_, ", "))));
}

}  // namespace pairloom::workerproc
