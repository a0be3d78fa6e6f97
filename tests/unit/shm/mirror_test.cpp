#include "shm/mirror.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <fstream>
#include <utility>

#include "base/fd.h"
#include "tests/unit/shm/lane_parts.h"

namespace pairloom::shm {
namespace {

constexpr uint64_t kPage = 4096;

Fd memory_file(uint64_t bytes) {
  Fd fd(::memfd_create("mirror-test", MFD_CLOEXEC));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(bytes)), 0);
  return fd;
}

uint64_t address_space_pages() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages;
}

TEST(Mirror, SecondHalfIsTheSameMemory) {
  const Fd file = memory_file(3 * kPage);
  const auto mirror = MirrorMapping::map(file.get(), kPage, 2 * kPage).value();
  ASSERT_EQ(mirror.capacity_bytes(), 2 * kPage);
  auto* data =
      reinterpret_cast<volatile uint8_t*>(mirror.data());  // volatile: to the compiler the two are different memory
  for (uint64_t i = 0; i < 2 * kPage; i += 511) {
    data[i] = 0x11;
    EXPECT_EQ(uint8_t{data[i + 2 * kPage]}, 0x11);
    data[i + 2 * kPage] = 0x22;
    EXPECT_EQ(uint8_t{data[i]}, 0x22);
  }
}

TEST(Mirror, MapsThePartOfTheFileThatWasAskedFor) {
  const Fd file = memory_file(3 * kPage);
  const auto mirror = MirrorMapping::map(file.get(), 2 * kPage, kPage).value();
  *mirror.data() = std::byte{'x'};
  char seen = 0;
  ASSERT_EQ(::pread(file.get(), &seen, 1, 2 * kPage), 1);
  EXPECT_EQ(seen, 'x');
}

TEST(Mirror, MoveKeepsTheAddressAndUnmapsOnce) {
  const Fd file = memory_file(kPage);
  auto mirror = MirrorMapping::map(file.get(), 0, kPage).value();
  std::byte* const data = mirror.data();
  MirrorMapping moved = std::move(mirror);
  EXPECT_EQ(moved.data(), data);
  data[kPage] = std::byte{1};
  EXPECT_EQ(moved.data()[kPage], std::byte{1});
}

TEST(Mirror, DestructionGivesTheAddressSpaceBack) {
  const Fd file = memory_file(kPage << 10);
  const uint64_t before = address_space_pages();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(MirrorMapping::map(file.get(), 0, kPage << 10));
  EXPECT_LT(address_space_pages(), before + (2 << 10));
}

TEST(Mirror, FailedMappingGivesTheAddressSpaceBack) {
  const Fd read_only(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const uint64_t before = address_space_pages();
  for (int i = 0; i < 100; ++i)
    test::expect_error(MirrorMapping::map(read_only.get(), 0, kPage << 10), Errc::kIo, "cannot map");
  EXPECT_LT(address_space_pages(), before + (2 << 10));
}

TEST(Mirror, ImpossibleSizeIsAnError) {
  const Fd file = memory_file(kPage);
  test::expect_error(MirrorMapping::map(file.get(), 0, uint64_t{1} << 50), Errc::kIo, "cannot reserve");
}

}  // namespace
}  // namespace pairloom::shm
