// System calls fail, one after the other: clean errors, and an index that goes on.
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "scenario.h"
#include "syscall_faults.h"

namespace pairloom::index {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Faults : public ScenarioTest, public testing::WithParamInterface<int> {};

TEST_P(Faults, AtEveryCallAreCleanErrorsAndTheIndexGoesOn) {
  bool reached_the_fault = true;
  for (uint64_t nth = 1; reached_the_fault; ++nth) {
    start_over();
    int stage = -1;
    faults::arm(faults::Effect::kFail, nth, GetParam());
    const auto played = play([&](int now) { stage = now; });
    reached_the_fault = faults::disarm();
    if (!played) {
      EXPECT_EQ(played.error().code, Errc::kIo) << "at call " << nth << ": " << played.error().message;
      EXPECT_THAT(played.error().message, Not(IsEmpty()));
    }
    value(IndexWriter::open(path(), "test"));
    ASSERT_THAT(problems(), IsEmpty()) << "at call " << nth << " after stage " << stage;
    if (stage < 2) continue;
    ASSERT_NE(sql_value("SELECT count(*) FROM content"), "0") << "at call " << nth;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, Faults, testing::Values(ENOSPC, EIO),
                         [](const auto& test) { return test.param == ENOSPC ? "DiskFull" : "IoError"; });

class DiskFull : public IndexTest {
 protected:
  enum Ending { kGood, kCannotMount, kNoError, kWrongError, kNotUsable };

  // Writes until the file system is full, makes space, and goes on with the same writer.
  Ending fill_and_go_on() const {
    try {
      const std::string ballast = (directory_ / "ballast").string();
      std::ofstream(ballast) << std::string(600'000, 'b');
      auto writer = open_writer();
      const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
      const DirectoryId directory = value(writer.directory("/a", 1)).id;
      Result<> done;
      for (uint64_t seed = 1; done && seed < 100'000; ++seed) {
        done = writer.put(run, image(directory, std::to_string(seed), seed));
        if (done && seed % 500 == 0) done = writer.commit();
      }
      if (done) return kNoError;
      if (done.error().code != Errc::kIo) return kWrongError;
      std::filesystem::remove(ballast);
      value(writer.put(run, image(directory, "after", 500'000)));
      value(writer.commit());
      return problems().empty() ? kGood : kNotUsable;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return kNotUsable;
    }
  }
};

TEST_F(DiskFull, IsSaidAndTheSameWriterGoesOnWhenThereIsSpaceAgain) {
  auto writer = open_writer();
  const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
  const DirectoryId directory = value(writer.directory("/a", 1)).id;
  value(writer.put(run, image(directory, "before", 1)));
  value(writer.commit());
  // At the first call SQLite fails to write; later ones are in publishing the code file.
  bool reached = true, said_full = false;
  for (uint64_t nth = 1; reached; ++nth) {
    value(writer.put(run, image(directory, "during", 1000 + nth)));
    faults::arm(faults::Effect::kFail, nth, ENOSPC);
    const auto committed = writer.commit();
    reached = faults::disarm();
    if (!committed) {
      EXPECT_EQ(committed.error().code, Errc::kIo);
      // SQLite does not pass on why a sync failed.
      EXPECT_THAT(committed.error().message,
                  AnyOf(HasSubstr("the disk is full"), HasSubstr("No space left"), HasSubstr("disk I/O error")));
      said_full =
          said_full || committed.error().message.find("the disk is full: cannot write index") != std::string::npos;
    }
    EXPECT_EQ(writer.uncommitted_changes(), 0u);
    value(writer.put(run, image(directory, "after", 2000 + nth)));
    value(writer.commit());
    ASSERT_THAT(problems(), IsEmpty()) << "at call " << nth;
    EXPECT_TRUE(value(open_reader().find_file("/a/before")));
    EXPECT_TRUE(value(open_reader().find_file("/a/after")));
  }
  EXPECT_TRUE(said_full);
}

// A real full file system, in a mount namespace of a child's own.
TEST_F(DiskFull, OfARealFileSystem) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", directory_.c_str(), "tmpfs", 0, "size=3m") != 0) {
      ::_exit(kCannotMount);
    }
    ::_exit(fill_and_go_on());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kCannotMount) GTEST_SKIP() << "may not mount a file system here";
  EXPECT_EQ(WEXITSTATUS(status), kGood);
}

}  // namespace
}  // namespace pairloom::index
