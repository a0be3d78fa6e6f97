// Takes pairs that were decided to be no duplicates out of the pairs that groups are made of. Runs in: cli.
#pragma once

#include <vector>

#include "base/result.h"
#include "cli/decisions.h"
#include "index/index_reader.h"
#include "search/groups.h"

namespace pairloom::cli {

// `edges` as near_duplicate_edges() makes them. Where a decision concerns one of several equal codes, that one gets the
// edges of its representative, so that it loses those that were decided about and no others.
Result<> take_out_decided(index::IndexReader& reader, const Decisions& decisions, std::vector<search::Edge>& edges);

// The same for contents by id, each pair (a, b) with a < b, sorted.
void take_out_pairs(const std::vector<std::pair<index::ContentId, index::ContentId>>& decided,
                    std::vector<search::Edge>& edges);

}  // namespace pairloom::cli
