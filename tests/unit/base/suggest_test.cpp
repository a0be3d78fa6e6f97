#include "base/suggest.h"

#include <gtest/gtest.h>

namespace pairloom {
namespace {

TEST(Suggest, DistanceCountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("dusp", "dups"), 1u);
}

TEST(Suggest, NearestIsTheLeastDistantWord) {
  const std::vector<std::string> verbs{"scan", "dups", "match", "cmp", "index", "status"};
  EXPECT_EQ(nearest("dusp", verbs), "dups");
  EXPECT_EQ(nearest("scna", verbs), "scan");
  EXPECT_EQ(nearest("stat", verbs), "status");
  EXPECT_EQ(nearest("frobnicate", verbs), "");
  EXPECT_EQ(nearest("", verbs), "");
}

}  // namespace
}  // namespace pairloom
