// PDQ's blur and sampling along one axis, as a band matrix: 64 outputs, each a weighted mean of a few neighbouring
// decoded pixels. Runs in: worker only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

constexpr size_t kPdqSide = 64;   // PDQ samples 64 x 64 positions
constexpr size_t kBandLanes = 8;  // weights are padded with zeros to groups of this many

// PDQ (github.com/facebook/ThreatExchange, pdq/cpp/downscaling) blurs with a box of (length + 127) / 128 pixels, twice,
// and takes position int((i + 0.5) * length / 64). Both are linear, so output i is a weighted sum of original pixels.
// With a reduced decode the weights of the original pixels that a decoded one stands for are added up: the positions
// stay those of the original.
struct Band {
  // In stored order, so that `first` and `first + count` never fall: entry e is output e, or 63 - e where the axis is
  // mirrored.
  std::array<uint32_t, kPdqSide> first;  // decoded pixel of the first weight
  std::array<uint32_t, kPdqSide> count;  // weights, without the padding
  size_t groups = 0;                     // of kBandLanes weights per entry, the same for all
  std::vector<float> weights;            // entry by entry
  size_t most_open = 0;                  // the most entries that any one decoded pixel belongs to

  const float* weights_of(size_t entry) const { return &weights[entry * groups * kBandLanes]; }
};
Band make_band(const Axis& axis);

// Bands by axis. Images of a collection share few lengths; the memory is bounded all the same.
class BandCache {
 public:
  // Valid until the next trim().
  const Band& get(const Axis& axis);
  // Forgets all if they have grown beyond the bound.
  void trim();

 private:
  std::unordered_map<uint64_t, Band> bands_;
  size_t bytes_ = 0;
};

}  // namespace pairloom::workerproc
