// FileReader: the one place where a worker meets a file: opens it, reads it once into a reused buffer, and says why when
// it does not. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/image.h"
#include "base/result.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {

struct FileContents {
  Outcome outcome = Outcome::kUnreadable;  // kIndexed: `bytes` is the whole file, and what was wanted
  std::string message;                     // why not
  StatIdentity identity;                   // fstat; zero if it could not be opened
  std::span<const std::byte> bytes;        // valid until the next read
};

class FileReader {
 public:
  explicit FileReader(uint64_t max_file_bytes) : max_file_bytes_(max_file_bytes) {}

  enum class Wanted { kImages, kAny };
  // `path` is canonical. Where images are wanted, a file that is none is read no further than its beginning: kNotImage.
  // One that changed under the reader is kChanged.
  FileContents read(const std::string& path, TaskContext& context, Wanted wanted = Wanted::kImages);

 private:
  Result<bool> read_wanted(int fd, uint64_t size_bytes, Wanted wanted, TaskContext& context);

  uint64_t max_file_bytes_;
  std::vector<char> buffer_;
};

}  // namespace pairloom::workerproc
