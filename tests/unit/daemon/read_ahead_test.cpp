#include "daemon/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/page_cache.h"
#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

class ReadingAhead : public ::testing::Test {
 protected:
  static Fd open(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)); }
  static constexpr uint64_t kBytes = 300'000;
  test::TempDir home_;
  std::string path_ = home_.write("file", std::string(kBytes, 'x'));
};

TEST_F(ReadingAhead, FetchesWhatIsNotInThePageCache) {
  if (!test::evict(path_)) GTEST_SKIP() << "files in " << home_.path() << " cannot be put out of the page cache";
  EXPECT_TRUE(ReadAhead(true).fetch(open(path_), kBytes));
}

TEST_F(ReadingAhead, HasNothingToDoForAFileThatIsThere) {
  EXPECT_FALSE(ReadAhead(true).fetch(open(path_), kBytes));  // written just now
}

TEST_F(ReadingAhead, MovesNoPositionAndBearsWhatIsMissing) {
  ReadAhead ahead(true);
  const Fd file = open(path_);
  ahead.fetch(file, kBytes);
  EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 0);
  EXPECT_FALSE(ahead.fetch(open(home_.write("empty", "")), 0));
  EXPECT_FALSE(ahead.fetch(Fd(), 0));
}

TEST_F(ReadingAhead, AsksAboutFewAfterManyThatAreThereAndAboutAllAfterOneThatIsNot) {
  ReadAhead ahead(false), thorough(true);
  for (uint32_t i = 0; i < 3 * kCachedInARow; ++i) {
    EXPECT_FALSE(ahead.fetch(open(path_), kBytes));
    EXPECT_FALSE(thorough.fetch(open(path_), kBytes));
  }
  // Of so many files that are not cached. (A disk may be quick enough to have one there when it is asked about.)
  const auto fetched = [&](ReadAhead& reader, uint32_t files) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < files; ++i) {  // another one each time: what is being fetched cannot be put out
      const std::string path = home_.write("cold", std::string(kBytes, 'x'));
      if (!test::evict(path)) return UINT32_MAX;
      count += reader.fetch(open(path), kBytes) ? 1u : 0u;
      std::filesystem::remove(path);
    }
    return count;
  };
  const uint32_t not_asked_about = fetched(ahead, kSparseProbes - 1);
  if (not_asked_about == UINT32_MAX) GTEST_SKIP() << "files in " << home_.path() << " cannot be put out of the page cache";
  EXPECT_EQ(not_asked_about, 0u);
  EXPECT_GE(fetched(thorough, kSparseProbes), kSparseProbes / 2);
  EXPECT_GE(fetched(ahead, 4 * kSparseProbes), kSparseProbes) << "one of them was not there, so all the next are asked about";
}

}  // namespace
}  // namespace pairloom::daemon
