#include "shm/descriptor_passing.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/passed_descriptors.h"

namespace pairloom::shm {

Result<bool> send_descriptors(const Fd& socket, std::span<const int> descriptors) {
  if (descriptors.empty() || descriptors.size() > kMaxDescriptorsAtOnce)
    return fail(Errc::kInvalidArgument,
                fmt::format("{} descriptors for one message, 1 to {} are possible", descriptors.size(),
                            kMaxDescriptorsAtOnce));
  char byte = 0;
  iovec data{&byte, 1};
  DescriptorRoom<kMaxDescriptorsAtOnce> room;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  attach_descriptors(message, room.bytes, descriptors);
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
  DescriptorRoom<kMaxDescriptorsAtOnce> room;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  while (true) {
    expect_descriptors(message, room.bytes);
    // One call never takes the descriptors of two messages: the kernel stops behind the first that carries any.
    const ssize_t got = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
    if (got > 0) break;
    // A peer that dies with our wake-ups unread resets the connection.
    if (got == 0 || errno == ECONNRESET) return fail(Errc::kInterrupted, "the supervisor is gone");
    if (errno != EINTR) return fail_errno("cannot wait for the supervisor", errno);
  }
  for (Fd& descriptor : take_descriptors(message)) arrived.push_back(std::move(descriptor));
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Errc::kIo, "descriptors from the supervisor were lost: too many open files in this process");
  return {};
}

}  // namespace pairloom::shm
