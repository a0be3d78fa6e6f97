#include "tests/support/page_cache.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace pairloom::test {
namespace {

// Not by a read that does not want to wait (RWF_NOWAIT): to newer kernels that is a reason to fetch it.
bool is_cached(const Fd& fd) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0 || st.st_size == 0) return false;
  const auto page_bytes = static_cast<off_t>(::sysconf(_SC_PAGESIZE));
  const off_t last = (st.st_size - 1) / page_bytes * page_bytes;
  const auto bytes = static_cast<size_t>(st.st_size - last);
  void* const page = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd.get(), last);
  if (page == MAP_FAILED) return false;
  unsigned char resident = 0;
  const bool known = ::mincore(page, bytes, &resident) == 0;
  ::munmap(page, bytes);
  return known && (resident & 1) != 0;
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
