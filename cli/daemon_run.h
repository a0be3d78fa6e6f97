// An indexing request that a daemon works on: what it says comes out as if the run were ours. Runs in: cli.
#pragma once

#include "base/result.h"
#include "cli/daemon_client.h"
#include "cli/exit_code.h"
#include "cli/selection.h"
#include "cli/session.h"

namespace pairloom::cli {

// The same output and exit status as run_and_report(), but that paths are absolute. `features_chosen` false: codes are
// computed as the daemon is used to. SIGINT and SIGTERM have the daemon stop the run, keep what is
// finished, and say so; a second one ends this process at once.
Result<ExitCode> run_by_daemon(const DaemonClient& client, PreparedRequest prepared, Session& session,
                               bool features_chosen = true);

}  // namespace pairloom::cli
