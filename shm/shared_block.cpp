#include "shm/shared_block.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "shm/mirror.h"

namespace pairloom::shm {
namespace {

// fallocate() on a memfd has no limit of its own: it takes page after page until the kernel kills somebody.
uint64_t memory_of_the_machine() {
  return static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Result<WritableBlock> WritableBlock::create(uint64_t bytes) {
  const std::string what = fmt::format("cannot make {} bytes of shared memory", bytes);
  if (bytes == 0) return fail(Errc::kInvalidArgument, what);
  if (bytes > memory_of_the_machine()) return fail(Errc::kTooLarge, what + ": more than this machine has");
  Fd fd(::memfd_create("pairloom-block", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno(what, errno);
  int error = 0;
  do {
    error = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(bytes));  // now, not as SIGBUS later
  } while (error == EINTR);
  if (error == ENOSPC || error == ENOMEM) return fail(Errc::kTooLarge, what + ": not enough memory");
  if (error != 0) return fail_errno(what, error);
  PAIRLOOM_ASSIGN(auto region, map_shared(fd.get(), 0, bytes));
  return WritableBlock(std::move(fd), std::move(region));
}

Result<Fd> WritableBlock::freeze() && {
  region_ = {};  // F_SEAL_WRITE is refused while a writable mapping exists
  if (::fcntl(fd_.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("cannot seal shared memory", errno);
  return std::move(fd_);
}

Result<SharedBlock> SharedBlock::open(Fd fd, uint64_t bytes) {
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) return fail(Errc::kProtocol, "a shared block's descriptor is not a memfd");
  if ((seals & F_SEAL_SHRINK) == 0 || (seals & F_SEAL_WRITE) == 0)
    return fail(Errc::kProtocol, "a shared block is not frozen");
  struct stat status;
  if (!stat_open_file(fd.get(), status)) return fail_errno("cannot stat a shared block", errno);
  if (bytes == 0 || static_cast<uint64_t>(status.st_size) != bytes)
    return fail(Errc::kProtocol, fmt::format("a shared block of {} bytes, expected {}", status.st_size, bytes));
  PAIRLOOM_ASSIGN(auto region, map_shared_read_only(fd.get(), bytes));
  return SharedBlock(std::move(region));
}

}  // namespace pairloom::shm
