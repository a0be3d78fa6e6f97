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

// After so many files in a row that were cached, only one in kSparseProbes is asked about: a collection is in memory, or
// it is not.
constexpr uint32_t kCachedInARow = 16;
constexpr uint32_t kSparseProbes = 8;

class ReadAhead {
 public:
  // `probe_all`: the answer matters for every file.
  explicit ReadAhead(bool probe_all) : probe_all_(probe_all) {}
  // Has the kernel fetch an open file that is not in the page cache, and does not wait for it. False: there was nothing
  // to fetch, as far as is known. Looks at no byte of the file, though older kernels have to copy one to say whether it is
  // cached.
  bool fetch(const Fd& file, uint64_t size_bytes);

 private:
  bool probe_all_;
  uint32_t cached_in_a_row_ = 0;
};

}  // namespace pairloom::daemon
