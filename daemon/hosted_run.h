// An indexing run inside a process that does other things too: on a pool that is there already and stays, with the
// process's own events served meanwhile. Runs in: supervisor.
#pragma once

#include "daemon/index_run.h"
#include "daemon/pool.h"

namespace pairloom::daemon {

// As run_index(index, request, observer), but `request.pool` counts for nothing, signals are the host's business
// (surroundings.stop_requested), and the summary says of workers what they did in this run. An interrupted run ends the
// pool's workers of the moment, not the pool.
Result<RunSummary> run_index(index::IndexWriter& index, const IndexRequest& request, const RunObserver& observer,
                             Pool& pool, const Pool::Surroundings& surroundings);

}  // namespace pairloom::daemon
