#include "service/root_check.h"

#include <gtest/gtest.h>

namespace pairloom::service {
namespace {

RootLook there() {
  return {.path = "/r", .problem = "", .device = 1, .inode = 2, .filesystem = 3, .empty = false, .holds_known = true};
}
RootMemory before() {
  return {.had_files = true, .filesystem = 3, .seen = {}};
}

TEST(RootCheck, WhatIsAsItWasIsOnline) {
  EXPECT_EQ(why_offline(there(), before(), false), "");
}

TEST(RootCheck, WhatCannotBeReachedIsOffline) {
  RootLook look;
  look.problem = "No such file or directory";
  EXPECT_EQ(why_offline(look, before(), true), "No such file or directory");
  EXPECT_EQ(why_offline(look, {}, false), "No such file or directory");
}

TEST(RootCheck, AnEmptyMountPointIsOffline) {
  RootLook look = there();
  look.empty = true;
  look.holds_known = false;
  EXPECT_NE(why_offline(look, before(), false), "");
  EXPECT_EQ(why_offline(look, before(), true), "") << "the user says that it was emptied";
  look.filesystem = 4;
  EXPECT_NE(why_offline(look, before(), true), "") << "on another file system it was not emptied";
}

TEST(RootCheck, ARootThatNeverHadFilesMayBeEmpty) {
  RootLook look = there();
  look.empty = true;
  EXPECT_EQ(why_offline(look, {}, false), "");
}

TEST(RootCheck, WhatIsEmptiedBeforeOurEyesIsOnline) {
  RootLook look = there();
  look.empty = true;
  look.holds_known = false;
  RootMemory memory = before();
  memory.seen = {1, 2};
  EXPECT_EQ(why_offline(look, memory, false), "");
  look.inode = 9;
  EXPECT_NE(why_offline(look, memory, false), "") << "the directory below the mount";
}

TEST(RootCheck, AnotherFileSystemIsOfflineUnlessItHoldsTheSameFiles) {
  RootLook look = there();
  look.filesystem = 4;
  EXPECT_EQ(why_offline(look, before(), false), "") << "the same collection on a new disk";
  look.holds_known = false;
  EXPECT_NE(why_offline(look, before(), false), "");
}

TEST(RootCheck, AnotherDirectoryInItsPlaceIsOffline) {
  RootLook look = there();
  look.holds_known = false;
  RootMemory memory = before();
  memory.seen = {1, 77};
  EXPECT_NE(why_offline(look, memory, false), "");
}

}  // namespace
}  // namespace pairloom::service
