// A picture on standard input, or out of a file, as bytes or as a file that workers can be given. Runs in: cli.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace pairloom::cli {

constexpr std::string_view kStandardInput = "-";

// At most 128 MiB, what a daemon takes. kTooLarge; kIo; kCorrupt: the file cannot be read.
Result<std::string> read_standard_input();
Result<std::string> read_picture(const std::string& path);

// Standard input in a file of its own, in a directory of its own ($TMPDIR, or /tmp), removed with this object.
class InputFile {
 public:
  static Result<InputFile> from_standard_input();
  InputFile(InputFile&& other) noexcept : directory_(std::exchange(other.directory_, {})) {}
  InputFile& operator=(InputFile&& other) noexcept {
    std::swap(directory_, other.directory_);
    return *this;
  }
  ~InputFile();
  std::string path() const { return directory_ + "/picture"; }
  // The error with "standard input" instead of this file's name.
  Error unnamed(Error error) const;

 private:
  explicit InputFile(std::string directory) : directory_(std::move(directory)) {}
  std::string directory_;
};

}  // namespace pairloom::cli
