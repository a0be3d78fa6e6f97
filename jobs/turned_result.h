// The indexing job's result with the codes of the picture mirrored and rotated, for queries: asked for by a bit of the
// set-up's algorithms. Runs in: supervisor (checks results), worker (encodes them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "jobs/index_job.h"

namespace pairloom::jobs {

// A bit of IndexSetup::algorithms that stands for no algorithm: every result is a TurnedResult.
constexpr AlgorithmSet kTurnedCodes = 1u << 31;

// Of the picture as it would be shown with an EXIF orientation.
struct TurnedCode {
  Algorithm algorithm = Algorithm::kPdq;
  uint8_t orientation = 2;  // 2..8
  Code code;
};
struct TurnedResult {
  IndexResult result;
  std::vector<TurnedCode> turned;  // seven for each code of the result, by (algorithm, orientation)
};
std::vector<std::byte> encode(const TurnedResult& result);
// As decode_index_result(); `asked` may hold kTurnedCodes.
Result<TurnedResult> decode_turned_result(std::span<const std::byte> bytes, AlgorithmSet asked);

}  // namespace pairloom::jobs
