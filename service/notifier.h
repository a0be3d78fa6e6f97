// Notifier: what the service manager is told, by the protocol of sd_notify(3); nothing where there is none. Never
// waits for it.
// Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>

namespace pairloom::service {

class Notifier {
 public:
  Notifier();
  void ready();
  void reloading(int64_t monotonic_ns);
  void stopping();
  void status(const std::string& text);  // one line; said only when it is another than before
  void alive();                          // feeds the watchdog
  // The longest the manager waits between two alive(); 0 = there is no watchdog.
  int64_t watchdog_ns() const { return watchdog_ns_; }

 private:
  int64_t watchdog_ns_ = 0;
  std::string status_;
};

}  // namespace pairloom::service
