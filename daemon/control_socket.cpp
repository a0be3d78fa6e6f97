#include "daemon/control_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"

namespace pairloom::daemon {
namespace {

constexpr int kFirstPassedFd = 3;  // SD_LISTEN_FDS_START
constexpr int kBacklog = 64;

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fail(Errc::kInvalidArgument,
                fmt::format("socket path '{}' is too long: {} bytes are possible", escape_for_terminal(path),
                            sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

bool parse_number(const char* text, unsigned long& number) {
  if (text == nullptr) return false;
  const char* end = text + std::strlen(text);
  return std::from_chars(text, end, number).ptr == end && end != text;
}

Result<gid_t> group_named(const std::string& name) {
  std::vector<char> room(1 << 16);
  struct group entry {};
  struct group* found = nullptr;
  if (const int error = ::getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &found); found != nullptr)
    return entry.gr_gid;
  else if (error != 0)
    return fail_errno("cannot look up group '" + escape_for_terminal(name) + "'", error);
  unsigned long number = 0;
  if (parse_number(name.c_str(), number)) return static_cast<gid_t>(number);
  return fail(Errc::kInvalidArgument, "there is no group '" + escape_for_terminal(name) + "' for the control socket");
}

// kRefused when somebody listens at `path`; a dead socket, or nothing, is fine; anything else there is not ours to
// replace.
Result<> check_free(const std::string& path, const sockaddr_un& address) {
  struct stat there {};
  if (::lstat(path.c_str(), &there) != 0) return {};
  if (!S_ISSOCK(there.st_mode))
    return fail(Errc::kRefused, "'" + escape_for_terminal(path) + "' is no socket; remove it or name another place");
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return fail_errno("cannot make a socket", errno);
  const int connected = ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (connected != 0 && (errno == ECONNREFUSED || errno == ENOENT)) return {};
  if (connected != 0 && errno != EAGAIN)
    return fail_errno("cannot tell who has the socket '" + escape_for_terminal(path) + "'", errno);
  return fail(Errc::kRefused,
              "another daemon answers at '" + escape_for_terminal(path) + "'; stop it, or name another socket");
}

}  // namespace

ControlSocket::ControlSocket(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : fd_(std::move(other.fd_)),
      path_(std::move(other.path_)),
      group_(other.group_),
      made_here_(std::exchange(other.made_here_, false)),
      device_(other.device_),
      inode_(other.inode_) {}

ControlSocket::~ControlSocket() {
  struct stat there {};
  if (made_here_ && ::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == inode_)
    ::unlink(path_.c_str());
}

Result<ControlSocket> ControlSocket::listen(const std::string& path, const std::string& group, mode_t mode) {
  // Made under another name and renamed when it is ready: nobody connects to one with the wrong rights, and there is
  // never none.
  const std::string draft = fmt::format("{}.{}", path, ::getpid());
  PAIRLOOM_ASSIGN(const sockaddr_un address, address_of(path));
  PAIRLOOM_ASSIGN(const sockaddr_un draft_address, address_of(draft));
  PAIRLOOM_TRY(check_free(path, address));
  const std::string shown = "control socket '" + escape_for_terminal(path) + "'";
  ControlSocket made(Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), path);
  if (!made.fd_) return fail_errno("cannot make a socket", errno);

  ::unlink(draft.c_str());
  const mode_t old_mask = ::umask(0777 & ~(mode & 0700));
  const int bound = ::bind(made.fd(), reinterpret_cast<const sockaddr*>(&draft_address), sizeof draft_address);
  const int bind_error = errno;
  ::umask(old_mask);
  if (bound != 0) return fail_errno("cannot make " + shown, bind_error);

  const auto give_up = [&](const std::string& what, int error) {
    ::unlink(draft.c_str());
    return fail_errno(what, error);
  };
  if (!group.empty()) {
    const auto gid = group_named(group);
    if (!gid) {
      ::unlink(draft.c_str());
      return tl::unexpected<Error>(gid.error());
    }
    if (::chown(draft.c_str(), static_cast<uid_t>(-1), *gid) != 0)
      return give_up(fmt::format("cannot give {} to group '{}'", shown, escape_for_terminal(group)), errno);
  }
  if (::chmod(draft.c_str(), mode) != 0) return give_up("cannot set the mode of " + shown, errno);
  if (::listen(made.fd(), kBacklog) != 0) return give_up("cannot listen at " + shown, errno);
  struct stat now {};
  if (::lstat(draft.c_str(), &now) != 0 || ::rename(draft.c_str(), path.c_str()) != 0)
    return give_up("cannot put in place " + shown, errno);
  made.made_here_ = true;
  made.device_ = now.st_dev;
  made.inode_ = now.st_ino;
  made.group_ = now.st_gid;
  return made;
}

Result<std::optional<ControlSocket>> ControlSocket::inherited() {
  unsigned long pid = 0, count = 0;
  const bool ours = parse_number(::getenv("LISTEN_PID"), pid) && pid == static_cast<unsigned long>(::getpid()) &&
                    parse_number(::getenv("LISTEN_FDS"), count) && count > 0;
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  if (!ours) return std::nullopt;
  if (count > 1)
    return fail(Errc::kInvalidArgument, fmt::format("systemd passed {} sockets; one is wanted", count));
  if (::fcntl(kFirstPassedFd, F_SETFD, FD_CLOEXEC) != 0)
    return fail_errno("cannot take the socket that systemd passed", errno);
  Fd fd(kFirstPassedFd);

  const auto option = [&fd](int name) {
    int value = -1;
    socklen_t size = sizeof value;
    return ::getsockopt(fd.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
  };
  if (option(SO_DOMAIN) != AF_UNIX || option(SO_TYPE) != SOCK_STREAM || option(SO_ACCEPTCONN) != 1)
    return fail(Errc::kInvalidArgument,
                "what systemd passed is no listening Unix stream socket; the socket unit wants ListenStream=/a/path");
  ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK);
  sockaddr_un address{};
  socklen_t size = sizeof address;
  std::string path;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.sun_path[0] == '/')
    path = address.sun_path;
  ControlSocket taken(std::move(fd), path);
  struct stat there {};
  if (!path.empty() && ::lstat(path.c_str(), &there) == 0) taken.group_ = there.st_gid;
  return taken;
}

}  // namespace pairloom::daemon
