// An indexing request that a daemon works on: what it says comes out as if the run were ours. Runs in: cli.
#pragma once

#include <string>

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

// Does it here, on an index that is there and in order, or has the daemon do it: the one that is named, or that has the index.
// `program` names this process to others that want to write.
Result<ExitCode> write_or_ask_daemon(Session& session, const std::string& program, PreparedRequest prepared,
                                     bool features_chosen);

}  // namespace pairloom::cli
