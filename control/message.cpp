#include "control/message.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <vector>

#include <fmt/format.h>

#include "base/passed_descriptors.h"

namespace pairloom::control {
namespace {

// Room for more descriptors than are allowed, so that a peer that sends too many is seen to.
constexpr size_t kDescriptorRoom = 4;

}  // namespace

Result<MessageSockets> make_message_sockets() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail_errno("cannot make a socketpair", errno);
  return MessageSockets{Fd(pair[0]), Fd(pair[1])};
}

Result<bool> send_message(int socket, MessageKind kind, uint64_t request, std::string_view payload, int descriptor) {
  if (payload.size() > kMaxPayloadBytes)
    return fail(Errc::kInvalidArgument, fmt::format("a message of {} bytes is too long", payload.size()));
  MessageHeader header{static_cast<uint32_t>(kind), 0, request};
  iovec parts[2] = {{&header, sizeof header}, {const_cast<char*>(payload.data()), payload.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  DescriptorRoom<1> room;
  if (descriptor >= 0) attach_descriptors(message, room.bytes, {&descriptor, 1});
  while (::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN || errno == ETOOMANYREFS) return false;
    if (errno == EPIPE || errno == ECONNRESET) return fail(Errc::kInterrupted, "the peer process is gone");
    if (errno != EINTR) return fail_errno("cannot send to the peer process", errno);
  }
  return true;
}

Result<Received> receive_message(int socket, Message& into) {
  MessageHeader header{};
  into.payload.resize(kMaxPayloadBytes);
  into.descriptor.reset();
  iovec parts[2] = {{&header, sizeof header}, {into.payload.data(), into.payload.size()}};
  DescriptorRoom<kDescriptorRoom> room;
  msghdr message{};
  ssize_t got = 0;
  do {
    message = {};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    expect_descriptors(message, room.bytes);
    got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && errno == EAGAIN) return Received::kNothing;
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return fail(Errc::kInterrupted, "the peer process is gone");
  if (got < 0) return fail_errno("cannot hear the peer process", errno);

  std::vector<Fd> descriptors = take_descriptors(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || descriptors.size() > 1)
    return fail(Errc::kProtocol, "a message that is too long, or has too many descriptors");
  if (static_cast<size_t>(got) < sizeof header || header.reserved != 0)
    return fail(Errc::kProtocol, "a message without a header");
  into.kind = static_cast<MessageKind>(header.kind);
  if (!is_from_control(into.kind) && !is_from_supervisor(into.kind))
    return fail(Errc::kProtocol, fmt::format("a message of an unknown kind, {}", header.kind));
  into.request = header.request;
  into.payload.resize(static_cast<size_t>(got) - sizeof header);
  if (!descriptors.empty()) into.descriptor = std::move(descriptors.front());
  return Received::kMessage;
}

}  // namespace pairloom::control
