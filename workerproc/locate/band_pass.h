// Band-pass of a frame: a Gaussian takes out what is smaller than a particle (noise), the subtraction of a moving mean
// what is larger (uneven light); what is left below the threshold is set to 0. Runs in: worker only.
#pragma once

#include <cstdint>
#include <vector>

#include "workerproc/locate/frame.h"

namespace pairloom::workerproc {

// The Gaussian of trackpy's masks.gaussian_kernel: cut off at 4 sigma, of sum 1; {1} for sigma 0.
std::vector<double> gaussian_kernel(double sigma_px);

// The steps and roundings are those of trackpy's preprocessing.bandpass and convert_to_int on integer frames, so that
// the same particles come out: rows and columns apart, the Gaussian in double precision with zeros around the frame,
// the mean cut to a whole number after each direction, with the border's pixels repeated around the frame.
template <class Sample>
class BandPass {
 public:
  // As checked by jobs::check: `smoothing_size_px` is odd and greater than `noise_size_px`.
  BandPass(double noise_size_px, uint32_t smoothing_size_px, double threshold);

  // Fills `out` (as large as the frame) with the result, stretched so that its greatest value is the largest a Sample
  // can be. Returns the factor of the stretching, 1 if nothing is above the threshold.
  double run(const Frame<Sample>& frame, Sample* out);
  void give_memory_back();

 private:
  void begin(const Frame<Sample>& frame);
  void blur_row(const Frame<Sample>& frame, uint32_t y);
  void mean_of_row(const Frame<Sample>& frame, uint32_t y);

  std::vector<double> kernel_;
  size_t reach_;  // of the kernel to each side
  uint32_t smoothing_size_px_;
  double threshold_;
  // Scratch, kept from frame to frame.
  std::vector<double> band_passed_;     // the whole frame
  std::vector<double> blurred_;         // a row after the Gaussian's columns, reach_ zeros on both sides
  std::vector<double> smooth_;          // and after its rows
  std::vector<double> peaks_;           // greatest value of each column of band_passed_
  std::vector<int32_t> column_sums_;    // over the rows of the mean
  std::vector<uint32_t> running_sums_;  // of a row of column means, from its left end
  std::vector<Sample> means_;           // a row of column means, the border repeated on both sides
  std::vector<Sample> background_;      // a row
  std::vector<Sample> zeros_;           // a row outside the frame
};

extern template class BandPass<uint8_t>;
extern template class BandPass<uint16_t>;

}  // namespace pairloom::workerproc
