// In SQLite's manner: the N-th call of a kind fails in one of the programs, for N = 1, 2, 3 .. until a run is clean. After
// each: the program ended by itself and said why, the index is sound, and a rerun ends with what an undisturbed run finds.
// PAIRLOOM_FAULT_POINTS=all tries every N; else they lie further and further apart (tools/fault_storm.sh).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/sanitized.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/index_contents.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Fault {
  const char* name;
  const char* program;
  const char* kind;  // failing_calls.cpp
  int errnum;
  const char* mode;  // "once"; "on": as a disk that is full, it stays so
};

class CallFaultsBase : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "a sanitizer wants to be the first that is preloaded";
    fs::create_directory(dir_ / "bin");
    for (const char* program : {PAIRLOOM_PROGRAM, PAIRLOOM_WORKER, PAIRLOOM_OPENER})
      fs::copy_file(program, fs::path(dir_ / "bin") / fs::path(program).filename());
    add_pictures("old", 0);
    ASSERT_EQ(run(dir_ / "begun/index.db", "old").status, 0);
    add_pictures("new", 20);
    ASSERT_EQ(run(dir_ / "calm.db", "").status, 0);
    expected_ = test::contents_of(dir_ / "calm.db");
    ASSERT_EQ(expected_.files.size(), 16u);
    ASSERT_GE(expected_.pairs.size(), 4u);
  }

  void add_pictures(const std::string& directory, uint64_t seed) {
    for (uint64_t i = 0; i < 8; ++i) {
      const auto bytes = test::encode_jpeg(test::draw_picture(seed + i / 2, 320, 240), {.quality = i % 2 == 0 ? 90 : 60});
      dir_.write("pictures/" + directory + "/" + std::to_string(i) + ".jpg",
                 {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }
  test::Finished run(const std::string& index, const std::string& below, bool retry = false) const {
    std::vector<std::string> command{dir_ / "bin/pairloom", "--index", index, "--jobs", "2",
                                     "index", "add", (dir_ / "pictures/") + below};
    if (retry) command.push_back("--retry-failed");
    return test::run_program(command);
  }

  // The index as the faulty run finds it: not there, or of half the pictures.
  void prepare(bool from_nothing) const {
    fs::remove_all(dir_ / "home");
    if (from_nothing)
      fs::create_directory(dir_ / "home");
    else
      fs::copy(dir_ / "begun", dir_ / "home");
  }

  void expect_that_nothing_was_lost(const test::Finished& faulty, const std::string& where) const {
    // Done, done but for some files, or failed with a reason; never by a signal.
    EXPECT_THAT(faulty.status, AnyOf(0, 3, 7)) << where << faulty.err;
    if (!in_child_) {
      EXPECT_THAT(faulty.err, Not(HasSubstr("terminate called"))) << where;
    }
    if (faulty.status == 7) {
      EXPECT_THAT(faulty.err, HasSubstr("pairloom: ")) << where;
    }
    for (const pid_t left : test::processes_from(dir_.path())) EXPECT_TRUE(test::ends_within_ms(left, 60'000)) << where;
    if (faulty.status == 0) {
      EXPECT_EQ(test::contents_of(index_), expected_) << where << "it said that all was done";
    }
    const auto again = run(index_, "", true);
    ASSERT_EQ(again.status, 0) << where << again.err << "after: " << faulty.err;
    EXPECT_EQ(test::contents_of(index_), expected_) << where << faulty.err;
    EXPECT_EQ(test::problems_of(index_), "") << where << faulty.err;
    for (const auto& entry : fs::directory_iterator(dir_ / "home"))
      EXPECT_THAT(entry.path().string(), Not(HasSubstr("set-aside"))) << where << "the index was sound";
  }

  test::TempDir dir_;
  const std::string index_ = dir_ / "home/index.db";
  bool in_child_ = false;  // the fault is a worker's or opener's, which may end in any way
  test::IndexContents expected_;
};

class CallFaults : public CallFaultsBase, public ::testing::WithParamInterface<Fault> {
 protected:
  // False when the run came to its end before the N-th call.
  bool reaches(const Fault& fault, long nth, test::Finished& finished) const {
    const std::string mark = dir_.write("mark", "-");
    const std::string order = std::string(fault.program) + " " + fault.kind + " " + std::to_string(nth) + " " +
                              std::to_string(fault.errnum) + " " + fault.mode + " " + mark;
    ::setenv("PAIRLOOM_TEST_FAULT", order.c_str(), 1);
    ::setenv("LD_PRELOAD", PAIRLOOM_FAILING_CALLS, 1);
    finished = run(index_, "");
    ::unsetenv("LD_PRELOAD");
    std::string seen;
    std::getline(std::ifstream(mark), seen);
    return seen == "!";
  }
  static long after(long nth) {
    const char* points = std::getenv("PAIRLOOM_FAULT_POINTS");
    return points != nullptr && points == std::string("all") ? nth + 1 : nth + std::max(1l, nth / 4);
  }
};

TEST_P(CallFaults, CostNothing) {
  const Fault fault = GetParam();
  in_child_ = std::string_view(fault.program) != "pairloom";
  long most = 0;
  for (const bool from_nothing : {true, false}) {
    test::Finished finished;
    long nth = 1;
    for (prepare(from_nothing); reaches(fault, nth, finished); nth = after(nth), prepare(from_nothing)) {
      expect_that_nothing_was_lost(finished, "at call " + std::to_string(nth) +
                                                 (from_nothing ? " of a first run: " : " of a later run: "));
      if (HasFatalFailure()) return;
    }
    EXPECT_EQ(finished.status, 0) << "nothing failed: " << finished.err;
    most = std::max(most, nth);
  }
  EXPECT_GT(most, 1) << "no such call was made";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CallFaults,
    ::testing::Values(Fault{"Memory", "pairloom", "memory", ENOMEM, "once"},
                      Fault{"NoMoreMemory", "pairloom", "memory", ENOMEM, "on"},
                      Fault{"Open", "pairloom", "open", EMFILE, "once"}, Fault{"Read", "pairloom", "read", EIO, "once"},
                      Fault{"Stat", "pairloom", "stat", EIO, "once"}, Fault{"Write", "pairloom", "write", EIO, "once"},
                      Fault{"DiskFull", "pairloom", "write", ENOSPC, "on"},
                      Fault{"Sync", "pairloom", "sync", EIO, "once"}, Fault{"Resize", "pairloom", "size", ENOSPC, "on"},
                      Fault{"Rename", "pairloom", "name", EIO, "once"}, Fault{"Map", "pairloom", "map", ENOMEM, "once"},
                      Fault{"Fork", "pairloom", "fork", EAGAIN, "once"}, Fault{"Exec", "pairloom", "exec", ENOMEM, "once"},
                      Fault{"NoMoreForks", "pairloom", "fork", EAGAIN, "on"},
                      Fault{"NoMoreExecs", "pairloom", "exec", ENOMEM, "on"},
                      Fault{"Descriptor", "pairloom", "descriptor", EMFILE, "once"},
                      Fault{"NoMoreDescriptors", "pairloom", "descriptor", EMFILE, "on"},
                      Fault{"Socket", "pairloom", "socket", ENOBUFS, "once"},
                      Fault{"MemoryOfWorkers", "pairloom-worker", "memory", ENOMEM, "once"},
                      Fault{"ReadOfWorkers", "pairloom-worker", "read", EIO, "once"},
                      // Not here: sockets of workers. None can work then, and the run goes on for minutes before it says so.
                      Fault{"MapOfWorkers", "pairloom-worker", "map", ENOMEM, "once"},
                      Fault{"OpenOfOpeners", "pairloom-opener", "open", EMFILE, "once"},
                      Fault{"SocketOfOpeners", "pairloom-opener", "socket", ENOBUFS, "once"},
                      Fault{"MemoryOfOpeners", "pairloom-opener", "memory", ENOMEM, "once"}),
    [](const auto& test) { return std::string(test.param.name); });

class Shortage : public CallFaultsBase {
 protected:
  // The first run of a shell's `limits`, with the command in "$@".
  test::Finished run_under(const std::string& limits) const {
    return test::run_program({"/bin/sh", "-c", limits + " && exec \"$@\"", "sh", dir_ / "bin/pairloom", "--index", index_,
                              "--jobs", "2", "index", "add", dir_ / "pictures"});
  }
};

TEST_F(Shortage, OfOpenFilesCostsNothing) {
  int failed = 0;
  for (int files = 4; files < 40; ++files)
    for (const bool from_nothing : {true, false}) {
      prepare(from_nothing);
      const auto finished = run_under("ulimit -n " + std::to_string(files));
      if (finished.status == 127) continue;  // not even its libraries could be opened
      failed += finished.status != 0;
      expect_that_nothing_was_lost(finished, "with " + std::to_string(files) + " files: ");
      if (HasFatalFailure()) return;
    }
  EXPECT_GT(failed, 2);
}

TEST_F(Shortage, OfFileSizeCostsNothing) {
  int failed = 0;
  for (int kilobytes = 1; kilobytes < 260;  // with 0 even standard error, a file here, takes nothing
        kilobytes += kilobytes < 16 ? 1 : 12)
    for (const bool from_nothing : {true, false}) {
      prepare(from_nothing);
      const auto finished = run_under("ulimit -f " + std::to_string(2 * kilobytes));  // in blocks of 512 bytes
      failed += finished.status != 0;
      expect_that_nothing_was_lost(finished, "with files up to " + std::to_string(kilobytes) + " kB: ");
      if (HasFatalFailure()) return;
    }
  EXPECT_GT(failed, 2);
}

// On a file system that is really full, in a mount namespace; then it is given room.
TEST_F(Shortage, OfDiskSpaceCostsNothing) {
  if (test::run_program({"/bin/sh", "-c", "unshare -m mount -t tmpfs none /mnt"}).status != 0)
    GTEST_SKIP() << "may not mount a file system here";
  int failed = 0;
  for (int kilobytes = 8; kilobytes < 600; kilobytes += kilobytes < 64 ? 8 : 40) {
    prepare(true);
    dir_.write("script", "set -e\nmount -t tmpfs -o size=" + std::to_string(kilobytes) +
                             "k none \"$2\"\nshift 2\nstatus=0; \"$@\" || status=$?\n"
                             "mount -o remount,size=64m \"$HOME_OF_INDEX\"\n"
                             "cp -a \"$HOME_OF_INDEX/.\" \"$COPY\"\nexit $status\n");
    ::setenv("HOME_OF_INDEX", (dir_ / "full").c_str(), 1);
    ::setenv("COPY", (dir_ / "home").c_str(), 1);
    fs::create_directories(dir_ / "full");
    const auto finished =
        test::run_program({"/usr/bin/unshare", "-m", "/bin/sh", dir_ / "script", "sh", dir_ / "full", dir_ / "bin/pairloom",
                           "--index", dir_ / "full/index.db", "--jobs", "2", "index", "add", dir_ / "pictures"});
    failed += finished.status != 0;
    if (finished.status == 7) {
      EXPECT_THAT(finished.err, AnyOf(HasSubstr("disk is full"), HasSubstr("No space left"), HasSubstr("disk I/O error")));
    }
    expect_that_nothing_was_lost(finished, "with " + std::to_string(kilobytes) + " kB: ");
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(failed, 2);
}

}  // namespace
}  // namespace pairloom
