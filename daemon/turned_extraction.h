// The codes of a few files and of every way to mirror and rotate them, without an index (match, cmp). Runs in:
// supervisor (the CLI process).
#pragma once

#include <string>
#include <vector>

#include "daemon/pool.h"
#include "jobs/turned_result.h"

namespace pairloom::daemon {

// As extract_files() (daemon/index_run.h): results in the order of `paths`. Without kTurnedCodes in the set-up's
// algorithms the results have no turned codes.
Result<std::vector<jobs::TurnedResult>> extract_turned(const std::vector<std::string>& paths,
                                                       const jobs::IndexSetup& setup, Pool& pool);

}  // namespace pairloom::daemon
