#include "cli/path_parsing.h"

namespace pairloom::cli {

std::optional<std::string> from_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  for (size_t at = 0; at < text.size(); at += 4) {
    uint32_t group = 0;
    size_t padding = 0;
    for (size_t i = 0; i < 4; ++i) {
      const char c = text[at + i];
      const bool may_end = at + 4 == text.size() && i >= 2;
      const size_t digit = kDigits.find(c);
      if (c == '=' && may_end)
        ++padding;
      else if (digit == std::string_view::npos || padding > 0)
        return std::nullopt;
      group = group << 6 | static_cast<uint32_t>(c == '=' ? 0 : digit);
    }
    for (size_t i = 0; i + padding < 3; ++i) bytes += static_cast<char>(group >> (16 - 8 * i) & 0xFF);
  }
  return bytes;
}

std::optional<std::string> path_from_json(const Json& path) {
  if (!path.is_object()) return std::nullopt;
  if (const auto text = path.find("text"); text != path.end() && text->is_string()) return text->get<std::string>();
  if (const auto bytes = path.find("bytes"); bytes != path.end() && bytes->is_string())
    return from_base64(bytes->get<std::string>());
  return std::nullopt;
}

}  // namespace pairloom::cli
