#include "daemon/file_batch.h"

#include <filesystem>
#include <system_error>

namespace pairloom::daemon {
namespace {

std::string join(const std::string& directory, const std::string& name) {
  std::string path;
  path.reserve(directory.size() + 1 + name.size());
  path = directory;
  if (!directory.ends_with('/')) path += '/';
  return path += name;
}

}  // namespace

std::string resolved_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  const auto resolved = std::filesystem::weakly_canonical(absolute, error);
  return error ? absolute.string() : resolved.string();
}

std::string path_of(const FileBatch& batch, const FoundFile& file) {
  return join(batch.directory, file.name);
}

std::string written_path_of(const FileBatch& batch, const FoundFile& file) {
  if (!file.written.empty()) return file.written;
  return batch.written.empty() ? path_of(batch, file) : join(batch.written, file.name);
}

}  // namespace pairloom::daemon
