// ControlSocket: the listening Unix socket clients connect to; made here or inherited from systemd (socket activation).
// Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::daemon {

class ControlSocket {
 public:
  // Binds `path` with mode 0660 (or `mode`) and, if not empty, this group (name or number). The socket appears under its
  // name only when it has its mode and listens. A dead socket of that name is replaced; kRefused: somebody answers there.
  static Result<ControlSocket> listen(const std::string& path, const std::string& group, mode_t mode = 0660);
  // The socket systemd passed to this process (sd_listen_fds(3)), if any; to be asked once, early. kInvalidArgument:
  // what was passed is no listening Unix stream socket, or more than one.
  static Result<std::optional<ControlSocket>> inherited();

  ControlSocket(ControlSocket&&) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  ~ControlSocket();  // removes the file, if listen() made it and it is still the same

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  gid_t group() const { return group_; }  // whose members may change things (daemon/control_rights.h)

 private:
  ControlSocket(Fd fd, std::string path);
  Fd fd_;
  std::string path_;
  gid_t group_ = static_cast<gid_t>(-1);
  bool made_here_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace pairloom::daemon
