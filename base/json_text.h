// JSON as all of pairloom writes and reads it: one record a line, file names exact to the byte. Runs in: any process.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pairloom {

using Json = nlohmann::ordered_json;

// {"text": ..} if the bytes are valid UTF-8, else {"bytes": base64}: ripgrep's form.
Json json_path(std::string_view path);
// The other way; a plain string counts as {"text"}. Empty when it is neither.
std::string path_from_json(const Json& value);
// What to_base64 (base/text.h) made of it; empty when it is not such a text.
std::optional<std::string> from_base64(std::string_view text);
// One record on one line. Never throws: invalid UTF-8 in messages becomes U+FFFD (paths go through json_path).
std::string json_line(const Json& record);
// An object, or kInvalidArgument: not JSON, something else than an object, or nested deeper than 16.
Result<Json> parse_object(std::string_view text);

// "2024-05-01T12:00:00Z"; null when 0.
Json json_time(int64_t wall_ns);

// Takes `object[key]` if it is there and of that kind; numbers must fit and not be negative where T is unsigned. False
// and unchanged otherwise.
template <class T>
bool take_field(const Json& object, const char* key, T& into) {
  const auto found = object.find(key);
  if (found == object.end()) return false;
  if constexpr (std::is_same_v<T, bool>) {
    if (!found->is_boolean()) return false;
  } else if constexpr (std::is_floating_point_v<T>) {
    if (!found->is_number()) return false;
  } else if constexpr (std::is_integral_v<T>) {
    if (!found->is_number_integer()) return false;
    const bool fits = found->is_number_unsigned() ? std::in_range<T>(found->template get<uint64_t>())
                                                  : std::in_range<T>(found->template get<int64_t>());
    if (!fits) return false;
  } else if (!found->is_string()) {
    return false;
  }
  into = found->template get<T>();
  return true;
}

// Of documents that may be of another version: object[key] if it is an object, else an empty one; the objects in the array
// object[key], if it is one.
const Json& json_member(const Json& object, const char* key);
std::vector<Json> json_objects(const Json& object, const char* key);

}  // namespace pairloom
