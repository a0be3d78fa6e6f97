#include "service/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "base/fd.h"

namespace pairloom::service {
namespace {

// As sd_notify(3), which would wait for ever for a manager that does not read. What is lost then is said again later, or
// of no use.
void tell(const std::string& text) {
  const char* const path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return;
  ::sendto(socket.get(), text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address),
           length);
}

}  // namespace

// The environment is left as it is: children are not believed (NotifyAccess=main).
Notifier::Notifier() {
  uint64_t us = 0;
  if (::sd_watchdog_enabled(0, &us) > 0) watchdog_ns_ = static_cast<int64_t>(us) * 1000;
}

void Notifier::ready() {
  tell("READY=1");
}

void Notifier::reloading(int64_t monotonic_ns) {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ns / 1000));
}

void Notifier::stopping() {
  tell("STOPPING=1");
}

void Notifier::status(const std::string& text) {
  if (text == status_) return;
  status_ = text;
  tell("STATUS=" + text);
}

void Notifier::alive() {
  if (watchdog_ns_ > 0) tell("WATCHDOG=1");
}

}  // namespace pairloom::service
