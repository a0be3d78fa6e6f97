#include "daemon/read_ahead.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace pairloom::daemon {

bool read_ahead(const Fd& file) {
  struct stat st {};
  if (!file || ::fstat(file.get(), &st) != 0 || st.st_size <= 0) return false;
  // The last byte, on condition that nobody has to wait for it (Linux 4.14). The beginning would tell less: it is also
  // there where some program has only looked at the header.
  char byte;
  iovec into{&byte, 1};
  if (::preadv2(file.get(), &into, 1, st.st_size - 1, RWF_NOWAIT) >= 0) return false;
  const auto size = static_cast<uint64_t>(st.st_size);
  const uint64_t wanted = size <= kMaxReadAheadBytes ? size : kBeginningBytes;
  return ::posix_fadvise(file.get(), 0, static_cast<off_t>(wanted), POSIX_FADV_WILLNEED) == 0;
}

}  // namespace pairloom::daemon
