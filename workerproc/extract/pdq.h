// PDQ, Meta's perceptual hash of 256 bits with its quality measure: github.com/facebook/ThreatExchange, pdq/
// (hashing.pdf, the reference in pdq/cpp). From a full-size BGR picture the code is the reference's; from a reduced
// gray one it differs by few bits. Runs in: worker only.
#pragma once

#include <cstdint>
#include <vector>

#include "base/algorithm.h"
#include "workerproc/extract/band.h"
#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

struct PdqHash {
  Code code;            // bit k: to_hex(code, 256) is Meta's text form
  uint8_t quality = 0;  // 0..100; below 50 there is too little to hash
};

class PdqHasher {
 public:
  // Gray pictures count as they are, BGR with 0.299 R + 0.587 G + 0.114 B in float as in the reference. Pictures with a
  // side below 5 pixels have code 0 and quality 0, as there.
  PdqHash hash(const View& view);

 private:
  void sample(const View& view, const Band& rows, const Band& columns);
  void close_row(const float* sums, const Band& columns, const View& view, size_t entry);

  BandCache bands_;
  std::vector<float> luma_;                        // one row of a BGR picture
  std::vector<float> open_;                        // weighted sums of the rows of the entry, or entries, under way
  alignas(64) float samples_[kPdqSide][kPdqSide];  // [shown row][shown column], or the other way round if transposed
};

}  // namespace pairloom::workerproc
