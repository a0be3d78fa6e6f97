#include "workerproc/extract/dhash.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace pairloom::workerproc {
namespace {

constexpr uint32_t kRows = 8, kColumns = 9;
constexpr float kOne = 2048;  // a weight of 1: INTER_RESIZE_COEF_SCALE in OpenCV's imgproc/src/resize.cpp

// Bit 8 * row + column of cells that lie row by row.
template <class Cells>
Code rising_cells(const Cells& cells) {
  Code code;
  for (size_t i = 0; i < 64; ++i) {
    const size_t left = i / 8 * kColumns + i % 8;
    code.words[0] |= uint64_t{cells[left + 1] > cells[left]} << i;
  }
  return code;
}

// RGB2Gray<uchar> in OpenCV's imgproc/src/color_rgb.simd.hpp.
int32_t gray_of(const uint8_t* bgr) {
  return (bgr[0] * 3735 + bgr[1] * 19235 + bgr[2] * 9798 + (1 << 14)) >> 15;
}

// Between which two pixels of its axis a cell lies, and what each of them counts.
struct Tap {
  uint32_t first = 0, second = 0;
  int32_t first_weight = 0, second_weight = 0;
};

// As cv::resize places them. `held`: at the ends of a row all the weight is on the last pixel. From row to row it is
// divided between two that are the same, which rounds differently.
Tap tap_of(uint32_t cell, uint32_t cells, uint32_t length_px, bool held) {
  const double scale = 1. / (static_cast<double>(cells) / length_px);
  auto part = static_cast<float>((cell + 0.5) * scale - 0.5);
  auto at = static_cast<int64_t>(std::floor(part));
  part -= static_cast<float>(at);
  const int64_t last = int64_t{length_px} - 1;
  if (held && (at < 0 || at >= last)) {
    at = std::clamp<int64_t>(at, 0, last);
    part = 0;
  }
  const auto inside = [&](int64_t position) { return static_cast<uint32_t>(std::clamp<int64_t>(position, 0, last)); };
  return {inside(at), inside(at + 1), static_cast<int32_t>(std::lrint((1 - part) * kOne)),
          static_cast<int32_t>(std::lrint(part * kOne))};
}

// Where along a stored axis a shown position lies.
size_t stored_at(const Axis& axis, uint32_t shown, size_t step_bytes) {
  return (axis.mirrored ? axis.decoded_px - 1 - shown : shown) * step_bytes;
}

}  // namespace

Code dhash(const View& view, AreaSummer& summer) {
  return rising_cells(summer.sum(view, kRows, kColumns));  // equal areas: sums compare as means do
}

// HResizeLinear and VResizeLinear of 8-bit pixels, same file: the means of a row's pixels, then of two rows, each with
// its own cut.
Code tutorial_dhash(const View& view) {
  const Picture& picture = view.picture;
  const Axis& down = view.transposed ? view.columns : view.rows;
  const Axis& across = view.transposed ? view.rows : view.columns;
  const size_t down_bytes = view.transposed ? 3 : picture.stride_bytes;
  const size_t across_bytes = view.transposed ? picture.stride_bytes : 3;
  std::array<Tap, kColumns> columns;
  for (uint32_t x = 0; x < kColumns; ++x) columns[x] = tap_of(x, kColumns, across.decoded_px, true);

  const auto row_mean = [&](uint32_t y, const Tap& x) {
    const uint8_t* row = picture.pixels.data() + stored_at(down, y, down_bytes);
    return gray_of(row + stored_at(across, x.first, across_bytes)) * x.first_weight +
           gray_of(row + stored_at(across, x.second, across_bytes)) * x.second_weight;
  };
  std::array<int32_t, size_t{kRows} * kColumns> cells;
  for (uint32_t y = 0; y < kRows; ++y) {
    const Tap rows = tap_of(y, kRows, down.decoded_px, false);
    for (uint32_t x = 0; x < kColumns; ++x) {
      const int32_t upper = (rows.first_weight * (row_mean(rows.first, columns[x]) >> 4)) >> 16;
      const int32_t lower = (rows.second_weight * (row_mean(rows.second, columns[x]) >> 4)) >> 16;
      cells[y * kColumns + x] = (upper + lower + 2) >> 2;
    }
  }
  return rising_cells(cells);
}

}  // namespace pairloom::workerproc
