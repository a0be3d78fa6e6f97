// NpyFile: an array for numpy.load, written row by row: its length stands in the header, which is written again at the
// end. Format 1.0: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Runs in: cli.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::cli {

class NpyFile {
 public:
  // Makes the file, or empties it. `type` as numpy spells it: "<f8", "|u1". Without `columns` the array has one
  // dimension. Until finish() the header says that there are no rows.
  static Result<NpyFile> create(const std::string& path, std::string type, std::optional<uint64_t> columns);

  // Whole rows.
  Result<> append(std::span<const std::byte> values, uint64_t rows);
  Result<> finish();

 private:
  NpyFile(std::string path, Fd fd, std::string type, std::optional<uint64_t> columns)
      : path_(std::move(path)), fd_(std::move(fd)), type_(std::move(type)), columns_(columns) {}
  std::string header() const;
  Result<> flush();

  std::string path_;
  Fd fd_;
  std::string type_;
  std::optional<uint64_t> columns_;
  uint64_t rows_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace pairloom::cli
