// Which daemon to ask: the one named, or the one that has the index. Runs in: cli.
#pragma once

#include <optional>

#include "base/result.h"
#include "cli/daemon_client.h"
#include "cli/session.h"

namespace pairloom::cli {

// A daemon and what it said of itself (docs/control.md, GET /v1/status).
struct Daemon {
  DaemonClient client;
  Json status;
};

// --socket, else $PAIRLOOM_SOCKET: that one, and an error when it does not answer. Otherwise the daemon among those at
// the usual places ($XDG_RUNTIME_DIR/pairloom/, /run/pairloom/, and one level below) that has this session's index; none
// is no error.
Result<std::optional<Daemon>> find_daemon(const Session& session);
// For what only a daemon can do. Without --index and $PAIRLOOM_INDEX also one of the usual places with another index:
// the user's own before the system's. kIndexLocked: there is none, with where it was looked for.
Result<Daemon> need_daemon(const Session& session);
// Was a daemon named (and not "none")?
bool daemon_is_named(const Session& session);

}  // namespace pairloom::cli
