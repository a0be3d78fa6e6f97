// NpyRows: the rows of an array of bytes that NpyFile wrote (cli/npy_file.h), or numpy.save: "|u1", two dimensions, C
// order. Runs in: cli.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::cli {

class NpyRows {
 public:
  // Empty: there is no such file. kInvalidArgument: it is no such array with `columns` columns.
  static Result<std::optional<NpyRows>> open(const std::string& path, uint64_t columns);
  // kInvalidArgument when there are no more.
  Result<> next(std::span<std::byte> row);

 private:
  NpyRows(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  Fd fd_;
  std::vector<std::byte> buffer_;
  size_t at_ = 0;
};

}  // namespace pairloom::cli
