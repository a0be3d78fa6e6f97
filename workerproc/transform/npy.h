// NumPy's .npy files (numpy.lib.format, versions 1 to 3) of numbers in two dimensions. Hostile input is the normal case:
// the header is parsed by hand, nothing in it is evaluated. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace pairloom::workerproc {

struct NpyGrid {
  uint32_t rows = 0, columns = 0;
  uint32_t number_bytes = 4;        // 4 or 8: IEEE floats, little-endian
  std::span<const std::byte> data;  // row by row; into the file's bytes

  // A number as float; `i` below rows * columns.
  float at(size_t i) const;
};

// Errors: kCorrupt, kUnsupported (other types, Fortran order, other dimensions), kTooLarge.
Result<NpyGrid> parse_npy(std::span<const std::byte> file, uint64_t max_numbers);

}  // namespace pairloom::workerproc
