#include "cli/path_text.h"

#include <fmt/format.h>
#include <algorithm>
#include <ctime>
#include <filesystem>

#include "base/text.h"

namespace pairloom::cli {

std::string line_path(std::string_view path) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  if (!path.starts_with('\\') && std::none_of(path.begin(), path.end(), is_control)) return std::string(path);
  std::string out = "\\";
  for (const char c : path) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '\r')
      out += "\\r";
    else if (c == '\t')
      out += "\\t";
    else if (is_control(c))
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      out += c;
  }
  return out;
}

std::string csv_row(std::initializer_list<std::string_view> fields) {
  std::string row;
  bool first = true;
  for (const auto field : fields) {
    if (!first) row += ',';
    first = false;
    if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
      row += field;
      continue;
    }
    row += '"';
    for (const char c : field) row += c == '"' ? std::string("\"\"") : std::string(1, c);
    row += '"';
  }
  return row + "\n";
}

CsvPath csv_path(std::string_view path) {
  if (is_valid_utf8(path)) return {std::string(path), "text"};
  return {to_base64(path), "base64"};
}

bool lies_under(const std::string& path, const std::string& root) {
  if (root == "/" || path == root) return true;
  return path.size() > root.size() && path.starts_with(root) && path[root.size()] == '/';
}

std::string canonical_path(const std::string& path) {
  std::error_code error;
  auto canonical = std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  if (error) canonical = std::filesystem::absolute(path, error).lexically_normal();
  std::string text = canonical.string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

std::string utc_time(int64_t wall_ns) {
  const int64_t fraction = ((wall_ns % 1'000'000'000) + 1'000'000'000) % 1'000'000'000;
  const auto seconds = static_cast<time_t>((wall_ns - fraction) / 1'000'000'000);
  tm parts{};
  if (gmtime_r(&seconds, &parts) == nullptr) return "";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, fraction);
}

}  // namespace pairloom::cli
