// OutputFile: a file that appears under its name when it is complete, or not at all. Runs in: supervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::daemon {

class OutputFile {
 public:
  // Makes a temporary file beside `path`. kRefused when there is something at `path` and `overwrite` is not set, or
  // something that is no regular file.
  static Result<OutputFile> create(const std::string& path, bool overwrite);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();  // without commit(): takes the temporary file away

  Result<> write(std::span<const std::byte> bytes);
  uint64_t bytes_written() const { return bytes_; }
  // Gives the file its name. Without `overwrite` never over another file, whenever that came: kRefused.
  Result<> commit();

 private:
  OutputFile(std::string path, std::string temporary, Fd fd, bool overwrite);

  std::string path_, temporary_;  // temporary_ is empty when there is none (any more)
  Fd fd_;
  bool overwrite_;
  uint64_t bytes_ = 0;
};

}  // namespace pairloom::daemon
