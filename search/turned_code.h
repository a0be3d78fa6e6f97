// The code of a mirrored or rotated picture, from the code of the picture alone. A bit says whether a DCT term is above the
// median of all; turning a picture moves its terms and changes the sign of some. The median lies near zero but not at it,
// and PDQ's samples do not lie symmetrically, so some bits come out wrong (docs/benchmarks.md says how many): where the
// pixels are at hand, the worker hashes the turned picture. Runs in: any process.
#pragma once

#include <cstdint>
#include <optional>

#include "base/algorithm.h"

namespace pairloom::search {

// `orientation`: EXIF 1..8. Empty for algorithms whose bits are no terms (dhash, dhash-tutorial).
std::optional<Code> turned_code(const Code& code, Algorithm algorithm, uint8_t orientation);

}  // namespace pairloom::search
