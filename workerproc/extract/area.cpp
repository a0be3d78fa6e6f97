#include "workerproc/extract/area.h"

#include <algorithm>
#include <cstddef>

#include "workerproc/decode/clones.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

static_assert(uint64_t{255} * kMaxSidePx <= UINT32_MAX, "row sums fit 32 bits");

PAIRLOOM_CLONES void add_weighted(const uint8_t* __restrict row, uint32_t weight, uint32_t* __restrict sums,
                                  size_t width) {
  for (size_t x = 0; x < width; ++x) sums[x] += row[x] * weight;
}

PAIRLOOM_CLONES uint64_t sum_of(const uint32_t* values, size_t count) {
  uint64_t sum = 0;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

// Where decoded pixel `index` lies on its axis, in units of 1/cells original pixel; a cell is full_px of them long.
struct Extent {
  uint64_t begin, end;
};
Extent extent_of(const Axis& axis, uint32_t index, uint32_t cells) {
  const uint64_t begin = uint64_t{index} * axis.reduction,
                 end = std::min<uint64_t>(begin + axis.reduction, axis.full_px);
  return {begin * cells, end * cells};
}
uint32_t overlap(const Extent& a, const Extent& b) {
  return static_cast<uint32_t>(std::min(a.end, b.end) - std::max(a.begin, b.begin));
}
Extent cell_extent(const Axis& axis, uint32_t cell) {
  return {uint64_t{cell} * axis.full_px, uint64_t{cell + 1} * axis.full_px};
}

}  // namespace

void AreaSummer::add_rows(const View& view, uint32_t cells) {
  const Picture& picture = view.picture;
  const size_t width = picture.width_px;
  row_sums_.assign(cells * width, 0);
  gray_.resize(width);
  for (uint32_t y = 0; y < picture.height_px; ++y) {
    const uint8_t* row = picture.pixels.data() + size_t{y} * picture.stride_bytes;
    if (picture.layout == PixelLayout::kBgr) {
      convert_line(Samples::kBgr, row, PixelLayout::kGray, gray_.data(), width);
      row = gray_.data();
    }
    const Extent extent = extent_of(view.rows, y, cells);
    for (auto cell = static_cast<uint32_t>(extent.begin / view.rows.full_px); cell < cells; ++cell) {
      const Extent of_cell = cell_extent(view.rows, cell);
      if (of_cell.begin >= extent.end) break;
      add_weighted(row, overlap(extent, of_cell), &row_sums_[cell * width], width);
    }
  }
}

void AreaSummer::add_columns(const View& view, uint32_t row_cells, uint32_t column_cells) {
  const Axis& axis = view.columns;
  const uint32_t whole = axis.reduction * column_cells;  // weight of a pixel that lies inside one cell
  sums_.assign(size_t{row_cells} * column_cells, 0);
  for (uint32_t cell = 0; cell < column_cells; ++cell) {
    const Extent of_cell = cell_extent(axis, cell);
    const auto first = static_cast<uint32_t>(of_cell.begin / whole);
    const auto last = static_cast<uint32_t>((of_cell.end - 1) / whole);  // inclusive; may be the short last pixel
    const uint32_t first_weight = overlap(extent_of(axis, first, column_cells), of_cell);
    const uint32_t last_weight = overlap(extent_of(axis, last, column_cells), of_cell);
    for (uint32_t row = 0; row < row_cells; ++row) {
      const uint32_t* values = &row_sums_[size_t{row} * axis.decoded_px];
      uint64_t sum = uint64_t{values[first]} * first_weight;
      if (last > first)
        sum += uint64_t{values[last]} * last_weight + sum_of(values + first + 1, last - first - 1) * whole;
      sums_[size_t{row} * column_cells + cell] = sum;
    }
  }
}

std::span<const uint64_t> AreaSummer::sum(const View& view, uint32_t grid_rows, uint32_t grid_columns) {
  const uint32_t row_cells = view.transposed ? grid_columns : grid_rows;
  const uint32_t column_cells = view.transposed ? grid_rows : grid_columns;
  add_rows(view, row_cells);
  add_columns(view, row_cells, column_cells);
  if (!view.transposed && !view.rows.mirrored && !view.columns.mirrored) return sums_;

  // Equal cells mirror onto equal cells, so the grid is turned instead of the picture.
  turned_.resize(sums_.size());
  for (uint32_t y = 0; y < grid_rows; ++y)
    for (uint32_t x = 0; x < grid_columns; ++x) {
      uint32_t row = view.transposed ? x : y, column = view.transposed ? y : x;
      if (view.rows.mirrored) row = row_cells - 1 - row;
      if (view.columns.mirrored) column = column_cells - 1 - column;
      turned_[size_t{y} * grid_columns + x] = sums_[size_t{row} * column_cells + column];
    }
  return turned_;
}

}  // namespace pairloom::workerproc
