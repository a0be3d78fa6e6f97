#include "shm/mirror.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <utility>

namespace pairloom::shm {
namespace {

namespace bip = boost::interprocess;

// What mapped_region's constructor asks of a "memory mappable": Boost has one for named shared memory and one for files
// by name, but none for a descriptor.
class MappableFd {
 public:
  explicit MappableFd(int fd) : fd_(fd) {}
  bip::mapping_handle_t get_mapping_handle() const { return bip::ipcdetail::mapping_handle_from_file_handle(fd_); }
  bip::mode_t get_mode() const { return bip::read_write; }

 private:
  int fd_;
};

// Address space that nothing else will be put into. give_first() hands its beginning over to a mapping placed there,
// which then unmaps it: at any time each page has exactly one owner, so nothing is unmapped twice (a second munmap
// could hit what another thread was given in between). One gap is the kernel's: a MAP_FIXED that fails may have dropped
// the reserved pages already. Only a process with threads could lose by that; supervisor and worker map their lanes
// before they have any.
class ReservedAddresses {
 public:
  static Result<ReservedAddresses> reserve(size_t size_bytes) {
    void* begin = ::mmap(nullptr, size_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED)
      return fail_errno(fmt::format("cannot reserve {} bytes of address space", size_bytes), errno);
    return ReservedAddresses(static_cast<std::byte*>(begin), size_bytes);
  }
  ReservedAddresses(ReservedAddresses&& other) noexcept
      : begin_(other.begin_), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  ReservedAddresses& operator=(ReservedAddresses&&) = delete;
  ~ReservedAddresses() {
    if (size_bytes_ > 0) ::munmap(begin_, size_bytes_);
  }

  void* begin() const { return begin_; }
  void give_first(size_t size_bytes) {
    begin_ += size_bytes;
    size_bytes_ -= size_bytes;
  }

 private:
  ReservedAddresses(std::byte* begin, size_t size_bytes) : begin_(begin), size_bytes_(size_bytes) {}
  std::byte* begin_;
  size_t size_bytes_;
};

}  // namespace

Result<bip::mapped_region> map_shared(int fd, uint64_t offset_bytes, uint64_t size_bytes, void* fixed_address) {
  try {
    // Boost takes an address as a hint and adds nothing itself; MAP_FIXED makes it the place. MAP_SHARED comes from the
    // mode.
    return bip::mapped_region(MappableFd(fd), bip::read_write, static_cast<bip::offset_t>(offset_bytes), size_bytes,
                              fixed_address, fixed_address != nullptr ? MAP_FIXED : bip::default_map_options);
  } catch (const bip::interprocess_exception& e) {
    return fail(Errc::kIo, fmt::format("cannot map {} bytes of shared memory: {}", size_bytes, e.what()));
  }
}

Result<bip::mapped_region> map_shared_read_only(int fd, uint64_t size_bytes) {
  try {
    return bip::mapped_region(MappableFd(fd), bip::read_only, 0, size_bytes);
  } catch (const bip::interprocess_exception& e) {
    return fail(Errc::kIo, fmt::format("cannot map {} bytes of shared memory: {}", size_bytes, e.what()));
  }
}

MirrorMapping::MirrorMapping(bip::mapped_region first, bip::mapped_region second)
    : first_(std::move(first)), second_(std::move(second)) {}

Result<MirrorMapping> MirrorMapping::map(int fd, uint64_t offset_bytes, uint64_t capacity_bytes) {
  PAIRLOOM_ASSIGN(ReservedAddresses reserved, ReservedAddresses::reserve(2 * capacity_bytes));
  PAIRLOOM_ASSIGN(bip::mapped_region first, map_shared(fd, offset_bytes, capacity_bytes, reserved.begin()));
  reserved.give_first(capacity_bytes);
  PAIRLOOM_ASSIGN(bip::mapped_region second, map_shared(fd, offset_bytes, capacity_bytes, reserved.begin()));
  reserved.give_first(capacity_bytes);
  return MirrorMapping(std::move(first), std::move(second));
}

}  // namespace pairloom::shm
