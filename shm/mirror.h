// Mirror: a part of a file mapped twice, back to back, so that a ring's records never wrap: byte i and byte i +
// capacity are the same memory. The one file where Boost.Interprocess is called and its exceptions end. Runs in:
// supervisor, worker.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace pairloom::shm {

// Maps `size_bytes` of the file shared and writable. `offset_bytes` a multiple of the page size. `fixed_address`:
// where; it must lie in address space the caller has reserved, because whatever is mapped there is replaced. nullptr:
// anywhere.
Result<boost::interprocess::mapped_region> map_shared(int fd, uint64_t offset_bytes, uint64_t size_bytes,
                                                      void* fixed_address = nullptr);

// The first `size_bytes` of the file, shared and read-only, wherever there is room.
Result<boost::interprocess::mapped_region> map_shared_read_only(int fd, uint64_t size_bytes);

// Move-only; unmaps both halves on destruction.
class MirrorMapping {
 public:
  // `offset_bytes` and `capacity_bytes` are multiples of the page size and lie within the file.
  static Result<MirrorMapping> map(int fd, uint64_t offset_bytes, uint64_t capacity_bytes);

  std::byte* data() const { return static_cast<std::byte*>(first_.get_address()); }  // 2 x capacity_bytes long
  uint64_t capacity_bytes() const { return first_.get_size(); }

 private:
  MirrorMapping(boost::interprocess::mapped_region first, boost::interprocess::mapped_region second);
  boost::interprocess::mapped_region first_, second_;
};

}  // namespace pairloom::shm
