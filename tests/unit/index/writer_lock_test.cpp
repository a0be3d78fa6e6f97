#include "index/writer_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <thread>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::HasSubstr;
using testing::Not;

using WriterLockTest = IndexTest;

// A process that opens the index, says so through a pipe, and waits to be killed.
class OtherWriter {
 public:
  explicit OtherWriter(const std::string& path) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
    pid_ = ::fork();
    if (pid_ == 0) {
      auto writer = IndexWriter::open(path, "pairloom scan");
      const char said = writer ? 'y' : 'n';
      if (::write(ends[1], &said, 1) != 1) ::_exit(1);
      while (true) ::pause();
    }
    ::close(ends[1]);
    char said = 0;
    opened_ = ::read(ends[0], &said, 1) == 1 && said == 'y';
    ::close(ends[0]);
  }
  ~OtherWriter() { kill_and_wait(); }
  void kill_and_wait() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  bool opened() const { return opened_; }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  bool opened_ = false;
};

TEST_F(WriterLockTest, SecondWriterIsRefusedAndToldWhoIsFirst) {
  auto first = value(IndexWriter::open(path(), "pairloom scan\nevil"));
  const auto second = IndexWriter::open(path(), "pairloom update");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kIndexLocked);
  EXPECT_THAT(second.error().message,
              testing::MatchesRegex(".*index '.*index.db' is being written by pairloom scan evil \\(pid " +
                                    std::to_string(::getpid()) + ", since [0-9:]+\\); wait for it or stop it"));
}

TEST_F(WriterLockTest, ClosedWriterLeavesTheLockFreeAndUnnamed) {
  open_writer();
  open_writer();
  EXPECT_EQ(std::filesystem::file_size(path() + "-lock"), 0u);
}

TEST_F(WriterLockTest, AnotherProcessHoldsItUntilItIsKilled) {
  OtherWriter other(path());
  ASSERT_TRUE(other.opened());
  const auto refused = IndexWriter::open(path(), "test");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("pairloom scan (pid " + std::to_string(other.pid())));
  other.kill_and_wait();
  EXPECT_TRUE(IndexWriter::open(path(), "test").has_value());
}

TEST_F(WriterLockTest, StaleTextIsNotBelieved) {
  // The lock is held, but its text is a dead process's: the holder has not written its own yet.
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  auto lock = value(WriterLock::acquire(path(), "new holder"));
  std::ofstream(path() + "-lock") << "old holder\n" << dead << "\n1700000000\n";
  const auto refused = WriterLock::acquire(path(), "test");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("by another process"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr("old holder")));
}

TEST_F(WriterLockTest, GarbageInTheLockFileDoesNoHarm) {
  std::ofstream(path() + "-lock") << std::string(100'000, '\xFF');
  auto lock = value(WriterLock::acquire(path(), "test"));
  std::ofstream(path() + "-lock") << std::string(100'000, '\xFF');
  EXPECT_THAT(WriterLock::acquire(path(), "test").error().message, HasSubstr("by another process"));
}

TEST_F(WriterLockTest, AndAllFilesOfAnIndexAreCloseOnExec) {
  auto writer = open_writer();
  const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
  value(writer.put(run, image(value(writer.directory("/a", 1)).id, "a", 1)));
  value(writer.commit());
  auto reader = open_reader();
  const auto codes = value(reader.codes(Algorithm::kPdq));
  int seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string file = std::filesystem::read_symlink(entry.path(), gone).string();
    if (!file.starts_with(directory_.string())) continue;
    EXPECT_NE(::fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC, 0) << file;
    ++seen;
  }
  EXPECT_GE(seen, 4);  // lock, database, log, code file
}

TEST_F(WriterLockTest, ReadersDoNotNeedIt) {
  auto writer = open_writer();
  EXPECT_EQ(value(open_reader().info()).files, 0u);
}

// Killed between vfork and exec: the child has the descriptor until it is the other program.
TEST_F(WriterLockTest, AStartedProgramOfADeadWriterHoldsItForAMomentOnly) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const pid_t writer = ::fork();
  if (writer == 0) {
    auto lock = WriterLock::acquire(path(), "pairloom scan");
    if (!lock) ::_exit(1);
    if (::fork() == 0) {
      char nothing = 0;
      ::_exit(::read(ends[0], &nothing, 1) == 1 ? 0 : 1);  // until the next writer has asked for it
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  ASSERT_TRUE(WIFSIGNALED(status));
  auto next = std::async(std::launch::async, [this] { return WriterLock::acquire(path(), "test").has_value(); });
  const auto has_asked = [&] {
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path(), gone) == path() + "-lock") return true;
    }
    return next.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  while (!has_asked()) std::this_thread::yield();
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  EXPECT_TRUE(next.get());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace pairloom::index
