// The other way round, for round trips: paths out of each output format. Written from docs/cli.md, sharing no code with
// the writers. Runs in: tests.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace pairloom::test {

inline std::string from_base64(std::string_view text) {
  static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    group = group << 6 | static_cast<unsigned>(digits.find(c));
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes += static_cast<char>(group >> bits & 0xFF);
    }
  }
  return bytes;
}

inline std::string from_json_path(const nlohmann::json& path) {
  return path.contains("text") ? path.at("text").get<std::string>() : from_base64(path.at("bytes").get<std::string>());
}

// One line of the fdupes format, without its newline.
inline std::string from_line(std::string_view line) {
  if (!line.starts_with('\\')) return std::string(line);
  std::string path;
  for (size_t i = 1; i < line.size(); ++i) {
    if (line[i] != '\\') {
      path += line[i];
      continue;
    }
    const char kind = line[++i];
    if (kind == 'n')
      path += '\n';
    else if (kind == 'r')
      path += '\r';
    else if (kind == 't')
      path += '\t';
    else if (kind == 'x')
      path += static_cast<char>(std::stoi(std::string(line.substr(i + 1, 2)), nullptr, 16)), i += 2;
    else
      path += kind;
  }
  return path;
}

// RFC 4180, rows that end with LF.
inline std::vector<std::vector<std::string>> from_csv(std::string_view text) {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> row(1);
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"')
      row.back() += '"', ++i;
    else if (c == '"')
      quoted = !quoted;
    else if (!quoted && c == ',')
      row.emplace_back();
    else if (!quoted && c == '\n')
      rows.push_back(std::move(row)), row.assign(1, "");
    else
      row.back() += c;
  }
  return rows;
}

inline std::string from_csv_path(const std::string& path, const std::string& encoding) {
  return encoding == "base64" ? from_base64(path) : path;
}

// Groups of paths: items separated by `separator`, an empty one ends a group.
inline std::vector<std::vector<std::string>> from_grouped(std::string_view text, char separator) {
  std::vector<std::vector<std::string>> groups(1);
  while (!text.empty()) {
    const size_t end = text.find(separator);
    const auto item = text.substr(0, end);
    if (item.empty())
      groups.emplace_back();
    else
      groups.back().emplace_back(item);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  if (groups.back().empty()) groups.pop_back();
  return groups;
}

// File names that break programs.
inline const std::vector<std::string>& hostile_names() {
  static const std::vector<std::string> names = {"plain.jpg",
                                                 "with space.jpg",
                                                 "-leading-dash.jpg",
                                                 "--",
                                                 "new\nline.jpg",
                                                 "tab\tand\rreturn",
                                                 "back\\slash",
                                                 "back\\nslash\n",
                                                 "quo\"te,comma.jpg",
                                                 "'single'",
                                                 "[brackets]",
                                                 "[a,b]",
                                                 "{}",
                                                 "%s%n",
                                                 "invalid\xff\xfe.jpg",
                                                 "half \xc3",
                                                 "\x1b[31mred\x1b[0m",
                                                 "\x01",
                                                 "\x7f",
                                                 "gr\xc3\xbc\xc3\x9f"
                                                 "e.jpg",
                                                 "\xe2\x80\xae"
                                                 "gpj.exe",
                                                 "\\begins",
                                                 " ",
                                                 "=1+1",
                                                 "trailing "};
  return names;
}

}  // namespace pairloom::test
