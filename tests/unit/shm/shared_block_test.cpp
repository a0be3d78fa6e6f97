#include "shm/shared_block.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/unit/shm/lane_parts.h"

namespace pairloom::shm {
namespace {

using test::expect_error;
using test::text_of;

Fd frozen(const std::string& text) {
  auto block = WritableBlock::create(text.size()).value();
  std::memcpy(block.bytes().data(), text.data(), text.size());
  return std::move(block).freeze().value();
}

Fd duplicate(const Fd& fd) {
  return Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
}

TEST(SharedBlock, HoldsWhatWasFilledIn) {
  const Fd fd = frozen("every pixel");
  const auto block = SharedBlock::open(duplicate(fd), 11);
  ASSERT_TRUE(block) << block.error().message;
  EXPECT_EQ(text_of(block->bytes()), "every pixel");
}

TEST(SharedBlock, FrozenMeansThatNobodyCanChangeIt) {
  const Fd fd = frozen("every pixel");
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(fd.get(), 1), -1);
  EXPECT_EQ(::mmap(nullptr, 11, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
}

TEST(SharedBlock, OnlyAFrozenBlockOfTheRightSizeIsOpened) {
  const Fd fd = frozen("every pixel");
  expect_error(SharedBlock::open(duplicate(fd), 12), Errc::kProtocol, "11 bytes, expected 12");
  expect_error(SharedBlock::open(duplicate(fd), 0), Errc::kProtocol, "expected 0");
  Fd soft(::memfd_create("soft", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(::ftruncate(soft.get(), 11), 0);
  ASSERT_EQ(::fcntl(soft.get(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
  expect_error(SharedBlock::open(std::move(soft), 11), Errc::kProtocol, "not frozen");
  expect_error(SharedBlock::open(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)), 11), Errc::kProtocol, "not a memfd");
}

TEST(SharedBlock, NothingAndTooMuchAreRefused) {
  expect_error(WritableBlock::create(0), Errc::kInvalidArgument, "0 bytes");
  expect_error(WritableBlock::create(uint64_t{1} << 62), Errc::kTooLarge, "more than this machine has");
}

}  // namespace
}  // namespace pairloom::shm
