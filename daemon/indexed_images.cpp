#include "daemon/indexed_images.h"

namespace pairloom::daemon {

Result<FileSource::Next> IndexedImages::next(FileBatch& batch) {
  PAIRLOOM_ASSIGN(const auto files, reader_->next_files(at_));
  if (files.empty()) return Next::kEnd;
  batch = {};
  batch.directory = at_.directory_path;
  for (const index::FileRow& file : files)
    if (file.outcome == Outcome::kIndexed)
      batch.files.push_back({.name = file.path.substr(file.path.rfind('/') + 1), .identity = file.identity});
  return Next::kBatch;
}

}  // namespace pairloom::daemon
