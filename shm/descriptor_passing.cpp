#include "shm/descriptor_passing.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace pairloom::shm {
namespace {

// Room for the descriptors of one message, aligned as control messages must be.
struct ControlRoom {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(kMaxDescriptorsAtOnce * sizeof(int))> bytes;
};

// Owns every descriptor of the message at once, so that none is left open whatever is found wrong with it.
void take_ownership(msghdr& message, std::deque<Fd>& arrived) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof descriptor, sizeof descriptor);
      arrived.emplace_back(descriptor);
    }
  }
}

}  // namespace

Result<bool> send_descriptors(const Fd& socket, std::span<const int> descriptors) {
  if (descriptors.empty() || descriptors.size() > kMaxDescriptorsAtOnce)
    return fail(Errc::kInvalidArgument,
                fmt::format("{} descriptors for one message, 1 to {} are possible", descriptors.size(),
                            kMaxDescriptorsAtOnce));
  char byte = 0;
  iovec data{&byte, 1};
  ControlRoom room{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  while (::sendmsg(socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    if (errno == EAGAIN || errno == ETOOMANYREFS) return false;
    if (errno == EPIPE || errno == ECONNRESET) return true;
    if (errno != EINTR) return fail_errno("cannot pass descriptors to the peer process", errno);
  }
  return true;
}

Result<> receive_with_descriptors(const Fd& socket, std::deque<Fd>& arrived) {
  std::array<char, 256> bytes;
  iovec data{bytes.data(), bytes.size()};
  ControlRoom room;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  while (true) {
    message.msg_control = room.bytes.data();
    message.msg_controllen = room.bytes.size();
    // One call never takes the descriptors of two messages: the kernel stops behind the first that carries any.
    const ssize_t got = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
    if (got > 0) break;
    // A peer that dies with our wake-ups unread resets the connection.
    if (got == 0 || errno == ECONNRESET) return fail(Errc::kInterrupted, "the supervisor is gone");
    if (errno != EINTR) return fail_errno("cannot wait for the supervisor", errno);
  }
  take_ownership(message, arrived);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Errc::kIo, "descriptors from the supervisor were lost: too many open files in this process");
  return {};
}

}  // namespace pairloom::shm
