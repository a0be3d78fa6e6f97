#include "base/json_text.h"

#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"

namespace pairloom {
namespace {

constexpr int kMaxDepth = 16;

}  // namespace

Json json_path(std::string_view path) {
  if (is_valid_utf8(path)) return {{"text", std::string(path)}};
  return {{"bytes", to_base64(path)}};
}

std::string path_from_json(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_object()) return {};
  std::string text;
  if (take_field(value, "text", text)) return text;
  if (!take_field(value, "bytes", text)) return {};
  return from_base64(text).value_or(std::string());
}

std::optional<std::string> from_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string out;
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos) return std::nullopt;
    group = group << 6 | static_cast<uint32_t>(digit);
    if (i % 4 != 0) out += static_cast<char>(group >> (6 - i % 4 * 2) & 255);
  }
  return out;
}

std::string json_line(const Json& record) {
  return record.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Json> parse_object(std::string_view text) {
  bool too_deep = false;
  const auto watch_depth = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  Json parsed = Json::parse(text.begin(), text.end(), watch_depth, false);
  if (too_deep) return fail(Errc::kInvalidArgument, fmt::format("JSON that is nested deeper than {}", kMaxDepth));
  if (parsed.is_discarded()) return fail(Errc::kInvalidArgument, "that is not JSON");
  if (!parsed.is_object()) return fail(Errc::kInvalidArgument, "a JSON object is wanted, {..}");
  return parsed;
}

Json json_time(int64_t wall_ns) {
  if (wall_ns == 0) return nullptr;
  const auto seconds = static_cast<std::time_t>(wall_ns / 1'000'000'000);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(seconds));
}

const Json& json_member(const Json& object, const char* key) {
  static const Json nothing = Json::object();
  const auto found = object.find(key);
  return found == object.end() || !found->is_object() ? nothing : *found;
}

std::vector<Json> json_objects(const Json& object, const char* key) {
  std::vector<Json> objects;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return objects;
  for (const Json& item : *found)
    if (item.is_object()) objects.push_back(item);
  return objects;
}

}  // namespace pairloom
