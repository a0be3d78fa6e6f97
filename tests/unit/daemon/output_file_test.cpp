#include "daemon/output_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

namespace fs = std::filesystem;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
size_t file_count(const test::TempDir& dir) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(dir.path()), {}));
}
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(OutputFile, AppearsWhenItIsComplete) {
  const test::TempDir dir;
  auto file = OutputFile::create(dir / "out", false).value();
  ASSERT_TRUE(file.write(bytes_of("first, ")));
  ASSERT_TRUE(file.write(bytes_of("second")));
  EXPECT_FALSE(fs::exists(dir / "out"));
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(content_of(dir / "out"), "first, second");
  EXPECT_EQ(file.bytes_written(), 13u);
  EXPECT_EQ(file_count(dir), 1u);
}

TEST(OutputFile, WithoutCommitNothingIsLeft) {
  const test::TempDir dir;
  {
    auto file = OutputFile::create(dir / "out", false).value();
    ASSERT_TRUE(file.write(bytes_of("half")));
    EXPECT_EQ(file_count(dir), 1u);
  }
  EXPECT_EQ(file_count(dir), 0u);
}

TEST(OutputFile, NeverReplacesAFileUnasked) {
  const test::TempDir dir;
  dir.write("out", "precious");
  EXPECT_EQ(OutputFile::create(dir / "out", false).error().code, Errc::kRefused);
  // Nor one that came while this one was being written.
  auto file = OutputFile::create(dir / "late", false).value();
  dir.write("late", "precious");
  EXPECT_EQ(file.commit().error().code, Errc::kRefused);
  EXPECT_EQ(content_of(dir / "out"), "precious");
  EXPECT_EQ(content_of(dir / "late"), "precious");
}

TEST(OutputFile, ReplacesInOneStepWhenAsked) {
  const test::TempDir dir;
  dir.write("out", "old");
  auto file = OutputFile::create(dir / "out", true).value();
  ASSERT_TRUE(file.write(bytes_of("new")));
  EXPECT_EQ(content_of(dir / "out"), "old");
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(content_of(dir / "out"), "new");
  fs::create_directory(dir / "folder");
  EXPECT_EQ(OutputFile::create(dir / "folder", true).error().code, Errc::kRefused);
}

TEST(OutputFile, HasThePermissionsOfAnOrdinaryFile) {
  const test::TempDir dir;
  const mode_t mask = ::umask(027);
  auto made = OutputFile::create(dir / "out", false);
  ::umask(mask);
  ASSERT_TRUE(made->commit());
  struct stat status {};
  ASSERT_EQ(::stat((dir / "out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0640u);
}

TEST(OutputFile, SaysWhichFileCannotBeWritten) {
  const test::TempDir dir;
  const auto refused = OutputFile::create(dir / "missing/out", false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kIo);
  EXPECT_NE(refused.error().message.find("missing/out': No such file"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace pairloom::daemon
