// Reading ahead of a worker: the disk brings the files it will ask for next while it decodes the one in hand. Runs in:
// opener.
#pragma once

#include "shm/file_passing.h"

namespace pairloom::daemon {

// Files up to this size are read ahead in full, of larger ones only the beginning: most of those are videos, of which a
// worker looks at no more, and what it does want it reads in order, which the kernel sees.
constexpr uint64_t kMaxReadAheadBytes = 16u << 20;
constexpr uint64_t kBeginningBytes = 128u << 10;

// What an opener is told after its two descriptors, for the second parameter.
constexpr const char* kIoFriendlyArgument = "--io-friendly";

// Has the kernel fetch an open file that is not in the page cache; does not wait for it. With `io_friendly` such a file
// is marked drop_behind, so that the run leaves the cache to those who had it before. Looks at no byte of the file,
// though it copies two to learn whether they are cached.
void read_ahead(shm::PassedFile& file, bool io_friendly);

}  // namespace pairloom::daemon
