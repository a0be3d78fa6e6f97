#include "daemon/tree_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <map>

#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

struct Walked {
  std::vector<std::string> wanted, unwanted;  // paths, in the order reported
  std::vector<std::string> problems, missing;
  std::map<std::string, std::vector<std::string>> subdirectories;
  size_t largest_batch = 0;
};

Walked walk(std::vector<std::string> roots, const WalkOptions& options = {}) {
  TreeWalk tree(std::move(roots), options);
  Walked walked;
  FileBatch batch;
  while (true) {
    const auto next = tree.next(batch);
    EXPECT_TRUE(next) << next.error().message;
    if (!next || *next == FileSource::Next::kEnd) break;
    for (const auto& file : batch.files)
      (file.wanted ? walked.wanted : walked.unwanted).push_back(batch.directory + "/" + file.name);
    for (const auto& problem : batch.problems) walked.problems.push_back(problem.path);
    if (batch.last && batch.complete) walked.subdirectories[batch.directory] = batch.subdirectories;
    walked.largest_batch = std::max(walked.largest_batch, batch.files.size());
  }
  walked.missing = tree.missing_roots();
  return walked;
}

TEST(TreeWalk, ReportsRegularFilesInByteOrderPerDirectory) {
  test::TempDir dir;
  for (const char* name : {"b.jpg", "a.jpg", "sub/d.jpg", "sub/c.jpg", "also/e.jpg"}) dir.write(name, "x");
  ::mkfifo((dir / "pipe.jpg").c_str(), 0600);
  EXPECT_THAT(walk({dir.path()}).wanted,
              ElementsAre(dir / "a.jpg", dir / "b.jpg", dir / "also/e.jpg", dir / "sub/c.jpg", dir / "sub/d.jpg"));
}

TEST(TreeWalk, FillsTheStatIdentity) {
  test::TempDir dir;
  dir.write("a", "12345");
  const WalkOptions options;
  TreeWalk tree({dir.path()}, options);
  FileBatch batch;
  ASSERT_EQ(tree.next(batch).value(), FileSource::Next::kBatch);  // the root
  while (batch.files.empty()) ASSERT_EQ(tree.next(batch).value(), FileSource::Next::kBatch);
  EXPECT_EQ(batch.files[0].identity.size_bytes, 5u);
  EXPECT_GT(batch.files[0].identity.mtime_ns, 0);
  EXPECT_NE(batch.files[0].identity.inode, 0u);
  EXPECT_NE(batch.filesystem, 0u);
}

TEST(TreeWalk, GuessesSizesByAFewFilesOfEachDirectory) {
  test::TempDir dir;
  for (const char* directory : {"a", "b"})
    for (int i = 0; i < 20; ++i) dir.write(std::string(directory) + "/" + std::to_string(i), directory[0] == 'a' ? "12345" : "1");
  const WalkOptions options;
  TreeWalk tree({dir.path()}, options);
  tree.guess_sizes();
  FileBatch batch;
  std::map<std::string, int> looked_at;
  while (tree.next(batch).value() == FileSource::Next::kBatch)
    for (const FoundFile& file : batch.files) {
      struct stat st {};
      ASSERT_EQ(::stat((batch.directory + "/" + file.name).c_str(), &st), 0);
      EXPECT_EQ(file.identity.inode, st.st_ino);
      EXPECT_EQ(file.identity.size_bytes, static_cast<uint64_t>(st.st_size)) << "they are alike within a directory";
      EXPECT_TRUE(file.wanted);
      if (file.is_guess) continue;
      EXPECT_EQ(file.identity, identity_of(st));
      ++looked_at[batch.directory];
    }
  EXPECT_THAT(looked_at, ElementsAre(std::pair(std::string(dir / "a"), 3), std::pair(std::string(dir / "b"), 3)));
}

TEST(TreeWalk, HiddenFilesExistButAreNotWanted) {
  test::TempDir dir;
  dir.write(".hidden.jpg", "x");
  dir.write(".cache/a.jpg", "x");
  dir.write("seen.jpg", "x");
  const Walked walked = walk({dir.path()});
  EXPECT_THAT(walked.wanted, ElementsAre(dir / "seen.jpg"));
  EXPECT_THAT(walked.unwanted, ElementsAre(dir / ".hidden.jpg")) << "so that it is not taken for gone";
  EXPECT_THAT(walked.subdirectories.at(dir.path()), ElementsAre(".cache"));
  WalkOptions all;
  all.hidden = true;
  EXPECT_EQ(walk({dir.path()}, all).wanted.size(), 3u);
}

TEST(TreeWalk, GlobsChooseFilesAndPruneDirectories) {
  test::TempDir dir;
  for (const char* name : {"a.jpg", "a.txt", "thumbs/b.jpg", "keep/c.jpg"}) dir.write(name, "x");
  WalkOptions options;
  options.include = {"*.jpg"};
  options.exclude = {"thumbs"};
  EXPECT_THAT(walk({dir.path()}, options).wanted, ElementsAre(dir / "a.jpg", dir / "keep/c.jpg"));
}

TEST(TreeWalk, MaxDepthZeroIsTheRootAlone) {
  test::TempDir dir;
  dir.write("a", "x");
  dir.write("one/b", "x");
  dir.write("one/two/c", "x");
  WalkOptions options;
  options.max_depth = 0;
  EXPECT_EQ(walk({dir.path()}, options).wanted.size(), 1u);
  options.max_depth = 1;
  EXPECT_EQ(walk({dir.path()}, options).wanted.size(), 2u);
}

TEST(TreeWalk, LinksAreLeftAloneUnlessFollowedAndLoopsEnd) {
  test::TempDir dir, elsewhere;
  elsewhere.write("target.jpg", "x");
  dir.write("real/a.jpg", "x");
  ASSERT_EQ(::symlink((elsewhere / "target.jpg").c_str(), (dir / "link.jpg").c_str()), 0);
  ASSERT_EQ(::symlink(dir.path().c_str(), (dir / "real/loop").c_str()), 0);
  EXPECT_THAT(walk({dir.path()}).wanted, ElementsAre(dir / "real/a.jpg"));
  WalkOptions follow;
  follow.follow_symlinks = true;
  EXPECT_THAT(walk({dir.path()}, follow).wanted, UnorderedElementsAre(dir / "real/a.jpg", elsewhere / "target.jpg"))
      << "a linked file is reported under its own path";
}

TEST(TreeWalk, ARootInsideAnotherIsWalkedOnce) {
  test::TempDir dir;
  dir.write("a", "x");
  dir.write("sub/b", "x");
  EXPECT_EQ(walk({dir.path(), dir / "sub", dir.path()}).wanted.size(), 2u);
  EXPECT_EQ(walk({dir / "sub", dir.path()}).wanted.size(), 2u);
  EXPECT_EQ(walk({dir.path() + "/./sub/..", dir / "a"}).wanted.size(), 2u);
}

TEST(TreeWalk, AMissingRootIsReportedAndTheOthersAreWalked) {
  test::TempDir dir;
  dir.write("a", "x");
  const Walked walked = walk({dir / "nowhere", dir.path()});
  EXPECT_THAT(walked.missing, ElementsAre(dir / "nowhere"));
  EXPECT_THAT(walked.problems, ElementsAre(dir / "nowhere"));
  EXPECT_EQ(walked.wanted.size(), 1u);
}

TEST(TreeWalk, ALargeDirectoryComesInBatches) {
  test::TempDir dir;
  constexpr size_t kFiles = 2 * kBatchFiles + 17;
  for (size_t i = 0; i < kFiles; ++i) dir.write(std::to_string(i), "");
  const Walked walked = walk({dir.path()});
  EXPECT_EQ(walked.wanted.size(), kFiles);
  EXPECT_LE(walked.largest_batch, kBatchFiles);
}

TEST(TreeWalk, NamesAreBytes) {
  test::TempDir dir;
  for (const char* name : {"new\nline.jpg", "bad\xff.jpg", "-dash.jpg"}) dir.write(name, "x");
  EXPECT_THAT(walk({dir.path()}).wanted, ElementsAre(dir / "-dash.jpg", dir / "bad\xff.jpg", dir / "new\nline.jpg"));
}

}  // namespace
}  // namespace pairloom::daemon
