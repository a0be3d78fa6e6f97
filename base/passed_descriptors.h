// Open descriptors that travel with a message over a Unix socket (SCM_RIGHTS, unix(7)). Runs in: supervisor, opener,
// worker, pairloom-control.
#pragma once

#include <sys/socket.h>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/fd.h"

namespace pairloom {

// Room for up to `most` descriptors of one message, aligned as the kernel wants it. Must outlive the call that uses it.
template <size_t most>
struct DescriptorRoom {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(most * sizeof(int))> bytes{};
};

// Before sendmsg(): these go along, in order; the receiver gets duplicates. None: no room is used.
void attach_descriptors(msghdr& message, std::span<std::byte> room, std::span<const int> descriptors);
// Before each recvmsg(): this is where they may arrive. For more than there is room for, the kernel says MSG_CTRUNC.
void expect_descriptors(msghdr& message, std::span<std::byte> room);
// After recvmsg(): all that came, owned at once, so that none is left open whatever else is wrong with the message.
std::vector<Fd> take_descriptors(msghdr& message);

}  // namespace pairloom
