// The pairs of near-duplicates that groups are made of: what the index has stored, and what it has not yet, computed
// here. Always complete: every two live contents within the distance are joined. Runs in: cli.
#pragma once

#include <cstdint>
#include <vector>

#include "base/algorithm.h"
#include "base/result.h"
#include "cli/session.h"
#include "index/index_reader.h"
#include "search/groups.h"

namespace pairloom::cli {

// Edges as search::make_groups wants them: equal codes linked to one representative at distance 0, and only
// representatives linked with each other; all ends are contents with a live file. Says on standard error when pairs
// must be computed, with a progress bar.
Result<std::vector<search::Edge>> near_duplicate_edges(index::IndexReader& reader, Algorithm algorithm,
                                                       uint32_t distance, Session& session);

// Contents that have a live file: live[id].
Result<std::vector<bool>> live_contents(index::IndexReader& reader);

// Brings edges into that form. Contents with edges of distance 0 form a class (their codes are equal); its
// representative becomes its smallest live content, and the edges of all its members, gone ones too, become edges of
// the representative.
std::vector<search::Edge> between_live(std::vector<search::Edge> edges, const std::vector<bool>& live);

}  // namespace pairloom::cli
