// RowSource: computes rows of a transform's output, in any order. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "jobs/transform_job.h"
#include "workerproc/transform/picture_view.h"

namespace pairloom::workerproc {

// What a transform reads. Borrowed; the grids are of the output's size for kRemap, else empty.
struct TransformInput {
  PictureView source;
  std::span<const float> map_x, map_y;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  // Row `y` of the output, in the setup's channels, 8 bits each: setup.width_px * channels bytes. A row is the same
  // whichever were computed before it.
  virtual void row(size_t y, uint8_t* out) = 0;
};

// kInvalidArgument for what cannot go together (a tutorial's precision with another map, grids of a wrong size).
Result<std::unique_ptr<RowSource>> make_row_source(const jobs::TransformSetup& setup, const TransformInput& input);

}  // namespace pairloom::workerproc
