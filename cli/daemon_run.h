// An indexing request that a daemon works on: what it says comes out as if the run were ours. Runs in: cli.
#pragma once

#include <functional>
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

// What writes the index: by the daemon that was named; else here, and when that fails because somebody holds the index or it
// is not ours to write, by the daemon that has it, if one has.
Result<ExitCode> here_or_by_daemon(const Session& session, const std::function<Result<ExitCode>()>& here,
                                   const std::function<Result<ExitCode>(const DaemonClient&)>& by_daemon);

// The same for a request on an index that is there and in order. `program` names this process to others that want to write.
Result<ExitCode> run_here_or_by_daemon(Session& session, const std::string& program, PreparedRequest prepared,
                                       bool features_chosen);

}  // namespace pairloom::cli
