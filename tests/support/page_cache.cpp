#include "tests/support/page_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fd.h"

namespace pairloom::test {
namespace {

bool is_cached(const Fd& fd) {
  struct stat st {};
  char byte;
  iovec into{&byte, 1};
  return ::fstat(fd.get(), &st) == 0 && ::preadv2(fd.get(), &into, 1, st.st_size - 1, RWF_NOWAIT) == 1;
}

}  // namespace

bool is_cached(const std::string& path) {
  return is_cached(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

bool evict(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  return fd && ::fsync(fd.get()) == 0 && ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED) == 0 && !is_cached(fd);
}

}  // namespace pairloom::test
