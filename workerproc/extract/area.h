// Exact means over a grid of equal cells: integer sums, so that flat regions give exact ties instead of rounding noise,
// in the coordinates of the original, so that a reduced decode blurs pixels but moves nothing. Runs in: worker only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

class AreaSummer {
 public:
  // Cuts the shown picture into grid_rows x grid_columns equal cells, whose borders fall where they fall, also within
  // pixels. Returns the brightness summed over each cell, row-major, in units of 1 / (grid_rows * grid_columns) pixel,
  // so that sum / (full width * full height) is the cell's mean. BGR pictures count with their gray (convert_line). The
  // result is valid until the next call.
  std::span<const uint64_t> sum(const View& view, uint32_t grid_rows, uint32_t grid_columns);

 private:
  void add_rows(const View& view, uint32_t cells);
  void add_columns(const View& view, uint32_t row_cells, uint32_t column_cells);

  std::vector<uint8_t> gray_;       // one row, for BGR pictures
  std::vector<uint32_t> row_sums_;  // cells of the row axis x decoded width; a cell's sum is at most 255 * kMaxSidePx
  std::vector<uint64_t> sums_, turned_;
};

}  // namespace pairloom::workerproc
