#include "cli/index_path.h"

#include <cstdlib>
#include <string_view>

namespace pairloom::cli {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

}  // namespace

Result<std::string> index_path(const std::string& given) {
  if (!given.empty()) return given;
  if (const auto path = environment("PAIRLOOM_INDEX"); !path.empty()) return std::string(path);
  if (const auto data = environment("XDG_DATA_HOME"); data.starts_with('/'))
    return std::string(data) + "/pairloom/index.db";
  if (const auto home = environment("HOME"); !home.empty())
    return std::string(home) + "/.local/share/pairloom/index.db";
  return fail(Errc::kInvalidArgument, "no place for the index: HOME is not set; name a file with --index");
}

}  // namespace pairloom::cli
