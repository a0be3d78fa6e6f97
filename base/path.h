// Paths as bytes. Runs in: any process.
#pragma once

#include <string>
#include <string_view>

namespace pairloom {

// The path of what has this name in a directory.
inline std::string join_path(std::string_view directory, std::string_view name) {
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path = directory;
  if (!directory.ends_with('/')) path += '/';
  return path.append(name);
}

}  // namespace pairloom
