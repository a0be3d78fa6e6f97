// What workers did, between two looks at a pool that goes on. Runs in: supervisor.
#pragma once

#include <span>
#include <vector>

#include "index/rows.h"

namespace pairloom::daemon {

// By slot: what `now` counts beyond `before`, both of one pool.
std::vector<index::WorkerTotals> difference(std::span<const index::WorkerTotals> now,
                                            std::span<const index::WorkerTotals> before);
void add_to(std::vector<index::WorkerTotals>& sum, std::span<const index::WorkerTotals> more);

}  // namespace pairloom::daemon
