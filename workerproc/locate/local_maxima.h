// Local maxima of a band-passed frame: pixels that are the brightest of the square around them and brighter than most.
// Runs in: worker only.
#pragma once

#include <cstdint>
#include <vector>

#include "workerproc/locate/frame.h"

namespace pairloom::workerproc {

struct PixelAt {
  uint32_t y = 0, x = 0;
};

// The `percentile` of the pixels that are not 0, interpolated between two of them as numpy.percentile does by default.
// Negative if all are 0. `histogram` counts them by value.
double percentile_of(const std::vector<uint32_t>& histogram, double percentile);

// As trackpy's find.grey_dilation(precise=False).
template <class Sample>
class LocalMaxima {
 public:
  // The square is the largest within a circle of radius `separation_px`; pixels nearer than `margin_px` to the border
  // are left out, though they count as neighbours.
  LocalMaxima(double separation_px, double percentile, uint32_t margin_px);

  // Row by row, from left to right. Neighbouring pixels of equal brightness are all found: a flat peak is found often.
  void find(const Frame<Sample>& image, std::vector<PixelAt>& maxima);
  void give_memory_back();

 private:
  void dilate(const Frame<Sample>& image);
  void count_values(const Frame<Sample>& image);

  double percentile_;
  uint32_t margin_px_, window_px_;
  // Scratch, kept from frame to frame.
  std::vector<uint32_t> histogram_;
  std::vector<Sample> line_;     // a row with zeros around it
  std::vector<Sample> dilated_;  // greatest of the window: first along rows, then of both; window_px_ zero rows around
  std::vector<uint8_t> is_maximum_;  // a row
};

extern template class LocalMaxima<uint8_t>;
extern template class LocalMaxima<uint16_t>;

}  // namespace pairloom::workerproc
