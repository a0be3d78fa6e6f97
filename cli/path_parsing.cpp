#include "cli/path_parsing.h"

namespace pairloom::cli {

std::optional<std::string> path_from_json(const Json& path) {
  if (!path.is_object()) return std::nullopt;
  if (const auto text = path.find("text"); text != path.end() && text->is_string()) return text->get<std::string>();
  if (const auto bytes = path.find("bytes"); bytes != path.end() && bytes->is_string())
    return from_base64(bytes->get<std::string>());
  return std::nullopt;
}

}  // namespace pairloom::cli
