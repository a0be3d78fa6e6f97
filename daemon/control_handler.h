// ControlHandler: what a daemon can be asked over its control socket. The channel (daemon/control_channel.h) parses,
// checks and bounds requests, decides who may ask for what, and calls these; the daemon's main loop implements them.
// Everything happens in one thread, inside ControlChannel::handle_events(). Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/control_status.h"
#include "daemon/index_reply.h"
#include "daemon/index_run.h"

namespace pairloom::daemon {

// Who asks, as the kernel says (SO_PEERCRED). For the log: the right to ask has been checked.
struct ControlPeer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
};

// What `pairloom index add`, `update`, `retry` or `pair` asks for. `request.roots` are absolute; request.files_from_fd, if
// not -1, is `list`, a sealed memory file. The request's pool options are the daemon's own business: `jobs` and what else a
// client may not choose is as in a default PoolOptions. An update without roots is one of all roots the index knows.
struct IndexCommand {
  IndexRequest request;
  bool features_chosen = false;  // false: setup.algorithms and pair_algorithms are the daemon's to say
  Fd list;
};

// What `pairloom watch add` asks for: the keys of a [[root]] in pairloom.toml(5).
struct WatchCommand {
  std::string path;  // absolute
  WalkOptions walk;
  double poll_interval_s = 0;  // 0 = the configuration's default
};

class ControlHandler {
 public:
  virtual ~ControlHandler() = default;

  virtual DaemonStatus status() = 0;  // cheap: asked every second by a live view

  // Errors go to the client as they are (Errc decides the exit status there); on error nothing has changed.
  virtual Result<> pause(const ControlPeer& peer) = 0;   // until resume(), also over a restart of the daemon
  virtual Result<> resume(const ControlPeer& peer) = 0;  // also from an automatic pause
  virtual Result<> reload(const ControlPeer& peer) = 0;  // as SIGHUP; the error says what is wrong with the file
  // Walk these roots, or the roots that hold these paths, soon; empty = all. kInvalidArgument: under no root.
  virtual Result<> rescan(const ControlPeer& peer, const std::vector<std::string>& paths) = 0;
  // Durable before it returns. kInvalidArgument: no absolute directory, or watched already; kRefused: a root of the
  // configuration file cannot be removed here.
  virtual Result<> watch_add(const ControlPeer& peer, WatchCommand command) = 0;
  virtual Result<> watch_remove(const ControlPeer& peer, const std::string& path) = 0;

  // Queued by the daemon behind what it is at. Workers stay the daemon's; the run shows up in the run table with
  // `command.request.arguments`.
  virtual void index(const ControlPeer& peer, IndexCommand command, IndexReply reply) = 0;
};

}  // namespace pairloom::daemon
