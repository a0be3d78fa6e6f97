// ResizeRows: a picture in another size, row by row: the two axes apart from each other, rows first. Runs in: worker
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "jobs/transform_job.h"
#include "workerproc/transform/picture_view.h"

namespace pairloom::workerproc {

// One axis: each output position is a weighted sum of neighbouring source positions; weights add up to 1.
class AxisWeights {
 public:
  // kAuto: kArea to fewer pixels, kBicubic to more. kArea: the mean of what the output pixel covers. The others look at
  // as many source pixels as they do between pixels, however much smaller the output is.
  AxisWeights(size_t source_px, size_t output_px, jobs::Interpolation interpolation);

  struct Taps {
    size_t first;  // source position of weights[0]
    std::span<const float> weights;
  };
  Taps at(size_t output) const {
    return {first_[output], std::span(weights_).subspan(begin_[output], begin_[output + 1] - begin_[output])};
  }

 private:
  void add(size_t source_px, std::span<const double> weights, long first);

  std::vector<size_t> first_, begin_;
  std::vector<float> weights_;
};

class ResizeRows {
 public:
  ResizeRows(const PictureView& source, size_t width, size_t height, jobs::Interpolation interpolation);
  // Row `y` of the output: 1 byte a pixel (gray sources) or 4.
  void row(size_t y, uint8_t* out);

 private:
  PictureView source_;
  AxisWeights across_, down_;
  size_t width_;
  std::vector<float> sums_;  // one source row's width: the row's taps added up
};

}  // namespace pairloom::workerproc
