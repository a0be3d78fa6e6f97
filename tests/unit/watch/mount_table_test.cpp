#include "watch/mount_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mount.h>

#include <filesystem>

#include "base/fd.h"
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

// As the service waits while a run of its pool goes on: by an epoll in another. Looking whether the inner one is ready takes
// the event away from it.
TEST(MountTable, IsNotMissedBehindTwoEpolls) {
  auto table = MountTable::open();
  ASSERT_TRUE(table) << table.error().message;
  const Fd inner(::epoll_create1(EPOLL_CLOEXEC)), outer(::epoll_create1(EPOLL_CLOEXEC));
  epoll_event event{.events = EPOLLPRI, .data = {}};
  ASSERT_EQ(::epoll_ctl(inner.get(), EPOLL_CTL_ADD, table->fd(), &event), 0);
  event.events = EPOLLIN;
  ASSERT_EQ(::epoll_ctl(outer.get(), EPOLL_CTL_ADD, inner.get(), &event), 0);
  EXPECT_FALSE(table->has_changed());
  const test::TempDir point;
  if (::mount("none", point.path().c_str(), "tmpfs", 0, "") != 0) GTEST_SKIP() << "cannot mount here";
  EXPECT_EQ(::epoll_wait(outer.get(), &event, 1, 10'000), 1);
  ::epoll_wait(inner.get(), &event, 1, 0);  // may say nothing
  EXPECT_TRUE(table->has_changed());
  EXPECT_FALSE(table->has_changed());
  ::umount(point.path().c_str());
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
