// The background of a frame: the pixels that no particle reaches, their mean (black level) and scatter (noise).
// Runs in: worker only.
#pragma once

#include <cstdint>
#include <vector>

#include "workerproc/locate/disk.h"
#include "workerproc/locate/frame.h"

namespace pairloom::workerproc {

struct BackgroundLevel {
  double mean = 0, deviation = 0;  // NaN where there are too few pixels: none, or only one for the deviation
};

// As trackpy's uncertainty.measure_noise: background is what is further than the disk's radius from every pixel of the
// band-passed image that is not 0.
class Background {
 public:
  explicit Background(const Disk& disk) : disk_(disk) {}
  template <class Sample>
  BackgroundLevel measure(const Frame<Sample>& raw, const Frame<Sample>& image);
  void give_memory_back();

 private:
  const Disk& disk_;
  // Scratch, kept from frame to frame. Distances along the row to the next pixel that is not 0; kFar beyond the radius.
  std::vector<uint8_t> distances_;
  std::vector<uint8_t> line_;
  std::vector<uint8_t> covered_;  // a row: 1 where a disk around a bright pixel reaches
};

}  // namespace pairloom::workerproc
