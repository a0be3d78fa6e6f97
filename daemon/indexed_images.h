// IndexedImages: the images of an index as a source of files, a page of them at a time. Nothing is looked up on the
// disk: files that have changed or gone since are found out by the worker. Runs in: supervisor.
#pragma once

#include "daemon/file_batch.h"
#include "index/index_reader.h"

namespace pairloom::daemon {

class IndexedImages final : public FileSource {
 public:
  // Borrows the reader.
  explicit IndexedImages(index::IndexReader& reader) : reader_(&reader) {}
  // By directory and name.
  Result<Next> next(FileBatch& batch) override;

 private:
  index::IndexReader* reader_;
  index::FileCursor at_;
};

}  // namespace pairloom::daemon
