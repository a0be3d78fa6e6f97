// ControlHost: a real control channel, its real pairloom-control, and a handler that notes what it is asked, in a thread
// that does what a daemon's main loop does. Runs in: tests.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.h"
#include "daemon/control_channel.h"
#include "daemon/control_handler.h"
#include "tests/support/temp_dir.h"

namespace pairloom::test {

class ControlHost final : public daemon::ControlHandler {
 public:
  explicit ControlHost(const std::string& index_path = "/nowhere/index.db", const std::string& control_program = "");
  ~ControlHost() override;

  const std::string& socket() const { return socket_; }
  pid_t control_pid() const { return control_pid_; }
  uint64_t deaths() const { return deaths_; }
  std::string complaint() const;
  std::vector<std::string> asked() const;      // "pause", "rescan /a" ..
  bool index_was_stopped() const { return index_was_stopped_; }
  // The next thing asked for is refused with this.
  void refuse_next(Error error);
  // Waits, without a limit, until `condition` holds; it is looked at after everything that happens.
  void until(const std::function<bool()>& condition);
  // Takes bytes as a client does, sends `request`, and returns all that comes back until the connection closes.
  std::string talk(const std::string& request) const;
  Fd connect() const;

  // How index requests are answered: a root "/finish" at once, "/wait" when the client wants it to stop.
  daemon::DaemonStatus status() override;
  Result<> pause(const daemon::ControlPeer&) override { return note("pause"); }
  Result<> resume(const daemon::ControlPeer&) override { return note("resume"); }
  Result<> reload(const daemon::ControlPeer&) override { return note("reload"); }
  Result<> rescan(const daemon::ControlPeer&, const std::vector<std::string>& paths) override;
  Result<> watch_add(const daemon::ControlPeer&, daemon::WatchCommand command) override;
  Result<> watch_remove(const daemon::ControlPeer&, const std::string& path) override { return note("unwatch " + path); }
  void index(const daemon::ControlPeer&, daemon::IndexCommand command, daemon::IndexReply reply) override;

 private:
  Result<> note(const std::string& what);
  void loop(daemon::ControlChannel& channel);

  TempDir scratch_;
  std::string socket_, index_path_;
  Fd stop_, happened_;
  std::atomic<pid_t> control_pid_ = 0;
  std::atomic<uint64_t> deaths_ = 0;
  std::atomic<bool> index_was_stopped_ = false;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  std::string complaint_;
  std::optional<Error> refusal_;
  std::vector<daemon::IndexReply> waiting_;  // of "/wait"
  std::thread thread_;
};

}  // namespace pairloom::test
