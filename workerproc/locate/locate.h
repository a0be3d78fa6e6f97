// Particles in a frame: the whole of trackpy's locate for one channel of an integer image of two dimensions. Runs in:
// worker only.
#pragma once

#include <memory>
#include <vector>

#include "jobs/locate_job.h"
#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {

class Locator {
 public:
  // `setup` is as jobs::check wants it.
  explicit Locator(const jobs::LocateSetup& setup);
  ~Locator();

  // Fills `particles` in the order in which their maxima stand in the frame, row by row; with topn, the lightest first.
  // `picture` has the layout kChannel (decode.h). Keeps its memory from frame to frame.
  void locate(const Picture& picture, std::vector<jobs::Particle>& particles);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::workerproc
