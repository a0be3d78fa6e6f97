// Which particles are too close to a heavier one: a flat peak has many maxima, which all become the same particle.
// Runs in: worker only.
#pragma once

#include <cstdint>
#include <vector>

#include "jobs/locate_job.h"

namespace pairloom::workerproc {

// Removes, of every two particles nearer to each other than `separation_px`, the one of less mass; if both have the
// same, the one nearer to the top left corner (less y + x). One that goes still pushes out its lighter neighbours, as
// in trackpy's find.where_close. The order stays. Time grows with the number of particles, not with its square.
class ClosePairs {
 public:
  explicit ClosePairs(double separation_px) : separation_px_(separation_px) {}
  void drop_lighter(std::vector<jobs::Particle>& particles, uint32_t width_px, uint32_t height_px);

 private:
  bool are_close(const jobs::Particle& a, const jobs::Particle& b) const;
  // Compares particle `i` with the later ones in a cell's list and marks those that go.
  void compare(const std::vector<jobs::Particle>& particles, uint32_t i, uint32_t first);

  double separation_px_;
  // Particles by cells of a grid, as lists: the first of a cell, the next of each particle; kNone ends.
  std::vector<uint32_t> first_in_cell_, next_in_cell_;
  std::vector<uint8_t> goes_;
};

}  // namespace pairloom::workerproc
