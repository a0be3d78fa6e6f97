// Colour statistics. Runs in: worker only.
#pragma once

#include <memory>

#include "workerproc/features/feature.h"
#include "workerproc/features/parameters.h"

namespace pairloom::workerproc {

// One row of f64: for each of red, green and blue the mean, the standard deviation (of the population) and the skewness
// (third central moment over the cube of the deviation, not corrected for bias; 0 for a flat channel) of the values 0
// to 255: the colour moments of Stricker and Orengo, "Similarity of Color Images" (SPIE 2420, 1995). Then for each
// channel a histogram of `bins` equal bins as shares of the pixels. Parameter bins: 1 to 256 that divide 256,
// default 16.
Result<std::unique_ptr<FeatureExtractor>> make_color(Parameters& parameters);

}  // namespace pairloom::workerproc
