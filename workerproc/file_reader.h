// FileReader: the one place where a worker meets a file: takes it from the opener, reads it once into a reused buffer,
// and says why when it cannot. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/image.h"
#include "base/result.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {

struct FileContents {
  Outcome outcome = Outcome::kUnreadable;  // kIndexed: `bytes` is the whole file, and what was wanted
  std::string message;                     // why not
  StatIdentity identity;                   // when it was opened; zero if it could not be
  bool absent = false;                     // it was not there any more
  std::span<const std::byte> bytes;        // valid until the next read
};

class FileReader {
 public:
  explicit FileReader(uint64_t max_file_bytes) : max_file_bytes_(max_file_bytes) {}

  enum class Wanted { kImages, kAny };
  // The file of the task in hand. Where images are wanted, a file that is none is read no further than its beginning:
  // kNotImage. One that changed under the reader is kChanged. An error ends the worker; what is wrong with a file is no
  // error.
  Result<FileContents> read(TaskContext& context, Wanted wanted = Wanted::kImages);

 private:
  Result<> fill(int fd, size_t wanted);
  Result<bool> read_wanted(int fd, uint64_t size_bytes, Wanted wanted, TaskContext& context);

  uint64_t max_file_bytes_;
  std::unique_ptr<std::byte[]> buffer_;
  size_t buffer_bytes_ = 0;  // as the largest file so far needed
  size_t filled_ = 0;        // by the file in hand
};

}  // namespace pairloom::workerproc
