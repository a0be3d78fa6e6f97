// Matcher: which descriptors of a reference image are in another image. Brute force, exact, in whole numbers. Runs in:
// worker only.
//
// The same matches as cv::BFMatcher, with and without crossCheck and by knnMatch, of the same descriptors as floats:
// among equally near ones that with the lowest index counts, on both sides. For kL2 OpenCV compares square roots in
// single precision; they order as the squares do while those are below 2^22, where neighbouring whole numbers still
// have different roots. The squared distance of two SIFT descriptors, of length 512 and without negative parts, is at
// most about 2^19.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "workerproc/descriptors/products.h"

namespace pairloom::workerproc {

// A set of descriptors, rows x bytes, row-major without gaps. Borrowed.
struct Descriptors {
  const uint8_t* data = nullptr;
  uint32_t rows = 0;
  uint32_t bytes = 0;  // each: a multiple of 4, at most 4096
};

struct Match {
  uint32_t reference, image;  // rows
  uint32_t distance;          // kL2: squared; kHamming: bits
  friend bool operator==(const Match&, const Match&) = default;
};

struct MatchRules {
  bool cross_check = true;  // each must be the other's nearest
  // Lowe's test (Distinctive Image Features from Scale-Invariant Keypoints, IJCV 2004, section 7.1): the nearest must
  // be nearer than `ratio` times the second nearest in the image. 0: no test. An image of one descriptor has no second
  // and so no match.
  double ratio = 0;
};

class Matcher {
 public:
  // Copies `reference`.
  Matcher(Norm norm, Descriptors reference, MatchKernel kernel = best_match_kernel());
  ~Matcher();
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;

  size_t reference_rows() const;

  // By ascending reference row, at most one for each. `image` has descriptors of the same length, or none. Valid until
  // the next call.
  std::span<const Match> match(Descriptors image, const MatchRules& rules);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::workerproc
