// Stores the groups of near-duplicates for those who read the index by SQL (v_groups, docs/index_schema.md). Runs in:
// supervisor.
#pragma once

#include "base/algorithm.h"
#include "base/result.h"
#include "index/index_writer.h"

namespace pairloom::daemon {

// Star groups of all stored pairs up to the algorithm's `similar` distance, in place of those stored before. Commits.
// Collections with more pairs than `most_pairs` get none: there, groups are made when they are asked for only.
constexpr uint64_t kMaxGroupedPairs = 20'000'000;        // a minute's work
constexpr uint64_t kMaxPairsGroupedByDaemon = 1'000'000;  // a few seconds', in which it does nothing else
Result<> store_groups(index::IndexWriter& index, index::RunId run, Algorithm algorithm,
                      uint64_t most_pairs = kMaxGroupedPairs);

}  // namespace pairloom::daemon
