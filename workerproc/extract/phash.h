// pHash: the signs of low frequencies. Runs in: worker only.
#pragma once

#include "base/algorithm.h"
#include "workerproc/extract/area.h"

namespace pairloom::workerproc {

// A grid of n x n exact area means, its two-dimensional DCT-II, the k x k terms with row and column frequency 1..k (so
// without the mean and without the terms that are constant along one axis), each against their lower median: bit k * v
// + u is set where the term of vertical frequency v + 1 and horizontal frequency u + 1 is greater. After C. Zauner,
// "Implementation and Benchmarking of Perceptual Image Hash Functions" (2010), 3.2.1, and pHash's ph_dct_imagehash,
// which crops the same terms; they filter with a 7x7 box and sample, here the means are exact. A flat picture gives 0.
Code phash64(const View& view, AreaSummer& summer);   // n = 32, k = 8
Code phash256(const View& view, AreaSummer& summer);  // n = 64, k = 16

}  // namespace pairloom::workerproc
