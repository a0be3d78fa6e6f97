// What comes over the link to pairloom-control, made into calls of a ControlHandler. The envelope (operation, peer) is
// pairloom-control's word: if it is malformed, that process is not to be trusted further. The arguments are the client's:
// if they are malformed, the client gets an error. Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/message.h"
#include "daemon/control_handler.h"
#include "daemon/control_link.h"
#include "daemon/index_readers.h"

namespace pairloom::daemon {

// Who a client is, as the kernel told pairloom-control.
struct PeerIdentity {
  ControlPeer peer;
  std::vector<gid_t> groups;  // supplementary ones
};
// May it change what the daemon does, or have it read files? root, the daemon's own user, and members of the socket's
// group. Whoever can connect may look at the status.
bool may_change(const PeerIdentity& who, uid_t daemon_uid, gid_t socket_group);

struct ControlRequest {
  uint64_t id = 0;
  std::string operation;  // one of the table in control_requests.cpp; docs/control.md
  PeerIdentity who;
  Json arguments;
  Fd data;  // a sealed memory file; none: no body
};
// kProtocol: the envelope is malformed. kInvalidArgument: the arguments are.
Result<ControlRequest> parse_request(control::Message message);

class ControlRequests {
 public:
  ControlRequests(ControlHandler& handler, IndexReaders& readers, std::string index_path, gid_t socket_group);
  ~ControlRequests();

  // kProtocol: the control process must be replaced. Everything else is answered.
  Result<> take(const std::shared_ptr<ControlLink>& link, control::Message message);
  void client_gone(uint64_t request);
  void all_gone();  // with the control process

  struct Call;  // one request and the link it came over

 private:
  class Stream;  // an IndexReply's sink
  void index(Call& call);
  std::vector<std::string> reader_words(std::string_view verb) const;  // what a child's command line begins with
  friend struct Operations;

  ControlHandler& handler_;
  IndexReaders& readers_;
  std::string index_path_;
  gid_t socket_group_;
  std::map<uint64_t, std::weak_ptr<Stream>> streams_;
};

}  // namespace pairloom::daemon
