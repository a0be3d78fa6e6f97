// The perceptual hashes of the index as features, from the full picture. Runs in: worker only.
#pragma once

#include <memory>

#include "base/algorithm.h"
#include "workerproc/features/feature.h"

namespace pairloom::workerproc {

// One row of u8: the code, its bytes in the order of its hexadecimal text. Equals the index's code with --accuracy
// full.
std::unique_ptr<FeatureExtractor> make_code(Algorithm algorithm);
// One row of one i32: PDQ's quality measure, 0 to 100.
std::unique_ptr<FeatureExtractor> make_pdq_quality();

}  // namespace pairloom::workerproc
