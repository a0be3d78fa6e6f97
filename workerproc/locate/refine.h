// From a local maximum to a particle: the centre of mass of the disk around it, the disk moved until it is centred, and
// what is measured in the disk then. Runs in: worker only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "jobs/locate_job.h"
#include "workerproc/locate/disk.h"
#include "workerproc/locate/frame.h"
#include "workerproc/locate/local_maxima.h"

namespace pairloom::workerproc {

// As trackpy's refine.refine_com with its default shift_thresh of 0.6.
class Refiner {
 public:
  Refiner(const Disk& disk, uint32_t max_iterations, bool characterize);

  // A particle for each maximum, in order; `image` is the band-passed frame, `raw` the frame itself. Each maximum is at
  // least the disk's radius away from the border. Brightness (mass, signal) is in units of `image`; `ep` is left to the
  // caller.
  template <class Sample>
  void refine(const Frame<Sample>& raw, const Frame<Sample>& image, std::span<const PixelAt> maxima,
              std::vector<jobs::Particle>& particles) const;

 private:
  struct Moments {
    uint64_t mass = 0;
    int64_t y = 0, x = 0;  // sum of brightness times offset from the middle
  };
  template <class Sample>
  Moments moments(const Frame<Sample>& image, PixelAt middle) const;
  template <class Sample>
  void characterize(const Frame<Sample>& raw, const Frame<Sample>& image, PixelAt middle,
                    jobs::Particle& particle) const;

  const Disk& disk_;
  uint32_t max_iterations_;
  bool characterize_;
  // By pixel of the disk, row by row: the cosine and sine of twice the angle of its place.
  std::vector<double> cosines_, sines_;
};

}  // namespace pairloom::workerproc
