// Local binary patterns. Runs in: worker only.
#pragma once

#include <memory>

#include "workerproc/features/feature.h"
#include "workerproc/features/parameters.h"

namespace pairloom::workerproc {

// One row of f64: the histogram, as shares of the pixels, of the uniform rotation-invariant patterns LBP^riu2_{P,R} of
// the gray picture: Ojala, Pietikainen, Maenpaa, "Multiresolution Gray-Scale and Rotation Invariant Texture
// Classification with Local Binary Patterns" (IEEE TPAMI 24(7), 2002). P + 2 bins: k = 0..P neighbours that are not
// darker, in one run; the last for all that are not uniform. Parameters points (P: 4 to 24, default 8) and radius (R: 1
// to 16, default 1).
//
// As scikit-image's local_binary_pattern(gray, P, R, method='uniform'): neighbours on a circle, their coordinates
// rounded to 5 decimals, between pixels by bilinear interpolation in double precision, black outside the picture.
Result<std::unique_ptr<FeatureExtractor>> make_lbp(Parameters& parameters);

}  // namespace pairloom::workerproc
