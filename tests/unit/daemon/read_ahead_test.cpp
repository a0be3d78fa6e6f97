// What is marked to be dropped behind the reader, and what is left alone.
#include "daemon/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/page_cache.h"
#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

class ReadAhead : public ::testing::Test {
 protected:
  shm::PassedFile open(const std::string& path) { return {3, Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0, false}; }
  test::TempDir home_;
  std::string path_ = home_.write("file", std::string(300'000, 'x'));
};

TEST_F(ReadAhead, MarksWhatIsNotInThePageCache) {
  if (!test::evict(path_)) GTEST_SKIP() << "files in " << home_.path() << " cannot be put out of the page cache";
  auto file = open(path_);
  read_ahead(file, true);
  EXPECT_TRUE(file.drop_behind);
}

TEST_F(ReadAhead, MarksNothingUnlessAsked) {
  if (!test::evict(path_)) GTEST_SKIP() << "files in " << home_.path() << " cannot be put out of the page cache";
  auto file = open(path_);
  read_ahead(file, false);
  EXPECT_FALSE(file.drop_behind);
}

TEST_F(ReadAhead, LeavesAFileAloneThatSomebodyUses) {
  auto file = open(path_);  // written just now
  read_ahead(file, true);
  EXPECT_FALSE(file.drop_behind);
  EXPECT_TRUE(test::is_cached(path_));
}

TEST_F(ReadAhead, MovesNoPositionAndBearsWhatIsMissing) {
  auto file = open(path_);
  read_ahead(file, true);
  EXPECT_EQ(::lseek(file.fd.get(), 0, SEEK_CUR), 0);
  auto empty = open(home_.write("empty", ""));
  read_ahead(empty, true);
  EXPECT_FALSE(empty.drop_behind);
  shm::PassedFile missing{3, Fd(), ENOENT, false};
  read_ahead(missing, true);
  EXPECT_FALSE(missing.drop_behind);
}

}  // namespace
}  // namespace pairloom::daemon
