// What the opener opens, and what it does not.
#include "daemon/open_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

namespace fs = std::filesystem;

// The system call of newer kernels, by the whole path or below a directory that is known, and the way without it.
enum class Way { kAtOnce, kInTheSameDirectory, kBySteps };
const char* name_of(Way way) {
  constexpr const char* kNames[] = {"AtOnce", "InTheSameDirectory", "BySteps"};
  return kNames[static_cast<size_t>(way)];
}

class OpenFile : public ::testing::TestWithParam<Way> {
 protected:
  static shm::PassedFile open(const std::string& path) {
    if (GetParam() == Way::kBySteps) return open_file_by_steps(path.c_str(), 5);
    FileOpener opener;
    if (GetParam() == Way::kInTheSameDirectory) {
      opener.open(path, 3);
      opener.open(path, 4);
    }
    return opener.open(path, 5);
  }
  test::TempDir home_;
};

TEST_P(OpenFile, OpensARegularFileForReading) {
  const auto file = open(home_.write("a/b/c.jpg", "bytes"));
  ASSERT_TRUE(file.fd);
  EXPECT_EQ(file.task_id, 5u);
  EXPECT_EQ(file.error, 0);
  EXPECT_EQ(file.identity.size_bytes, 5u);
  struct stat st {};
  ASSERT_EQ(::stat((home_ / "a/b/c.jpg").c_str(), &st), 0);
  EXPECT_EQ(file.identity, identity_of(st));
  char text[5];
  EXPECT_EQ(::read(file.fd.get(), text, 5), 5);
  EXPECT_EQ(::fcntl(file.fd.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
}

TEST_P(OpenFile, FollowsNoLinkWhereverItStands) {
  const std::string target = home_.write("real/c.jpg", "bytes");
  fs::create_symlink(target, home_ / "link.jpg");
  fs::create_directory_symlink(home_ / "real", home_ / "directory");
  fs::create_symlink("loop", home_ / "loop");
  EXPECT_EQ(open(home_ / "link.jpg").error, ELOOP);
  EXPECT_EQ(open(home_ / "directory/c.jpg").error, ELOOP);
  EXPECT_EQ(open(home_ / "loop").error, ELOOP);
}

TEST_P(OpenFile, SaysWhyItCannot) {
  const std::string file = home_.write("file", "x");
  EXPECT_EQ(open(home_ / "missing").error, ENOENT);
  EXPECT_EQ(open(home_ / "no/such/directory").error, ENOENT);
  EXPECT_EQ(open(file + "/below").error, ENOTDIR);
  EXPECT_EQ(open(home_ / std::string(300, 'n')).error, ENAMETOOLONG);
}

TEST_P(OpenFile, NeitherBlocksAtNorHandsOutWhatIsNoFile) {
  ASSERT_EQ(::mkfifo((home_ / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(open(home_ / "fifo").error, shm::kNotARegularFile);
  EXPECT_EQ(open(home_.path()).error, shm::kNotARegularFile);
  EXPECT_EQ(open("/dev/null").error, shm::kNotARegularFile);
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (home_ / "socket").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(open(home_ / "socket").error, ENXIO);
}

TEST_P(OpenFile, LeavesAccessTimesAloneUnlessTheFileIsAnotherUsers) {
  const std::string ours = home_.write("ours.jpg", "bytes");
  const timespec long_ago[2] = {{1'000'000, 0}, {2'000'000, 0}};  // last read before it was written: relatime would note it
  ASSERT_EQ(::utimensat(AT_FDCWD, ours.c_str(), long_ago, 0), 0);
  const auto file = open(ours);
  ASSERT_TRUE(file.fd);
  char text[5];
  ASSERT_EQ(::read(file.fd.get(), text, 5), 5);
  struct stat st {};
  ASSERT_EQ(::stat(ours.c_str(), &st), 0);
  EXPECT_EQ(st.st_atim.tv_sec, 1'000'000);

  // /etc/passwd is root's and open to all; as root, look at it as somebody else.
  constexpr uid_t kNobody = 65534;
  const bool is_root = ::geteuid() == 0;
  ASSERT_EQ(is_root ? ::seteuid(kNobody) : 0, 0);
  const auto others = open("/etc/passwd");
  ASSERT_EQ(is_root ? ::seteuid(0) : 0, 0);
  ASSERT_TRUE(others.fd) << others.error;
  EXPECT_EQ(::fcntl(others.fd.get(), F_GETFL) & O_NOATIME, 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, OpenFile, ::testing::Values(Way::kAtOnce, Way::kInTheSameDirectory, Way::kBySteps),
                         [](const auto& test) { return name_of(test.param); });

// And in each it is the file of that directory.
TEST(FileOpener, OpensFilesOfSeveralDirectoriesInTurn) {
  test::TempDir home;
  FileOpener opener;
  for (int round = 0; round < 2; ++round)
    for (const std::string directory : {"a", "b", "a", "a", "a", "", "", "b"}) {
      const std::string path = home.write(directory + "/c.jpg", directory + "!");
      const auto file = opener.open(path, 1);
      ASSERT_TRUE(file.fd);
      char text[8] = {};
      const auto size = ::read(file.fd.get(), text, sizeof text);
      EXPECT_EQ(std::string(text, static_cast<size_t>(size)), directory + "!");
    }
}

}  // namespace
}  // namespace pairloom::daemon
