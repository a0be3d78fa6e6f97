// What the supervisor and pairloom-control say to each other: packets over a Unix socketpair that keeps their borders
// (SOCK_SEQPACKET), each a fixed header, at most kMaxPayloadBytes, and at most one open descriptor. docs/control.md,
// "Inside". Runs in: supervisor, pairloom-control.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::control {

enum class MessageKind : uint32_t {
  // From pairloom-control.
  kHello = 1,    // JSON {"version"}: the first message; another version is not listened to
  kRequest = 2,  // JSON: what is asked, by whom; the descriptor holds the body, if there is one
  kGone = 3,     // nobody waits for this request's answer any more
  // From the supervisor. An answer is kBegin, any number of parts, and kEnd.
  kBegin = 16,  // JSON {"status", "type"}; a descriptor, if there is one, yields the body up to its end
  kPart = 17,   // bytes of the body
  kLoosePart = 18,  // a line of the body that a client with no room for it may miss
  kEnd = 19,    // the answer is complete
};
constexpr bool is_from_control(MessageKind kind) {
  return kind == MessageKind::kHello || kind == MessageKind::kRequest || kind == MessageKind::kGone;
}
constexpr bool is_from_supervisor(MessageKind kind) {
  return kind == MessageKind::kBegin || kind == MessageKind::kPart ||
         kind == MessageKind::kLoosePart || kind == MessageKind::kEnd;
}

struct MessageHeader {
  uint32_t kind;
  uint32_t reserved;  // 0
  uint64_t request;   // chosen by pairloom-control, of its time unique; 0 for kHello
};
static_assert(sizeof(MessageHeader) == 16 && std::is_trivially_copyable_v<MessageHeader>);
constexpr size_t kMaxPayloadBytes = 60'000;

struct Message {
  MessageKind kind{};
  uint64_t request = 0;
  std::string payload;
  Fd descriptor;
};

// Both ends, close-on-exec and non-blocking.
struct MessageSockets {
  Fd supervisor, control;
};
Result<MessageSockets> make_message_sockets();

// False: the socket is full, nothing was sent. kInterrupted: the peer is gone. `descriptor` -1: none; it is duplicated.
// The payload must not be longer than kMaxPayloadBytes.
Result<bool> send_message(int socket, MessageKind kind, uint64_t request, std::string_view payload,
                          int descriptor = -1);

enum class Received { kMessage, kNothing };
// Takes one message if there is one; whatever descriptors came are owned at once. kInterrupted: the peer is gone.
// kProtocol: what came is no message (the kind is not checked beyond being one of the enum's).
Result<Received> receive_message(int socket, Message& message);

}  // namespace pairloom::control
