// Who is at the other end of a connection, as the kernel says. Runs in: pairloom-control.
#pragma once

#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace pairloom::control {

struct Peer {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  pid_t pid = 0;
  std::vector<gid_t> groups;  // supplementary ones, at most kMaxPeerGroups
};
constexpr size_t kMaxPeerGroups = 256;

// Of a connected Unix socket: the process that called connect(), as it was then (SO_PEERCRED, SO_PEERGROUPS; unix(7)).
Result<Peer> peer_of(int socket);

}  // namespace pairloom::control
