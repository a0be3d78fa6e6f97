// Roots with a fake clock: when they are looked at, what is held back, and that a day of churn leaves nothing behind.
#include "service/watched_root.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "index/index_writer.h"
#include "tests/support/temp_dir.h"

namespace pairloom::service {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;

// Real files carry real times: the fake clock starts there and is moved by hand.
class FakeClock final : public Clock {
 public:
  int64_t monotonic_ns() const override { return now_ns; }
  int64_t wall_ns() const override { return wall_start_ns + now_ns; }
  int64_t now_ns = kHour;
  int64_t wall_start_ns = system_clock().wall_ns() - kHour;
};

class WatchedRootTest : public ::testing::Test {
 protected:
  void SetUp() override {
    index_.emplace(index::IndexWriter::open(home_ / "index.db", "test").value());
    shared_.settle_ns = 2 * kSecond;
    shared_.rescan_ns = 24 * kHour;
    shared_.poll_ns = kHour;
  }
  std::unique_ptr<WatchedRoot> root(WatchMode mode) {
    RootConfig config;
    config.path = root_.path();
    config.watch = mode;
    auto made = std::make_unique<WatchedRoot>(config, shared_);
    EXPECT_TRUE(made->check(*index_, false).value());
    EXPECT_TRUE(made->is_online());
    return made;
  }
  // Everything that is due now: "name" of files to be indexed, "-name" of absent ones.
  std::vector<std::string> due(WatchedRoot& root) {
    root.read_events();
    root.note_time(clock_.now_ns);
    if (root.is_in_doubt()) {
      EXPECT_TRUE(root.check(*index_, false));
    }
    std::vector<std::string> names;
    daemon::FileBatch batch;
    while (root.next(batch).value()) {
      for (const auto& file : batch.files)
        if (file.wanted) names.push_back(file.name);
      for (const auto& name : batch.absent_files) names.push_back("-" + name);
    }
    return names;
  }
  void age_all() { clock_.now_ns += 3 * kSecond; }

  test::TempDir root_, home_;
  FakeClock clock_;
  watch::WatchBudget budget_{1000, 1};
  Surveillance shared_{budget_, clock_};
  std::optional<index::IndexWriter> index_;
};

TEST_F(WatchedRootTest, TheFirstWalkHandsOnWhatIsThereAndHoldsBackWhatMayGrow) {
  root_.write("a.jpg", "x");
  const auto r = root(WatchMode::kInotify);
  EXPECT_THAT(due(*r), IsEmpty()) << "written just now";
  EXPECT_TRUE(r->take_finished_walk());
  EXPECT_EQ(r->pending(true), 1u);
  EXPECT_GT(r->next_due_ns(), clock_.now_ns);
  age_all();
  EXPECT_THAT(due(*r), ElementsAre("a.jpg"));
  EXPECT_EQ(r->next_due_ns(), clock_.now_ns - 3 * kSecond + 24 * kHour) << "nothing but the next walk wakes it";
}

TEST_F(WatchedRootTest, WhatIsClosedIsTakenAtOnceWhatIsOpenWhenItIsQuiet) {
  const auto r = root(WatchMode::kInotify);
  due(*r);
  root_.write("closed.jpg", "x");
  std::ofstream open(root_ / "open.jpg");
  open << "x" << std::flush;
  EXPECT_THAT(due(*r), ElementsAre("closed.jpg"));
  age_all();
  open << "y" << std::flush;  // by its own times it was written "three seconds ago": still quiet enough
  EXPECT_THAT(due(*r), ElementsAre("open.jpg"));
}

TEST_F(WatchedRootTest, DeletedNamesAreAbsentAndNewDirectoriesWalked) {
  root_.write("a.jpg", "x");
  const auto r = root(WatchMode::kInotify);
  age_all();
  EXPECT_THAT(due(*r), ElementsAre("a.jpg"));
  fs::remove(root_ / "a.jpg");
  root_.write("sub/deeper/b.jpg", "x");
  EXPECT_THAT(due(*r), ElementsAre("-a.jpg", "-sub", "b.jpg")) << "sub is not there as a file";
}

TEST_F(WatchedRootTest, APolledRootIsWalkedEachTime) {
  root_.write("a.jpg", "x");
  const auto r = root(WatchMode::kPoll);
  age_all();
  EXPECT_THAT(due(*r), ElementsAre("a.jpg"));
  EXPECT_EQ(r->status().watch, daemon::RootStatus::Watch::kPolling);
  root_.write("b.jpg", "x");
  age_all();
  EXPECT_THAT(due(*r), IsEmpty());
  clock_.now_ns += kHour;
  EXPECT_THAT(due(*r), UnorderedElementsAre("a.jpg", "b.jpg"));
}

TEST_F(WatchedRootTest, DirectoriesBeyondTheBudgetArePolledAndSaid) {
  budget_.set_share(0.003);
  for (int i = 0; i < 8; ++i) fs::create_directory(root_ / std::to_string(i));
  const auto r = root(WatchMode::kInotify);
  due(*r);
  EXPECT_EQ(budget_.used(), 3u);
  const auto status = r->status();
  EXPECT_THAT(status.reason, ::testing::HasSubstr("6 of 9 directories are polled"));
  EXPECT_THAT(status.hint, ::testing::HasSubstr("fs.inotify.max_user_watches"));
  root_.write("7/late.jpg", "x");
  age_all();
  EXPECT_THAT(due(*r), IsEmpty());
  clock_.now_ns += kHour;
  EXPECT_THAT(due(*r), ElementsAre("late.jpg"));
}

TEST_F(WatchedRootTest, AFileThatChangesWhileItIsReadIsTriedThreeTimes) {
  const auto r = root(WatchMode::kInotify);
  due(*r);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(r->look_again(root_ / "a.jpg", true));
  EXPECT_FALSE(r->look_again(root_ / "a.jpg", true));
}

TEST_F(WatchedRootTest, EventsThatWereLostMakeAWalkAndNoneIsForgottenMeanwhile) {
  root_.write("a.jpg", "x");
  const auto r = root(WatchMode::kInotify);
  age_all();
  due(*r);
  r->lost_track();
  EXPECT_EQ(r->next_due_ns(), 0);
  EXPECT_THAT(due(*r), ElementsAre("a.jpg"));
  EXPECT_EQ(r->overflows(), 1u);
}

// A day of files that come, change, move and go, compressed.
TEST_F(WatchedRootTest, ADayOfChurnLeavesNothingBehind) {
  const auto r = root(WatchMode::kInotify);
  due(*r);
  const auto churn = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      const std::string name = "d" + std::to_string(i);
      root_.write(name + "/sub/a.jpg", "x");
      due(*r);
      fs::rename(root_ / name, root_ / (name + "-moved"));
      due(*r);
      clock_.now_ns += 60 * kSecond;
      due(*r);
      fs::remove_all(root_ / (name + "-moved"));
      due(*r);
    }
  };
  churn(100);
  const size_t before = ::mallinfo2().uordblks;
  churn(1440);
  EXPECT_LT(::mallinfo2().uordblks, before + (64u << 10)) << "bytes in use after a day";
  EXPECT_EQ(r->pending(false) + r->pending(true), 0u);
  EXPECT_EQ(budget_.used(), 1u) << "only the root is watched";
}

}  // namespace
}  // namespace pairloom::service
