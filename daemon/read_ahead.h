// Reading ahead of a worker: the disk brings the files it will ask for next while it decodes the one in hand. Runs in:
// opener.
#pragma once

#include <cstdint>

#include "base/fd.h"

namespace pairloom::daemon {

// Files up to this size are read ahead in full, of larger ones only the beginning: most of those are videos, of which a
// worker looks at no more, and what it does want it reads in order, which the kernel sees.
constexpr uint64_t kMaxReadAheadBytes = 16u << 20;
constexpr uint64_t kBeginningBytes = 128u << 10;

// Has the kernel fetch an open file that is not in the page cache, and does not wait for it. False: there was nothing to
// fetch. Looks at no byte of the file, though it copies one to learn whether it is cached.
bool read_ahead(const Fd& file);

}  // namespace pairloom::daemon
