#include "daemon/read_ahead.h"

#include <fcntl.h>
#include <sys/uio.h>

namespace pairloom::daemon {

bool ReadAhead::fetch(const Fd& file, uint64_t size_bytes) {
  if (!file || size_bytes == 0) return false;
  if (!probe_all_ && cached_in_a_row_ >= kCachedInARow && ++cached_in_a_row_ % kSparseProbes != 0) return false;
  // The last byte, on condition that nobody has to wait for it (Linux 4.14). The beginning would tell less: it is also
  // there where some program has only looked at the header.
  char byte;
  iovec into{&byte, 1};
  if (::preadv2(file.get(), &into, 1, static_cast<off_t>(size_bytes - 1), RWF_NOWAIT) >= 0) {
    if (cached_in_a_row_ < kCachedInARow) ++cached_in_a_row_;
    return false;
  }
  cached_in_a_row_ = 0;
  const uint64_t wanted = size_bytes <= kMaxReadAheadBytes ? size_bytes : kBeginningBytes;
  return ::posix_fadvise(file.get(), 0, static_cast<off_t>(wanted), POSIX_FADV_WILLNEED) == 0;
}

}  // namespace pairloom::daemon
