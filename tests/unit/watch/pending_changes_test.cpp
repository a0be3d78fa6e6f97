#include "watch/pending_changes.h"

#include <gtest/gtest.h>

namespace pairloom::watch {
namespace {

constexpr int64_t kSecond = 1'000'000'000, kSettle = 2 * kSecond;

TEST(PendingChanges, RipeNamesAreDueAtOnceGrowingOnesLater) {
  PendingChanges pending;
  EXPECT_EQ(pending.next_due_ns(), -1);
  pending.add("/d", "grows", Ripeness::kGrowing, false, 100, kSettle);
  EXPECT_EQ(pending.next_due_ns(), 100 + kSettle);
  EXPECT_FALSE(pending.take(100));
  pending.add("/d", "ripe", Ripeness::kRipe, false, 200, kSettle);
  auto due = pending.take(200);
  ASSERT_TRUE(due);
  EXPECT_EQ(due->directory, "/d");
  ASSERT_EQ(due->names.size(), 1u);
  EXPECT_EQ(due->names[0].name, "ripe");
  EXPECT_EQ(pending.count(true), 1u);
  due = pending.take(100 + kSettle);
  ASSERT_TRUE(due);
  EXPECT_TRUE(due->names[0].growing);
  EXPECT_TRUE(pending.empty());
  EXPECT_EQ(pending.next_due_ns(), -1);
}

TEST(PendingChanges, ClosingAFileEndsItsWait) {
  PendingChanges pending;
  pending.add("/d", "a", Ripeness::kGrowing, false, 0, kSettle);
  pending.add("/d", "a", Ripeness::kRipe, false, 10, kSettle);
  const auto due = pending.take(10);
  ASSERT_TRUE(due);
  EXPECT_FALSE(due->names[0].growing);
  EXPECT_EQ(pending.count(true) + pending.count(false), 0u);
}

// A directory that came is walked to its depth, whatever is said of it later.
TEST(PendingChanges, ThatADirectoryCameIsNotForgotten) {
  PendingChanges pending;
  pending.add("/d", "sub", Ripeness::kRipe, true, 0, kSettle);
  pending.add("/d", "sub", Ripeness::kRipe, false, 1, kSettle);
  for (size_t i = 0; i <= PendingChanges::kMaxNames; ++i)
    pending.add("/d", "f" + std::to_string(i), Ripeness::kRipe, false, 2, kSettle);
  const auto due = pending.take(2);
  ASSERT_TRUE(due);
  EXPECT_TRUE(due->whole);
  bool found = false;
  for (const auto& name : due->names) found |= name.name == "sub" && name.came;
  EXPECT_TRUE(found);
}

TEST(PendingChanges, ManyNamesBecomeTheWholeDirectoryNotTooOften) {
  PendingChanges pending;
  const auto flood = [&](int64_t now) {
    for (size_t i = 0; i <= PendingChanges::kMaxNames; ++i)
      EXPECT_TRUE(pending.add("/d", "f" + std::to_string(i), Ripeness::kRipe, false, now, kSettle));
  };
  flood(0);
  ASSERT_TRUE(pending.take(0)->whole);
  EXPECT_TRUE(pending.empty());
  flood(1);
  EXPECT_FALSE(pending.take(1));
  EXPECT_EQ(pending.next_due_ns(), PendingChanges::kWholeAgainNs);
  EXPECT_TRUE(pending.take(PendingChanges::kWholeAgainNs)->whole);
}

TEST(PendingChanges, BeyondTheBoundEverythingIsDroppedAndSaid) {
  PendingChanges pending;
  bool fits = true;
  for (size_t i = 0; fits && i <= PendingChanges::kMaxAllNames; ++i)
    fits = pending.add("/d" + std::to_string(i / 1000), "f" + std::to_string(i), Ripeness::kRipe, false, 0, kSettle);
  EXPECT_FALSE(fits);
  EXPECT_TRUE(pending.empty());
  EXPECT_EQ(pending.count(false), 0u);
}

TEST(PendingChanges, WhatHasBeenDueForLongestComesFirst) {
  PendingChanges pending;
  pending.add("/b", "x", Ripeness::kRipe, false, 5, kSettle);
  pending.add("/a", "x", Ripeness::kRipe, false, 7, kSettle);
  EXPECT_EQ(pending.take(10)->directory, "/b");
  EXPECT_EQ(pending.take(10)->directory, "/a");
}

TEST(IsSettled, ByItsOwnTimes) {
  const int64_t wall = 1000 * kSecond;
  EXPECT_TRUE(is_settled({10, wall - kSettle, wall - kSettle}, wall, kSettle, std::nullopt));
  EXPECT_FALSE(is_settled({10, wall - 1, wall - 1}, wall, kSettle, std::nullopt));
  // A copy that keeps the old time of writing is as new as its inode says.
  EXPECT_FALSE(is_settled({10, wall - 100 * kSecond, wall - 1}, wall, kSettle, std::nullopt));
  // A time of writing to come says nothing.
  EXPECT_TRUE(is_settled({10, wall + 100 * kSecond, wall - kSettle}, wall, kSettle, std::nullopt));
}

TEST(IsSettled, ByComparisonWhereTheClockIsAnothers) {
  const int64_t wall = 1000 * kSecond, ahead = wall + 100 * kSecond;
  const FileState state{10, ahead, ahead};
  EXPECT_FALSE(is_settled(state, wall, kSettle, std::nullopt));
  EXPECT_FALSE(is_settled(state, wall, kSettle, FileState{9, ahead, ahead}));
  EXPECT_TRUE(is_settled(state, wall, kSettle, state));
}

}  // namespace
}  // namespace pairloom::watch
