#include "service/notifier.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

namespace pairloom::service {

// The environment is left as it is: children ignore messages' addresses they do not know of, and are not believed
// (NotifyAccess=main).
Notifier::Notifier() {
  uint64_t us = 0;
  if (::sd_watchdog_enabled(0, &us) > 0) watchdog_ns_ = static_cast<int64_t>(us) * 1000;
}

void Notifier::ready() {
  ::sd_notify(0, "READY=1");
}

void Notifier::reloading(int64_t monotonic_ns) {
  ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ns / 1000).c_str());
}

void Notifier::stopping() {
  ::sd_notify(0, "STOPPING=1");
}

void Notifier::status(const std::string& text) {
  if (text == status_) return;
  status_ = text;
  ::sd_notify(0, ("STATUS=" + text).c_str());
}

void Notifier::alive() {
  if (watchdog_ns_ > 0) ::sd_notify(0, "WATCHDOG=1");
}

void Notifier::extend_timeout(double seconds) {
  ::sd_notify(0, fmt::format("EXTEND_TIMEOUT_USEC={}", static_cast<int64_t>(seconds * 1e6)).c_str());
}

}  // namespace pairloom::service
