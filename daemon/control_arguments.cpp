#include "daemon/control_arguments.h"

#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"

namespace pairloom::daemon {
namespace {

// What no kernel opens, and no glob needs.
constexpr size_t kMaxPathBytes = 4096;

template <class T>
bool parse(const std::string& text, T& number) {
  T parsed{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return false;
  number = parsed;
  return true;
}

std::string checked(const std::string& path, bool absolute) {
  if (path.empty()) return "is empty, or no text";
  if (path.size() > kMaxPathBytes) return "is too long";
  if (path.find('\0') != std::string::npos) return "has a NUL byte in it";
  if (absolute && path.front() != '/') return "is not absolute";
  return {};
}

}  // namespace

const Json* ControlArguments::find(const char* key) {
  taken_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void ControlArguments::complain(const std::string& about) {
  if (complaint_.empty()) complaint_ = about;
}

void ControlArguments::text(const char* key, std::string& into) {
  const Json* value = find(key);
  if (value == nullptr) return;
  if (!value->is_string()) return complain(fmt::format("'{}' must be a string", key));
  into = value->get<std::string>();
}

void ControlArguments::path(const char* key, std::string& into) {
  const Json* value = find(key);
  if (value == nullptr) return;
  std::string path = path_from_json(*value);
  if (const std::string wrong = checked(path, true); !wrong.empty())
    return complain(fmt::format("the path in '{}' {}", key, wrong));
  into = std::move(path);
}

void ControlArguments::list(const char* key, std::vector<std::string>& into, bool absolute) {
  const Json* value = find(key);
  if (value == nullptr) return;
  std::vector<std::string> all;
  const auto add = [&](const Json& item) {
    all.push_back(path_from_json(item));
    if (const std::string wrong = checked(all.back(), absolute); !wrong.empty())
      complain(fmt::format("'{}' in '{}' {}", escape_for_terminal(all.back().substr(0, 200)), key, wrong));
  };
  if (!value->is_array())
    add(*value);
  else
    for (const Json& item : *value) add(item);
  into = std::move(all);
}

void ControlArguments::paths(const char* key, std::vector<std::string>& into) {
  list(key, into, true);
}

void ControlArguments::names(const char* key, std::vector<std::string>& into) {
  list(key, into, false);
}

void ControlArguments::flag(const char* key, bool& into) {
  const Json* value = find(key);
  if (value == nullptr) return;
  if (value->is_boolean()) {
    into = value->get<bool>();
    return;
  }
  const std::string word = value->is_string() ? value->get<std::string>() : "";
  if (word != "true" && word != "false" && word != "1" && word != "0")
    return complain(fmt::format("'{}' must be true or false", key));
  into = word == "true" || word == "1";
}

void ControlArguments::whole(const char* key, uint64_t& into, uint64_t min, uint64_t max) {
  const Json* value = find(key);
  if (value == nullptr) return;
  uint64_t number = 0;
  const bool is_number = value->is_string() ? parse(value->get<std::string>(), number) : take_field(object_, key, number);
  if (!is_number || number < min || number > max)
    return complain(fmt::format("'{}' must be a whole number from {} to {}", key, min, max));
  into = number;
}

void ControlArguments::number(const char* key, double& into, double min, double max) {
  const Json* value = find(key);
  if (value == nullptr) return;
  double number = 0;
  const bool is_number = value->is_string() ? parse(value->get<std::string>(), number) : take_field(object_, key, number);
  if (!is_number || !std::isfinite(number) || number < min || number > max)
    return complain(fmt::format("'{}' must be a number from {} to {}", key, min, max));
  into = number;
}

Result<> ControlArguments::finish() const {
  if (!complaint_.empty()) return fail(Errc::kInvalidArgument, complaint_);
  for (const auto& [key, value] : object_.items())
    if (!taken_.contains(key))
      return fail(Errc::kInvalidArgument,
                  fmt::format("unknown argument '{}'", escape_for_terminal(key.substr(0, 100))));
  return {};
}

}  // namespace pairloom::daemon
