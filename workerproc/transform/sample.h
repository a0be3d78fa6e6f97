// Sampler: the value of the source between its pixels. Runs in: worker only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "jobs/transform_job.h"
#include "workerproc/transform/picture_view.h"

namespace pairloom::workerproc {

// Positions are in pixels of the source, (0, 0) the centre of its first pixel. The picture reaches half a pixel beyond
// its outermost centres; there the outermost pixels go on. What lies farther out, or is no number, is `fill`.
class Sampler {
 public:
  // kNearest, kBilinear, or kBicubic (Keys 1981, a = -1/2: exact for parabolas). `wraps`: the left and right edges are
  // the same meridian, and interpolation goes across it.
  Sampler(const PictureView& source, jobs::Interpolation interpolation, bool wraps, std::array<uint8_t, 4> fill);

  // One row of pixels, 1 byte each (gray sources) or 4 (R, G, B, A). `x` and `y` of equal length.
  void sample(std::span<const double> x, std::span<const double> y, uint8_t* out);

 private:
  // Whole and fractional part of one pixel's position.
  struct Cell {
    int32_t column, row;
    float fx, fy;
  };
  void locate(std::span<const double> x, std::span<const double> y);
  template <class Pixel>
  void sample_nearest(uint8_t* out) const;
  template <class Pixel>
  void sample_bilinear(uint8_t* out) const;
  template <class Pixel>
  void sample_bicubic(uint8_t* out) const;
  size_t column(int32_t x) const;
  size_t row(int32_t y) const;

  PictureView source_;
  jobs::Interpolation interpolation_;
  bool wraps_;
  std::array<uint8_t, 4> fill_;
  std::vector<Cell> cells_;
};

}  // namespace pairloom::workerproc
