// SharedBlock: a block of bytes that the supervisor fills once and every worker then reads: the pixels of a picture
// that all of them work on. Made as a memfd, frozen when full (nobody can write to it or resize it any more, the
// supervisor included), passed on as a descriptor. Runs in: supervisor (WritableBlock), worker (SharedBlock).
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::shm {

// While it is being filled. Move-only.
class WritableBlock {
 public:
  // Of 1 byte or more, all zero. The memory is there from now on; kTooLarge when it cannot be had.
  static Result<WritableBlock> create(uint64_t bytes);
  std::span<std::byte> bytes() const {
    return {static_cast<std::byte*>(region_.get_address()), static_cast<size_t>(region_.get_size())};
  }
  // Ends the filling: unmaps the block and forbids every change. What is left is the descriptor, to be passed to
  // workers.
  Result<Fd> freeze() &&;

 private:
  WritableBlock(Fd fd, boost::interprocess::mapped_region region) : fd_(std::move(fd)), region_(std::move(region)) {}
  Fd fd_;
  boost::interprocess::mapped_region region_;
};

// A worker's view of a frozen block. Move-only.
class SharedBlock {
 public:
  // kProtocol unless `fd` is a frozen block of exactly that size.
  static Result<SharedBlock> open(Fd fd, uint64_t bytes);
  std::span<const std::byte> bytes() const {
    return {static_cast<const std::byte*>(region_.get_address()), static_cast<size_t>(region_.get_size())};
  }

 private:
  explicit SharedBlock(boost::interprocess::mapped_region region) : region_(std::move(region)) {}
  boost::interprocess::mapped_region region_;  // outlives the descriptor it was made from
};

}  // namespace pairloom::shm
