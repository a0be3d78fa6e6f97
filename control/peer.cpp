#include "control/peer.h"

#include <sys/socket.h>
#include <cerrno>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59  // asm-generic/socket.h, Linux 4.13
#endif

namespace pairloom::control {

Result<Peer> peer_of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return fail_errno("cannot tell who the client is", errno);
  Peer peer{credentials.uid, credentials.gid, credentials.pid, {}};
  peer.groups.resize(64);
  for (int attempt = 0; attempt < 2; ++attempt) {
    size = static_cast<socklen_t>(peer.groups.size() * sizeof(gid_t));
    const int got = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, peer.groups.data(), &size);
    if (got != 0 && errno != ERANGE) size = 0;  // without the groups, its rights are those of its uid and gid
    peer.groups.resize(size / sizeof(gid_t));   // with ERANGE: as many as there are
    if (got == 0 || size == 0) break;
  }
  if (peer.groups.size() > kMaxPeerGroups) peer.groups.resize(kMaxPeerGroups);
  return peer;
}

}  // namespace pairloom::control
