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
  static Fd open(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }
  test::TempDir home_;
  std::string path_ = home_.write("file", std::string(300'000, 'x'));
};

TEST_F(ReadAhead, FetchesWhatIsNotInThePageCache) {
  if (!test::evict(path_)) GTEST_SKIP() << "files in " << home_.path() << " cannot be put out of the page cache";
  EXPECT_TRUE(read_ahead(open(path_)));
}

TEST_F(ReadAhead, HasNothingToDoForAFileThatIsThere) {
  EXPECT_FALSE(read_ahead(open(path_)));  // written just now
}

TEST_F(ReadAhead, MovesNoPositionAndBearsWhatIsMissing) {
  const Fd file = open(path_);
  read_ahead(file);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 0);
  EXPECT_FALSE(read_ahead(open(home_.write("empty", ""))));
  EXPECT_FALSE(read_ahead(Fd()));
}

}  // namespace
}  // namespace pairloom::daemon
