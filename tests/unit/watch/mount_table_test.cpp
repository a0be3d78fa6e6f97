#include "watch/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace pairloom::watch {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(MountTable, ReadsEscapedNamesAndTheUppermostMount) {
  const auto mounts = MountTable::parse(
      "36 35 98:0 / / rw,noatime master:1 - ext3 /dev/root rw\n"
      "40 36 0:30 /sub /mnt/with\\040space\\134 rw - tmpfs none rw\n"
      "41 36 0:31 / /mnt/x rw - tmpfs none rw\n"
      "42 41 0:32 / /mnt/x rw - tmpfs none rw\n"
      "garbage\n");
  EXPECT_EQ(mounts.size(), 3u);
  EXPECT_THAT(mounts, Contains(Pair("/mnt/with space\\", "40 0:30 /sub")));
  EXPECT_THAT(mounts, Contains(Pair("/mnt/x", "42 0:32 /")));
}

TEST(MountTable, TellsWhatWasMountedAndUnmounted) {
  auto table = MountTable::open();
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_THAT(table->changes().value(), IsEmpty());
  const test::TempDir point;
  if (::mount("none", point.path().c_str(), "tmpfs", 0, "") != 0) GTEST_SKIP() << "cannot mount here";
  pollfd changed{table->fd(), POLLPRI, 0};
  EXPECT_EQ(::poll(&changed, 1, 10'000), 1);
  EXPECT_THAT(table->changes().value(), Contains(point.path()));
  EXPECT_TRUE(table->is_mount_point(point.path()));
  ASSERT_EQ(::umount(point.path().c_str()), 0);
  EXPECT_EQ(::poll(&changed, 1, 10'000), 1);
  EXPECT_THAT(table->changes().value(), Contains(point.path()));
  EXPECT_FALSE(table->is_mount_point(point.path()));
}

}  // namespace
}  // namespace pairloom::watch
