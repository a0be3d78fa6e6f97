// Pairs of pictures of which one is the other mirrored or rotated: dups --invariant. Runs in: cli.
#pragma once

#include <cstdint>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"
#include "cli/session.h"
#include "index/index_reader.h"
#include "search/groups.h"

namespace pairloom::cli {

// Adds to `edges` (as near_duplicate_edges() makes them) the pairs of live contents that are within the distance when
// one of them is turned by one of `turns`. The codes of the turned pictures are derived from the stored ones
// (search/turned_code.h). kInvalidArgument for algorithms whose codes cannot be turned.
Result<> add_turned_edges(index::IndexReader& reader, Algorithm algorithm, uint32_t distance,
                          const std::vector<uint8_t>& turns, Session& session, std::vector<search::Edge>& edges);

}  // namespace pairloom::cli
