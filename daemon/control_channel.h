// ControlChannel: the supervisor's end of the control socket. HTTP is spoken by a process of its own, pairloom-control,
// which gets the listening socket and one end of a socketpair; what comes over that is checked here as a stranger's
// words. The channel keeps that process alive, and answers for the daemon by asking a ControlHandler. Questions that
// only read the index (failures, query by image) are answered by `pairloom` itself, started as a child that writes into a
// pipe whose other end pairloom-control gets: the supervisor neither reads nor waits.
//
//   auto socket = ControlSocket::inherited() or ControlSocket::listen(...)
//   auto channel = ControlChannel::start(std::move(socket), options, handler);
//   epoll: channel.fd() readable -> channel.handle_events()
//
// Nothing here blocks, and nothing that happens on the other side is an error of the daemon: a control process that dies,
// lies or floods is replaced, after a pause that doubles. Runs in: supervisor (single-threaded).
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "daemon/control_handler.h"
#include "daemon/control_socket.h"

namespace pairloom::daemon {

struct ControlOptions {
  std::string index_path;       // for the children that read it
  std::string control_program;  // pairloom-control; empty = found beside this program or in libexec
  std::string reader_program;   // pairloom; empty = found likewise
  int max_readers = 2;          // children that read the index at a time; more wait their turn
};

// Where these programs lie; kNoWorkers: nowhere, with where they were looked for.
Result<std::string> find_control_program(const std::string& named);
Result<std::string> find_reader_program(const std::string& named);

class ControlChannel {
 public:
  // `handler` must outlive the channel. kNoWorkers: a program is missing.
  static Result<ControlChannel> start(ControlSocket socket, const ControlOptions& options, ControlHandler& handler,
                                      const Clock& clock = system_clock());
  ControlChannel(ControlChannel&&) noexcept;
  ~ControlChannel();  // ends the children; the socket's file is removed if it was made by us

  int fd() const;        // readable when there is something to do
  void handle_events();  // does it; handler calls come from here

  const std::string& socket_path() const;
  pid_t pid() const;        // of the control process; 0 = it is down, and will be started again
  uint64_t deaths() const;  // of control processes
  // Why the last one ended, for the log; empties it.
  std::string take_complaint();

 private:
  struct State;
  explicit ControlChannel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::daemon
