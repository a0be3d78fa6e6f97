// The indexing job on the wire: a task names a file, a result says what it holds. Runs in: supervisor (encodes tasks,
// checks results), worker (the other way round).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/algorithm.h"
#include "base/image.h"
#include "base/result.h"
#include "jobs/read_limits.h"

namespace pairloom::jobs {

// Same for all tasks of a run.
struct IndexSetup {
  AlgorithmSet algorithms = set_of(Algorithm::kPdq);
  Accuracy accuracy = Accuracy::kDefault;
  ReadLimits limits = {};
};
std::vector<std::byte> encode(const IndexSetup& setup);
Result<IndexSetup> decode_index_setup(std::span<const std::byte> bytes);

// The payload of a task is the path, as bytes, without a terminator.

// What comes back for one file. Codes are in the order of their algorithm numbers.
struct IndexResult {
  Outcome outcome = Outcome::kUnreadable;
  std::string message;    // reason of a failure, or the decoder's first warning; at most 500 bytes
  bool absent = false;    // unreadable because it was not there any more
  StatIdentity identity;  // fstat of the file that was read; zero if it could not be opened
  Digest digest;          // of all its bytes; zero if it was not read
  ImageInfo image;        // meaningful when indexed
  std::vector<CodeOf> codes;
};
std::vector<std::byte> encode(const IndexResult& result);
// Checks everything a lying worker could get wrong: lengths, enums, counts, algorithms that were not asked for, set
// bits beyond a code's size, sizes out of range. kProtocol says which.
Result<IndexResult> decode_index_result(std::span<const std::byte> bytes, AlgorithmSet asked);

}  // namespace pairloom::jobs
