#include "daemon/read_ahead.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <optional>

namespace pairloom::daemon {
namespace {

// cachestat (Linux 6.5), which Debian 12's headers do not know: the number is the same on all machines that it runs on.
constexpr long kCachestat = 451;
struct CachestatRange {
  uint64_t offset, length;
};
struct Cachestat {
  uint64_t cached, dirty, writeback, evicted, recently_evicted;  // pages
};

// Whether the kernel has a byte of a file in memory. Empty where it does not say: it is older, a container forbids it, or
// the file is somebody else's.
std::optional<bool> says_is_cached(const Fd& file, uint64_t offset) {
  CachestatRange range{offset, 1};
  Cachestat pages{};
  if (::syscall(kCachestat, file.get(), &range, &pages, 0) != 0) return std::nullopt;
  return pages.cached > 0;
}

// By reading it on condition that nobody has to wait (Linux 4.14). Newer kernels begin to fetch it then, and a quick disk
// may be done in time.
bool is_read_at_once(const Fd& file, uint64_t offset) {
  char byte;
  iovec into{&byte, 1};
  return ::preadv2(file.get(), &into, 1, static_cast<off_t>(offset), RWF_NOWAIT) >= 0;
}

}  // namespace

bool ReadAhead::fetch(const Fd& file, uint64_t size_bytes) {
  if (!file || size_bytes == 0) return false;
  if (!probe_all_ && cached_in_a_row_ >= kCachedInARow && ++cached_in_a_row_ % kSparseProbes != 0) return false;
  // The last byte: the beginning is also there where some program has only looked at the header.
  const uint64_t last = size_bytes - 1;
  const auto said = says_is_cached(file, last);
  if (said ? *said : is_read_at_once(file, last)) {
    if (cached_in_a_row_ < kCachedInARow) ++cached_in_a_row_;
    return false;
  }
  cached_in_a_row_ = 0;
  const uint64_t wanted = size_bytes <= kMaxReadAheadBytes ? size_bytes : kBeginningBytes;
  return ::posix_fadvise(file.get(), 0, static_cast<off_t>(wanted), POSIX_FADV_WILLNEED) == 0;
}

}  // namespace pairloom::daemon
