#include "daemon/read_ahead.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <cerrno>

namespace pairloom::daemon {
namespace {

enum class Cached { kYes, kNo, kUnknown };

// Asks for the byte there on condition that nobody has to wait for it (Linux 4.14; not every file system can say).
Cached is_cached(int fd, off_t at) {
  char byte;
  iovec into{&byte, 1};
  if (::preadv2(fd, &into, 1, at, RWF_NOWAIT) >= 0) return Cached::kYes;
  return errno == EAGAIN ? Cached::kNo : Cached::kUnknown;
}

}  // namespace

void read_ahead(shm::PassedFile& file, bool io_friendly) {
  struct stat st {};
  if (!file.fd || ::fstat(file.fd.get(), &st) != 0 || st.st_size == 0) return;
  const int fd = file.fd.get();
  // The end tells best: the beginning is also there where some program has only looked at the header.
  const Cached end = is_cached(fd, st.st_size - 1);
  if (end == Cached::kYes) return;
  if (io_friendly && end == Cached::kNo) file.drop_behind = is_cached(fd, 0) == Cached::kNo;
  const auto size = static_cast<uint64_t>(st.st_size);
  const uint64_t wanted = size <= kMaxReadAheadBytes ? size : kBeginningBytes;
  ::posix_fadvise(fd, 0, static_cast<off_t>(wanted), POSIX_FADV_WILLNEED);
}

}  // namespace pairloom::daemon
