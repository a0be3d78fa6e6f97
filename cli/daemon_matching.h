// match by codes, by a daemon that may read the index when we may not. Runs in: cli.
#pragma once

#include "base/result.h"
#include "cli/code_matching.h"
#include "cli/daemon_client.h"
#include "cli/exit_code.h"
#include "cli/session.h"

namespace pairloom::cli {

// Prints what match_codes() would. The pictures' bytes go to the daemon, not their names: it may not read what the user
// may. kInvalidArgument: --invariant, --files-from.
Result<ExitCode> match_by_daemon(const CodeMatching& options, const DaemonClient& client, Session& session);

}  // namespace pairloom::cli
