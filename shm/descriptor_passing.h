// Open descriptors over a Unix socket (SCM_RIGHTS): how a worker gets what it may not open itself. Each message is one
// byte, which to the rest of the protocol is a wake-up, with descriptors attached. Runs in: supervisor (sends), worker
// (receives).
#pragma once

#include <cstddef>
#include <deque>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::shm {

// What the kernel takes in one message (SCM_MAX_FD).
constexpr size_t kMaxDescriptorsAtOnce = 253;

// Sends duplicates of 1 to kMaxDescriptorsAtOnce open descriptors in one message; never blocks. All or none: false =
// the socket is full, or too many descriptors of this user are on their way. A peer that is gone counts as sent to, as
// for wake-ups. kIo: one of them is not open.
Result<bool> send_descriptors(const Fd& socket, std::span<const int> descriptors);

// Receives what there is on the socket, blocking until there is something: any number of plain bytes, and the
// descriptors of at most one message, which are appended to `arrived`, close-on-exec. A plain recv() would let the
// kernel close them. kInterrupted: the peer is gone. kIo: descriptors were lost because this process has too many open.
Result<> receive_with_descriptors(const Fd& socket, std::deque<Fd>& arrived);

}  // namespace pairloom::shm
