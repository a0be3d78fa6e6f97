#include "daemon/path_list.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/fd.h"
#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

using ::testing::ElementsAre;

// A pipe that a test feeds piece by piece.
struct Feed {
  Feed() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    reader = Fd(ends[0]);
    writer = Fd(ends[1]);
  }
  void say(const std::string& text) const { ASSERT_TRUE(write_all(writer.get(), text.data(), text.size(), "feed")); }
  Fd reader, writer;
};

struct Listed {
  std::vector<std::string> files, problems;
  bool waits = false;
};

Listed read_all(PathList& list) {
  Listed listed;
  FileBatch batch;
  while (true) {
    const auto next = list.next(batch);
    EXPECT_TRUE(next) << next.error().message;
    if (!next || *next == FileSource::Next::kEnd) return listed;
    if (*next == FileSource::Next::kWait) {
      listed.waits = true;
      return listed;
    }
    EXPECT_FALSE(batch.complete) << "a list never says that other files are gone";
    for (const auto& file : batch.files) listed.files.push_back(batch.directory + "/" + file.name);
    for (const auto& problem : batch.problems) listed.problems.push_back(problem.path);
  }
}

TEST(PathList, ReadsLinesAndTheLastOneWithoutItsEnd) {
  test::TempDir dir;
  const std::string a = dir.write("a.jpg", "x"), b = dir.write("sub/b.jpg", "x"), c = dir.write("sub/c.jpg", "x");
  Feed feed;
  feed.say(a + "\n" + b + "\n\n" + c);
  feed.writer.reset();
  PathList list(feed.reader.get(), false);
  EXPECT_THAT(read_all(list).files, ElementsAre(a, b, c));
}

TEST(PathList, NulSeparatedPathsMayHoldNewlines) {
  test::TempDir dir;
  const std::string odd = dir.write("new\nline.jpg", "x"), other = dir.write("z", "x");
  Feed feed;
  feed.say(odd + '\0' + other + '\0');
  feed.writer.reset();
  PathList list(feed.reader.get(), true);
  EXPECT_THAT(read_all(list).files, ElementsAre(odd, other));
}

TEST(PathList, DoesNotBlockOnASlowProducer) {
  test::TempDir dir;
  const std::string a = dir.write("a", "x"), b = dir.write("b", "x");
  Feed feed;
  PathList list(feed.reader.get(), false);
  EXPECT_TRUE(read_all(list).waits);
  feed.say(a + "\n" + b.substr(0, 5));
  Listed first = read_all(list);
  EXPECT_THAT(first.files, ElementsAre(a));
  EXPECT_TRUE(first.waits);
  feed.say(b.substr(5) + "\n");
  feed.writer.reset();
  EXPECT_THAT(read_all(list).files, ElementsAre(b));
}

TEST(PathList, ReportsWhatIsNotThereAndPassesOverDirectories) {
  test::TempDir dir;
  const std::string a = dir.write("a", "x");
  Feed feed;
  feed.say(dir.path() + "\n" + (dir / "nowhere") + "\n" + a + "\n");
  feed.writer.reset();
  PathList list(feed.reader.get(), false);
  const Listed listed = read_all(list);
  EXPECT_THAT(listed.files, ElementsAre(a));
  EXPECT_THAT(listed.problems, ElementsAre(dir / "nowhere"));
}

TEST(PathList, ResolvesLinksToTheFileItself) {
  test::TempDir dir;
  const std::string target = dir.write("real/file.jpg", "x");
  ASSERT_EQ(::symlink(target.c_str(), (dir / "link").c_str()), 0);
  ASSERT_EQ(::symlink((dir / "real").c_str(), (dir / "linked-dir").c_str()), 0);
  Feed feed;
  feed.say((dir / "link") + "\n" + (dir / "linked-dir/file.jpg") + "\n");
  feed.writer.reset();
  PathList list(feed.reader.get(), false);
  EXPECT_THAT(read_all(list).files, ElementsAre(target, target));
}

}  // namespace
}  // namespace pairloom::daemon
