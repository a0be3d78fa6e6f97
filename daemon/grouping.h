// Stores the groups of near-duplicates for those who read the index by SQL (v_groups, docs/index_schema.md). Runs in:
// supervisor.
#pragma once

#include "base/algorithm.h"
#include "base/result.h"
#include "index/index_writer.h"

namespace pairloom::daemon {

// Star groups of all stored pairs up to the algorithm's `similar` distance, in place of those stored before. Commits.
// Collections with more pairs than kMaxGroupedPairs get none: there, groups are made when they are asked for only.
constexpr uint64_t kMaxGroupedPairs = 20'000'000;
Result<> store_groups(index::IndexWriter& index, index::RunId run, Algorithm algorithm);

}  // namespace pairloom::daemon
