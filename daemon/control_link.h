// ControlLink: the supervisor's end of the socketpair to one pairloom-control: what is said to it, queued while it does
// not listen, and what it says. A peer that stops listening does not hold up the supervisor: progress lines are left out,
// and when even so too much waits, the link breaks. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "control/message.h"
#include "base/json_text.h"

namespace pairloom::daemon {

class ControlLink {
 public:
  // Watches the socket with `epoll` (for reading always, for writing while something waits), with `token` as data.
  static Result<std::shared_ptr<ControlLink>> create(Fd socket, int epoll, uint64_t token);

  // Answers; a request's are begin, part.., end. None of them blocks or fails: a link that is broken forgets them.
  void begin(uint64_t request, int status, std::string_view type, const Fd& body = Fd());
  void part(uint64_t request, std::string_view bytes, bool may_be_left_out);
  void end(uint64_t request, std::string_view bytes = {});
  void document(uint64_t request, int status, const Json& document);  // begin to end

  void flush();  // what waits, as far as there is room
  // kInterrupted: the peer is gone; kProtocol: the link broke, or what came is no message.
  Result<control::Received> receive(control::Message& message) const;
  size_t waiting_bytes() const { return waiting_bytes_; }

 private:
  struct Outgoing {
    control::MessageKind kind;
    uint64_t request;
    std::string payload;
    Fd descriptor;
  };
  ControlLink(Fd socket, int epoll, uint64_t token) : socket_(std::move(socket)), epoll_(epoll), token_(token) {}
  void send(control::MessageKind kind, uint64_t request, std::string_view payload, const Fd& descriptor = Fd());
  void watch_for_room(bool on);
  void break_off();

  Fd socket_;
  int epoll_;
  uint64_t token_;
  std::deque<Outgoing> waiting_;
  size_t waiting_bytes_ = 0;
  bool watches_for_room_ = false, broken_ = false;
};

}  // namespace pairloom::daemon
