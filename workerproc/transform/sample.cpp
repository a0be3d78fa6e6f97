#include "workerproc/transform/sample.h"

#include <algorithm>
#include <cstring>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

constexpr int32_t kNowhere = INT32_MIN;

// How pixels of a kind are read, summed and written. The sums are of numbers that may be weighted and added.
struct GrayPixel {
  static constexpr size_t kBytes = 1;
  using Sum = float;
  static Sum load(const uint8_t* at) { return static_cast<float>(*at); }
  static void store(Sum sum, uint8_t* out) { *out = to_byte(sum); }
  static void put(const std::array<uint8_t, 4>& fill, uint8_t* out) { *out = fill[0]; }
};
struct OpaquePixel {
  static constexpr size_t kBytes = 4;
  using Sum = Float4;
  static Sum load(const uint8_t* at) { return load_pixel(at); }
  static void store(Sum sum, uint8_t* out) { store_pixel(sum, out); }
  static void put(const std::array<uint8_t, 4>& fill, uint8_t* out) { std::memcpy(out, fill.data(), 4); }
};
struct AlphaPixel : OpaquePixel {
  static Sum load(const uint8_t* at) { return premultiplied(load_pixel(at)); }
  static void store(Sum sum, uint8_t* out) { store_premultiplied(sum, out); }
};

// Keys' cubic kernel with a = -1/2 at distances 1 + t, t, 1 - t, 2 - t.
// R. Keys, "Cubic convolution interpolation for digital image processing", IEEE Trans. ASSP 29 (1981).
std::array<float, 4> cubic_weights(float t) {
  const float t2 = t * t, t3 = t2 * t;
  return {-0.5f * t3 + t2 - 0.5f * t, 1.5f * t3 - 2.5f * t2 + 1, -1.5f * t3 + 2 * t2 + 0.5f * t, 0.5f * t3 - 0.5f * t2};
}

}  // namespace

Sampler::Sampler(const PictureView& source, jobs::Interpolation interpolation, bool wraps,
                 std::array<uint8_t, 4> fill)
    : source_(source), interpolation_(interpolation), wraps_(wraps), fill_(fill) {}

// Positions are at least -1/2 here, so that cutting off after adding 1 is rounding down.
PAIRLOOM_CLONES void Sampler::locate(std::span<const double> x, std::span<const double> y) {
  const size_t count = x.size();
  cells_.resize(count);
  const double shift = interpolation_ == jobs::Interpolation::kNearest ? 0.5 : 0;
  const double right = static_cast<double>(source_.width) - 0.5, bottom = static_cast<double>(source_.height) - 0.5;
  Cell* cells = cells_.data();
  for (size_t i = 0; i < count; ++i) {
    const bool inside = x[i] >= -0.5 && x[i] < right && y[i] >= -0.5 && y[i] < bottom;
    const double px = inside ? x[i] + shift + 1 : 0, py = inside ? y[i] + shift + 1 : 0;
    const auto column = static_cast<int32_t>(px), row = static_cast<int32_t>(py);
    cells[i] = {inside ? column - 1 : kNowhere, row - 1, static_cast<float>(px - column), static_cast<float>(py - row)};
  }
}

size_t Sampler::column(int32_t x) const {
  const auto width = static_cast<int32_t>(source_.width);
  if (x >= 0 && x < width) return static_cast<size_t>(x);
  if (wraps_) {
    const int32_t rest = x % width;
    return static_cast<size_t>(rest < 0 ? rest + width : rest);
  }
  return static_cast<size_t>(std::clamp(x, 0, width - 1));
}

size_t Sampler::row(int32_t y) const {
  return static_cast<size_t>(std::clamp(y, 0, static_cast<int32_t>(source_.height) - 1));
}

template <class Pixel>
void Sampler::sample_nearest(uint8_t* out) const {
  for (const Cell& cell : cells_) {
    if (cell.column == kNowhere)
      Pixel::put(fill_, out);
    else
      std::memcpy(out, source_.row(row(cell.row)) + column(cell.column) * Pixel::kBytes, Pixel::kBytes);
    out += Pixel::kBytes;
  }
}

template <class Pixel>
void Sampler::sample_bilinear(uint8_t* out) const {
  const auto last_column = static_cast<uint32_t>(source_.width - 1), last_row = static_cast<uint32_t>(source_.height - 1);
  const size_t row_bytes = source_.width * Pixel::kBytes;
  for (const Cell& cell : cells_) {
    if (cell.column == kNowhere) {
      Pixel::put(fill_, out);
    } else {
      const uint8_t *a, *b, *c, *d;  // upper left, upper right, lower left, lower right
      if (static_cast<uint32_t>(cell.column) < last_column && static_cast<uint32_t>(cell.row) < last_row) {
        a = source_.pixels + static_cast<size_t>(cell.row) * row_bytes + static_cast<size_t>(cell.column) * Pixel::kBytes;
        b = a + Pixel::kBytes;
        c = a + row_bytes;
        d = b + row_bytes;
      } else {
        const size_t left = column(cell.column) * Pixel::kBytes, right = column(cell.column + 1) * Pixel::kBytes;
        const uint8_t *upper = source_.row(row(cell.row)), *lower = source_.row(row(cell.row + 1));
        a = upper + left;
        b = upper + right;
        c = lower + left;
        d = lower + right;
      }
      const auto top = Pixel::load(a) * (1 - cell.fx) + Pixel::load(b) * cell.fx;
      const auto bottom = Pixel::load(c) * (1 - cell.fx) + Pixel::load(d) * cell.fx;
      Pixel::store(top * (1 - cell.fy) + bottom * cell.fy, out);
    }
    out += Pixel::kBytes;
  }
}

template <class Pixel>
void Sampler::sample_bicubic(uint8_t* out) const {
  for (const Cell& cell : cells_) {
    if (cell.column == kNowhere) {
      Pixel::put(fill_, out);
    } else {
      const auto across = cubic_weights(cell.fx), down = cubic_weights(cell.fy);
      typename Pixel::Sum sum{};
      for (int32_t j = 0; j < 4; ++j) {
        const uint8_t* line = source_.row(row(cell.row - 1 + j));
        typename Pixel::Sum line_sum{};
        for (int32_t i = 0; i < 4; ++i)
          line_sum += Pixel::load(line + column(cell.column - 1 + i) * Pixel::kBytes) * across[static_cast<size_t>(i)];
        sum += line_sum * down[static_cast<size_t>(j)];
      }
      Pixel::store(sum, out);
    }
    out += Pixel::kBytes;
  }
}

void Sampler::sample(std::span<const double> x, std::span<const double> y, uint8_t* out) {
  locate(x, y);
  const auto with = [&]<class Pixel>(Pixel) {
    switch (interpolation_) {
      case jobs::Interpolation::kNearest:
        return sample_nearest<Pixel>(out);
      case jobs::Interpolation::kBicubic:
        return sample_bicubic<Pixel>(out);
      default:
        return sample_bilinear<Pixel>(out);
    }
  };
  if (!source_.colour)
    with(GrayPixel{});
  else if (source_.has_alpha)
    with(AlphaPixel{});
  else
    with(OpaquePixel{});
}

}  // namespace pairloom::workerproc
