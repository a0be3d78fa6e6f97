// Output: results on their way to standard output. Buffered; remembers the first failed write, so that a full disk is
// an error and a reader that went away (`pairloom dups | head`) is a quiet end. Runs in: cli.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace pairloom::cli {

class Output {
 public:
  explicit Output(int fd);  // not owned
  ~Output();                // writes what is left; finish() tells whether that worked
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Whole records: on a terminal each is shown at once.
  void write(std::string_view record);
  void flush();

  // False once a write failed: whoever produces results may stop.
  bool usable() const { return errno_ == 0; }
  bool reader_gone() const;
  // Writes what is left. An error only if something was lost and there was still a reader.
  Result<> finish();

 private:
  int fd_;
  bool immediate_;
  int errno_ = 0;
  std::string buffer_;
};

}  // namespace pairloom::cli
