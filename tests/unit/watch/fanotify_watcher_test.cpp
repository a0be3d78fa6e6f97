#include "watch/fanotify_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/unit/watch/recorder.h"

namespace pairloom::watch {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::UnorderedElementsAre;

class FanotifyWatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = FanotifyWatcher::create(root_.path());
    if (!made) GTEST_SKIP() << made.error().message;
    watcher_ = std::move(*made);
  }
  test::TempDir root_;
  std::unique_ptr<FanotifyWatcher> watcher_;
  Recorder seen_;
};

TEST_F(FanotifyWatcherTest, OneMarkSeesTheWholeTreeAndNothingElse) {
  test::TempDir elsewhere;
  fs::create_directories(root_ / "a/b");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.arrived, UnorderedElementsAre(root_ / "a", root_ / "a/b"));
  seen_.clear();
  elsewhere.write("other.jpg", "x");
  root_.write("a/b/c.jpg", "x");
  std::ofstream open(root_ / "open.jpg");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, UnorderedElementsAre(root_ / "a/b/c.jpg"));
  EXPECT_THAT(seen_.all, UnorderedElementsAre(root_ / "a/b/c.jpg", root_ / "open.jpg"));
}

TEST_F(FanotifyWatcherTest, AMovedDirectoryIsKnownByItsNewName) {
  root_.write("a/b/c.jpg", "x");
  seen_.listen(*watcher_);
  fs::rename(root_ / "a", root_ / "z");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.arrived, Contains(root_ / "z"));
  seen_.clear();
  root_.write("z/b/d.jpg", "x");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, UnorderedElementsAre(root_ / "z/b/d.jpg"));
}

TEST_F(FanotifyWatcherTest, TheRootsOwnMoveIsDoubtful) {
  fs::rename(root_.path(), root_.path() + "-moved");
  seen_.listen(*watcher_);
  EXPECT_GE(seen_.doubts, 1);
  fs::rename(root_.path() + "-moved", root_.path());
}

TEST_F(FanotifyWatcherTest, HoldsNoFileSystemBack) {
  const std::string disk = root_ / "disk";
  fs::create_directory(disk);
  if (::mount("none", disk.c_str(), "tmpfs", 0, "") != 0) GTEST_SKIP() << "cannot mount here";
  struct stat st {};
  ASSERT_EQ(::stat(disk.c_str(), &st), 0);
  EXPECT_EQ(watcher_->watch(disk, st.st_dev), Watcher::Watching::kYes);
  root_.write("disk/x.jpg", "x");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, Contains(disk + "/x.jpg"));
  EXPECT_EQ(::umount(disk.c_str()), 0);
}

}  // namespace
}  // namespace pairloom::watch
