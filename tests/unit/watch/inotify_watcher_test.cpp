#include "watch/inotify_watcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"
#include "tests/unit/watch/recorder.h"

namespace pairloom::watch {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

class InotifyWatcherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = InotifyWatcher::create(root_.path(), budget_);
    ASSERT_TRUE(made) << made.error().message;
    watcher_ = std::move(*made);
    ASSERT_EQ(watcher_->watch(root_.path(), 0), Watcher::Watching::kYes);
  }
  test::TempDir root_;
  WatchBudget budget_{10, 1};
  std::unique_ptr<InotifyWatcher> watcher_;
  Recorder seen_;
};

TEST_F(InotifyWatcherTest, TellsWhatIsFinishedAndWhatGrows) {
  root_.write("closed.jpg", "x");
  std::ofstream open(root_ / "open.jpg");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, UnorderedElementsAre(root_ / "closed.jpg"));
  EXPECT_THAT(seen_.all, UnorderedElementsAre(root_ / "closed.jpg", root_ / "open.jpg"));
  seen_.clear();
  fs::rename(root_ / "closed.jpg", root_ / "renamed.jpg");
  fs::remove(root_ / "renamed.jpg");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, UnorderedElementsAre(root_ / "closed.jpg", root_ / "renamed.jpg"));
}

TEST_F(InotifyWatcherTest, DirectoriesThatComeAreSaidToCome) {
  fs::create_directory(root_ / "sub");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.arrived, UnorderedElementsAre(root_ / "sub"));
}

TEST_F(InotifyWatcherTest, AWatchGoesWithItsDirectory) {
  fs::create_directories(root_ / "a/b");
  for (const char* name : {"a", "a/b"}) ASSERT_EQ(watcher_->watch(root_ / name, 0), Watcher::Watching::kYes);
  EXPECT_EQ(budget_.used(), 3u);
  fs::rename(root_ / "a", root_ / "z");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.arrived, UnorderedElementsAre(root_ / "a", root_ / "z")) << "the making of a, and the coming of z";
  watcher_->forget(root_ / "a");
  EXPECT_FALSE(watcher_->watches(root_ / "a/b"));
  for (const char* name : {"z", "z/b"}) ASSERT_EQ(watcher_->watch(root_ / name, 0), Watcher::Watching::kYes);
  EXPECT_EQ(budget_.used(), 3u) << "the same watches under new names";
  watcher_->sweep();
  seen_.clear();
  root_.write("z/b/new.jpg", "x");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, UnorderedElementsAre(root_ / "z/b/new.jpg"));
}

// a -> b, c -> a: the name is the same, the directory is not.
TEST_F(InotifyWatcherTest, ADirectoryInAnothersPlaceIsNotTakenForIt) {
  fs::create_directory(root_ / "a");
  fs::create_directory(root_ / "c");
  for (const char* name : {"a", "c"}) ASSERT_EQ(watcher_->watch(root_ / name, 0), Watcher::Watching::kYes);
  fs::rename(root_ / "a", root_ / "b");
  fs::rename(root_ / "c", root_ / "a");
  for (const char* name : {"a", "b"}) ASSERT_EQ(watcher_->watch(root_ / name, 0), Watcher::Watching::kYes);
  watcher_->sweep();
  seen_.listen(*watcher_);
  seen_.clear();
  root_.write("a/in-a", "x");
  root_.write("b/in-b", "x");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.ripe, UnorderedElementsAre(root_ / "a/in-a", root_ / "b/in-b"));
  EXPECT_EQ(budget_.used(), 3u);
}

TEST_F(InotifyWatcherTest, WhatLeftTheRootIsGivenUp) {
  test::TempDir elsewhere;
  fs::create_directory(root_ / "a");
  ASSERT_EQ(watcher_->watch(root_ / "a", 0), Watcher::Watching::kYes);
  fs::rename(root_ / "a", elsewhere / "a");
  watcher_->forget(root_ / "a");
  watcher_->sweep();
  seen_.listen(*watcher_);
  EXPECT_EQ(budget_.used(), 1u);
  seen_.clear();
  elsewhere.write("a/x", "x");
  seen_.listen(*watcher_);
  EXPECT_THAT(seen_.all, IsEmpty());
}

TEST_F(InotifyWatcherTest, DeletedDirectoriesGiveTheirWatchesBack) {
  fs::create_directories(root_ / "a/b");
  for (const char* name : {"a", "a/b"}) ASSERT_EQ(watcher_->watch(root_ / name, 0), Watcher::Watching::kYes);
  fs::remove_all(root_ / "a");
  seen_.listen(*watcher_);
  EXPECT_EQ(budget_.used(), 1u);
  EXPECT_EQ(watcher_->count(), 1u);
  EXPECT_THAT(seen_.ripe, Contains(root_ / "a"));
}

TEST_F(InotifyWatcherTest, StopsAtItsShare) {
  for (int i = 0; i < 9; ++i) {
    const std::string path = root_ / std::to_string(i);
    fs::create_directory(path);
    EXPECT_EQ(watcher_->watch(path, 0), Watcher::Watching::kYes);
  }
  fs::create_directory(root_ / "one-too-many");
  EXPECT_EQ(watcher_->watch(root_ / "one-too-many", 0), Watcher::Watching::kNoRoom);
  EXPECT_EQ(watcher_->watch(root_ / "3", 0), Watcher::Watching::kYes) << "that one is watched already";
  EXPECT_EQ(budget_.used(), 10u);
  watcher_.reset();
  EXPECT_EQ(budget_.used(), 0u);
}

TEST_F(InotifyWatcherTest, TheRootsOwnEndIsDoubtful) {
  fs::rename(root_.path(), root_.path() + "-moved");
  seen_.listen(*watcher_);
  EXPECT_GE(seen_.doubts, 1);
  fs::rename(root_.path() + "-moved", root_.path());
}

TEST_F(InotifyWatcherTest, AFileIsNoDirectory) {
  root_.write("file", "x");
  EXPECT_EQ(watcher_->watch(root_ / "file", 0), Watcher::Watching::kCannot);
  EXPECT_EQ(watcher_->watch(root_ / "nothing", 0), Watcher::Watching::kCannot);
  EXPECT_EQ(budget_.used(), 1u);
}

}  // namespace
}  // namespace pairloom::watch
