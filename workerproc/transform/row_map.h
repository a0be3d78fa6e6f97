// RowMap: where in the source the pixels of an output row come from, as numbers; the Sampler turns them into pixels.
// One class for each kind of map. Runs in: worker only.
#pragma once

#include <memory>
#include <span>

#include "jobs/transform_job.h"

namespace pairloom::workerproc {

class RowMap {
 public:
  virtual ~RowMap() = default;
  // For each pixel of output row `y` its place in the source, (0, 0) the centre of the source's first pixel; NaN:
  // nowhere.
  virtual void row(size_t y, std::span<double> source_x, std::span<double> source_y) = 0;
  // The source's left and right edges are the same meridian.
  virtual bool wraps() const { return false; }
};

// kTransverseMercator, kMercator, kEquirectangular. The source is a map of the world, 180 W to 180 E.
std::unique_ptr<RowMap> make_projection(const jobs::TransformSetup& setup);
// kRotate: about the centre, counter-clockwise.
std::unique_ptr<RowMap> make_rotation(const jobs::TransformSetup& setup);
// kRemap: `x` and `y` hold a number for each output pixel, row by row; both are borrowed.
std::unique_ptr<RowMap> make_remap(const jobs::TransformSetup& setup, std::span<const float> x,
                                   std::span<const float> y);

// Angles, exact for multiples of 90 degrees, so that such rotations are too.
double cosine_of_degrees(double degrees);
double sine_of_degrees(double degrees);

}  // namespace pairloom::workerproc
