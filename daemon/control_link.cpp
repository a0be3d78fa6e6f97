#include "daemon/control_link.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

namespace pairloom::daemon {
namespace {

using control::kMaxPayloadBytes;
using control::MessageKind;

// Progress is left out when this much waits; with this much more the peer is as good as dead.
constexpr size_t kEnoughWaitsBytes = 256 << 10;
constexpr size_t kTooMuchWaitsBytes = 32 << 20;

}  // namespace

Result<std::shared_ptr<ControlLink>> ControlLink::create(Fd socket, int epoll, uint64_t token) {
  epoll_event wanted{.events = EPOLLIN, .data = {.u64 = token}};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, socket.get(), &wanted) != 0)
    return fail_errno("cannot watch the control process", errno);
  return std::shared_ptr<ControlLink>(new ControlLink(std::move(socket), epoll, token));
}

void ControlLink::begin(uint64_t request, int status, std::string_view type, const Fd& body) {
  send(MessageKind::kBegin, request, json_line({{"status", status}, {"type", type}}), body);
}

void ControlLink::part(uint64_t request, std::string_view bytes, bool may_be_left_out) {
  if (may_be_left_out && waiting_bytes_ > kEnoughWaitsBytes) return;
  const MessageKind kind = may_be_left_out ? MessageKind::kLoosePart : MessageKind::kPart;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kMaxPayloadBytes)))
    send(kind, request, bytes.substr(0, kMaxPayloadBytes));
}

void ControlLink::end(uint64_t request, std::string_view bytes) {
  part(request, bytes, false);
  send(MessageKind::kEnd, request, {});
}

void ControlLink::document(uint64_t request, int status, const Json& document) {
  begin(request, status, "application/json");
  end(request, json_line(document));
}

void ControlLink::send(MessageKind kind, uint64_t request, std::string_view payload, const Fd& descriptor) {
  if (broken_) return;
  if (waiting_.empty()) {
    const auto sent = control::send_message(socket_.get(), kind, request, payload, descriptor.get());
    if (!sent) return break_off();
    if (*sent) return;
  }
  Fd kept(descriptor ? ::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0) : -1);
  if (waiting_bytes_ > kTooMuchWaitsBytes || (descriptor && !kept)) return break_off();
  waiting_.push_back({kind, request, std::string(payload), std::move(kept)});
  waiting_bytes_ += payload.size() + sizeof(Outgoing);
  watch_for_room(true);
}

void ControlLink::flush() {
  while (!waiting_.empty() && !broken_) {
    const Outgoing& next = waiting_.front();
    const auto sent =
        control::send_message(socket_.get(), next.kind, next.request, next.payload, next.descriptor.get());
    if (!sent) return break_off();
    if (!*sent) return;
    waiting_bytes_ -= next.payload.size() + sizeof(Outgoing);
    waiting_.pop_front();
  }
  watch_for_room(false);
}

Result<control::Received> ControlLink::receive(control::Message& message) const {
  if (broken_) return fail(Errc::kProtocol, "it did not take what it was told");
  return control::receive_message(socket_.get(), message);
}

void ControlLink::watch_for_room(bool on) {
  if (on == watches_for_room_) return;
  watches_for_room_ = on;
  epoll_event wanted{.events = on ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.u64 = token_}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, socket_.get(), &wanted);
}

void ControlLink::break_off() {
  broken_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
  ::shutdown(socket_.get(), SHUT_RDWR);  // wakes whoever waits for the socket
}

}  // namespace pairloom::daemon
