#include "cli/duplicate_group.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>

namespace pairloom::cli {
namespace {

GroupFile file(const std::string& path, uint32_t content, uint32_t side_px, uint64_t bytes, int64_t mtime_ns,
               uint32_t distance = 0) {
  GroupFile f;
  f.path = path;
  f.content = content;
  f.image.width_px = f.image.height_px = side_px;
  f.identity.size_bytes = bytes;
  f.identity.mtime_ns = mtime_ns;
  f.identity.inode = std::hash<std::string>()(path) | 1;
  f.distance = distance;
  return f;
}

DuplicateGroup arranged(std::vector<GroupFile> files) {
  DuplicateGroup group;
  group.files = std::move(files);
  arrange(group);
  return group;
}

TEST(DuplicateGroup, KeepsTheMostPixelsThenBytesThenOldestThenPath) {
  auto g = arranged({file("/b", 1, 100, 900, 5), file("/a", 2, 200, 100, 9)});
  EXPECT_EQ(g.files[0].path, "/a");
  EXPECT_EQ(g.keep_reason, "most pixels");
  g = arranged({file("/b", 1, 100, 900, 5), file("/a", 2, 100, 100, 1)});
  EXPECT_EQ(g.files[0].path, "/b");
  EXPECT_EQ(g.keep_reason, "most bytes");
  g = arranged({file("/b", 1, 100, 100, 1), file("/a", 2, 100, 100, 5)});
  EXPECT_EQ(g.files[0].path, "/b");
  EXPECT_EQ(g.keep_reason, "oldest");
  g = arranged({file("/b", 1, 100, 100, 1), file("/a", 1, 100, 100, 1)});
  EXPECT_EQ(g.files[0].path, "/a");
  EXPECT_EQ(g.keep_reason, "first by path");
}

TEST(DuplicateGroup, NeverKeepsADamagedOne) {
  auto large = file("/large", 1, 999, 999, 1);
  large.image.damaged = true;
  auto g = arranged({large, file("/small", 2, 10, 10, 2)});
  EXPECT_EQ(g.files[0].path, "/small");
  EXPECT_TRUE(g.files[0].keep);
  EXPECT_EQ(g.keep_reason, "the only undamaged one");
  EXPECT_EQ(g.reclaimable_bytes, 999u);
}

TEST(DuplicateGroup, SuggestsNothingWhenAllAreDamaged) {
  auto a = file("/a", 1, 10, 10, 1), b = file("/b", 1, 10, 10, 1);
  a.image.damaged = b.image.damaged = true;
  const auto g = arranged({a, b});
  EXPECT_TRUE(std::none_of(g.files.begin(), g.files.end(), [](const auto& f) { return f.keep; }));
  EXPECT_EQ(g.reclaimable_bytes, 0u);
  EXPECT_TRUE(g.keep_reason.empty());
}

TEST(DuplicateGroup, CopiesFollowTheFileTheyCopyAndAreMarked) {
  const auto g = arranged({file("/z-near", 2, 50, 50, 1, 7), file("/copy", 1, 100, 100, 5),
                           file("/y-near", 2, 50, 50, 1, 7), file("/kept", 1, 100, 100, 4)});
  std::vector<std::string> order;
  std::vector<bool> exact;
  for (const auto& f : g.files) order.push_back(f.path), exact.push_back(f.exact);
  EXPECT_EQ(order, (std::vector<std::string>{"/kept", "/copy", "/y-near", "/z-near"}));
  EXPECT_EQ(exact, (std::vector<bool>{false, true, false, true}));
  EXPECT_EQ(g.reclaimable_bytes, 200u);
}

TEST(DuplicateGroup, HardLinksFreeNothing) {
  auto a = file("/a", 1, 10, 100, 1), b = file("/b", 1, 10, 100, 1), c = file("/c", 1, 10, 100, 1);
  b.identity.inode = a.identity.inode;
  EXPECT_EQ(arranged({a, b}).reclaimable_bytes, 0u);
  EXPECT_EQ(arranged({a, b, c}).reclaimable_bytes, 100u);
}

TEST(DuplicateGroup, DoesNotDependOnTheOrderOfFiles) {
  std::vector<GroupFile> files;
  for (uint32_t i = 0; i < 8; ++i)
    files.push_back(file("/" + std::to_string(i), i / 2, 10 + i % 3, 100 + i % 2, i % 4, i / 2));
  const auto want = arranged(files);
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(files.begin(), files.end(), random);
    const auto got = arranged(files);
    for (size_t i = 0; i < files.size(); ++i) EXPECT_EQ(got.files[i].path, want.files[i].path);
    EXPECT_EQ(got.keep_reason, want.keep_reason);
  }
}

}  // namespace
}  // namespace pairloom::cli
