#include "daemon/file_batch.h"

#include <filesystem>
#include <system_error>

#include "base/path.h"

namespace pairloom::daemon {

std::string resolved_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  const auto resolved = std::filesystem::weakly_canonical(absolute, error);
  return error ? absolute.string() : resolved.string();
}

std::string path_of(const FileBatch& batch, const FoundFile& file) {
  return join_path(batch.directory, file.name);
}

std::string written_path_of(const FileBatch& batch, const FoundFile& file) {
  if (!file.written.empty()) return file.written;
  return batch.written.empty() ? path_of(batch, file) : join_path(batch.written, file.name);
}

}  // namespace pairloom::daemon
