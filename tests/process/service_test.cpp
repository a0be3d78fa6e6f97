// pairloomd as a whole: the real program on a real tree. After everything that happens to the tree, the index must be what
// a fresh index of it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "index/index_reader.h"
#include "index/index_writer.h"
#include "index/sqlite.h"
#include "tests/process/running_service.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"

namespace pairloom::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string jpeg(uint64_t seed, int quality = 90) {
  const Bytes bytes = encode_jpeg(draw_picture(seed, 160, 120), {.quality = quality});
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Every test once with each way of watching; fanotify needs rights.
class ServiceTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("fanotify") && ::geteuid() != 0) GTEST_SKIP() << "fanotify marks need root";
    service_.roots = {root(pictures_.path())};
  }
  std::string root(const std::string& path) const {
    return "path = \"" + path + "\"\nwatch = \"" + GetParam() + "\"\npoll = \"1s\"";
  }
  bool is_fresh() { return service_.equals_fresh_index_of({pictures_.path()}); }
  bool holds(const std::string& name) { return service_.files().contains(pictures_ / name); }

  TempDir pictures_;
  RunningService service_;
};

TEST_P(ServiceTest, FindsWhatIsThereAndWhatComes) {
  pictures_.write("a/one.jpg", jpeg(1));
  pictures_.write("a/one-again.jpg", jpeg(1, 60));
  pictures_.write("notes.txt", "no image");
  service_.start();
  EXPECT_TRUE(is_fresh()) << service_.difference;
  pictures_.write("a/two.jpg", jpeg(2));
  pictures_.write("b/c/d/three.jpg", jpeg(3));
  EXPECT_TRUE(is_fresh()) << service_.difference;
  std::ofstream(pictures_ / "a/two.jpg", std::ios::binary) << jpeg(4);
  fs::create_hard_link(pictures_ / "a/one.jpg", pictures_ / "linked.jpg");
  EXPECT_TRUE(is_fresh()) << service_.difference;
  EXPECT_EQ(service_.stop(), 0);
}

TEST_P(ServiceTest, RenamesAndMovesAreNotDecodedAgain) {
  TempDir others;
  service_.roots.push_back(root(others.path()));
  for (uint64_t i = 0; i < 12; ++i)
    pictures_.write("old/deep/" + std::to_string(i) + ".jpg", jpeg(i));
  service_.start();
  ASSERT_TRUE(service_.equals_fresh_index_of({pictures_.path(), others.path()})) << service_.difference;
  const uint64_t decoded = service_.decoded();
  EXPECT_EQ(decoded, 12u);
  fs::rename(pictures_ / "old/deep/0.jpg", pictures_ / "old/deep/zero.jpg");  // a file
  fs::rename(pictures_ / "old", pictures_ / "new");                           // a directory
  fs::rename(pictures_ / "new/deep/1.jpg", others / "1.jpg");                 // to another root
  ASSERT_TRUE(service_.equals_fresh_index_of({pictures_.path(), others.path()})) << service_.difference;
  fs::rename(pictures_ / "new/deep", others / "deep");
  fs::rename(others / "deep/3.jpg", others / "deep/2.jpg");  // over another
  ASSERT_TRUE(service_.equals_fresh_index_of({pictures_.path(), others.path()})) << service_.difference;
  EXPECT_EQ(service_.decoded(), decoded);
  // The watch went with the directory.
  others.write("deep/later.jpg", jpeg(77));
  EXPECT_TRUE(service_.equals_fresh_index_of({pictures_.path(), others.path()})) << service_.difference;
  service_.stop();
}

TEST_P(ServiceTest, DeletedFilesAndDirectoriesAreGone) {
  for (uint64_t i = 0; i < 6; ++i)
    pictures_.write("d" + std::to_string(i % 3) + "/" + std::to_string(i) + ".jpg", jpeg(i));
  service_.start();
  ASSERT_TRUE(is_fresh()) << service_.difference;
  fs::remove(pictures_ / "d0/0.jpg");
  fs::remove_all(pictures_ / "d1");
  EXPECT_TRUE(is_fresh()) << service_.difference;
  // All of it, while it is watched: that is a deletion, no missing disk.
  fs::remove_all(pictures_ / "d0");
  fs::remove_all(pictures_ / "d2");
  EXPECT_TRUE(is_fresh()) << service_.difference;
  EXPECT_TRUE(service_.files().empty());
  service_.stop();
}

// What became a directory, and the other way round.
TEST_P(ServiceTest, NamesChangeWhatTheyAre) {
  pictures_.write("x.jpg", jpeg(1));
  pictures_.write("y/inner.jpg", jpeg(2));
  service_.start();
  ASSERT_TRUE(is_fresh()) << service_.difference;
  fs::remove(pictures_ / "x.jpg");
  pictures_.write("x.jpg/inner.jpg", jpeg(3));
  fs::remove_all(pictures_ / "y");
  pictures_.write("y", jpeg(4));
  EXPECT_TRUE(is_fresh()) << service_.difference;
  service_.stop();
}

TEST_P(ServiceTest, WhatHappenedWhileItWasDownIsFound) {
  pictures_.write("stays.jpg", jpeg(1));
  pictures_.write("goes.jpg", jpeg(2));
  service_.start();
  ASSERT_TRUE(is_fresh()) << service_.difference;
  service_.kill(SIGKILL);
  service_.wait();
  fs::remove(pictures_ / "goes.jpg");
  pictures_.write("comes.jpg", jpeg(3));
  service_.start();
  EXPECT_TRUE(is_fresh()) << service_.difference;
  EXPECT_EQ(service_.stop(), 0);
}

TEST_P(ServiceTest, ARootThatVanishesIsOfflineAndComesBackWithoutDecoding) {
  TempDir outside;
  service_.roots = {root(outside / "photos")};
  for (uint64_t i = 0; i < 5; ++i) outside.write("photos/sub/" + std::to_string(i) + ".jpg", jpeg(i));
  service_.start();
  ASSERT_TRUE(service_.equals_fresh_index_of({outside / "photos"})) << service_.difference;
  service_.forget();
  fs::rename(outside / "photos", outside / "elsewhere");
  EXPECT_TRUE(service_.says("offline")) << service_.log();
  EXPECT_EQ(service_.files().size(), 5u);
  service_.forget();
  fs::create_directory(outside / "photos");  // a mount point without its disk
  if (GetParam() == std::string("poll")) {
    EXPECT_TRUE(service_.says("it is empty, and was not")) << service_.log();
  }
  EXPECT_EQ(service_.files().size(), 5u);
  fs::remove(outside / "photos");
  const uint64_t decoded = service_.decoded();
  fs::rename(outside / "elsewhere", outside / "photos");
  EXPECT_TRUE(service_.says("fresh")) << service_.log();
  EXPECT_TRUE(service_.equals_fresh_index_of({outside / "photos"})) << service_.difference;
  EXPECT_EQ(service_.decoded(), decoded);
  service_.stop();
}

TEST_P(ServiceTest, AnUnmountedDiskIsNoDeletion) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  TempDir outside;
  fs::create_directory(outside / "disk");
  fs::create_directory(outside / "photos");
  if (::mount("none", (outside / "disk").c_str(), "tmpfs", 0, "") != 0) GTEST_SKIP() << "cannot mount here";
  for (uint64_t i = 0; i < 5; ++i) outside.write("disk/" + std::to_string(i) + ".jpg", jpeg(i));
  ASSERT_EQ(::mount((outside / "disk").c_str(), (outside / "photos").c_str(), nullptr, MS_BIND, nullptr), 0);
  service_.roots = {root(outside / "photos")};
  service_.start();
  EXPECT_TRUE(service_.equals_fresh_index_of({outside / "photos"})) << service_.difference;
  const uint64_t decoded = service_.decoded();
  service_.forget();
  EXPECT_EQ(::umount((outside / "photos").c_str()), 0) << "the service must not hold it";
  EXPECT_TRUE(service_.says("offline")) << service_.log();
  EXPECT_EQ(service_.files().size(), 5u);
  service_.forget();
  ASSERT_EQ(::mount((outside / "disk").c_str(), (outside / "photos").c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_TRUE(service_.says("fresh")) << service_.log();
  outside.write("photos/new.jpg", jpeg(9));
  EXPECT_TRUE(service_.equals_fresh_index_of({outside / "photos"})) << service_.difference;
  EXPECT_EQ(service_.decoded(), decoded + 1);
  service_.stop();
  ::umount((outside / "photos").c_str());
  ::umount((outside / "disk").c_str());
}

INSTANTIATE_TEST_SUITE_P(Watching, ServiceTest, ::testing::Values("inotify", "fanotify", "poll"),
                         [](const auto& suite) { return std::string(suite.param); });

class ServiceControlTest : public ServiceTest {};
INSTANTIATE_TEST_SUITE_P(Watching, ServiceControlTest, ::testing::Values("inotify"),
                         [](const auto& suite) { return std::string(suite.param); });

// The kernel says that processes wait for the processor: here, for one that is never free.
TEST_P(ServiceControlTest, HoldsBackWhileOthersWait) {
  if (::access("/proc/pressure/cpu", W_OK) != 0) GTEST_SKIP() << "this kernel, or this user, has no pressure information";
  const std::string calm = service_.settings;
  service_.settings.insert(service_.settings.find("[control]"), "[pressure]\ncpu = 1\n");
  service_.start();
  std::vector<pid_t> busy;
  for (unsigned i = 0; i < 4 * std::thread::hardware_concurrency(); ++i) {
    busy.push_back(::fork());
    if (busy.back() == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) {
      }
    }
  }
  EXPECT_TRUE(service_.says("cpu pressure: holding back")) << service_.log();
  for (const pid_t process : busy) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
  // No longer than it is told to.
  pictures_.write("a.jpg", jpeg(1));
  service_.settings = calm;
  service_.write_config();
  service_.kill(SIGHUP);
  EXPECT_TRUE(service_.until([&] { return holds("a.jpg"); })) << service_.log();
  service_.stop();
}

// However they come: here one by one, each as soon as the one before is stored.
TEST_P(ServiceControlTest, ManyBrokenFilesAreAFewLines) {
  service_.start();
  for (size_t i = 0; i < 15; ++i) {
    pictures_.write(std::to_string(i) + ".jpg", jpeg(i).substr(0, 100));
    ASSERT_TRUE(service_.until([&] { return service_.files().size() == i + 1; }));
  }
  service_.stop();
  const std::string log = service_.log();
  size_t lines = 0;
  for (size_t at = log.find(": corrupt: "); at != std::string::npos; at = log.find(": corrupt: ", at + 1)) ++lines;
  EXPECT_EQ(lines, 10u) << log;
  EXPECT_THAT(log, HasSubstr("and 5 more files like that"));
}

// Polling must not fill the table of runs.
TEST_P(ServiceControlTest, WalksThatFindNothingShareARowOfTheRunTable) {
  pictures_.write("a.jpg", jpeg(1));
  service_.roots = {"path = \"" + pictures_.path() + "\"\nwatch = \"poll\"\npoll = \"1s\""};
  service_.start();
  ASSERT_TRUE(is_fresh()) << service_.difference;
  const auto runs = [&] {  // newest first
    std::vector<index::RunRow> rows;
    auto reader = index::IndexReader::open(service_.index());
    if (reader) static_cast<void>(reader->visit_runs([&](const auto& row) { return rows.push_back(row), Result<>(); }));
    return rows;
  };
  const auto newest_is_a_quiet_walk = [&] {
    const auto rows = runs();
    return !rows.empty() && rows.front().finished_ns > 0 && rows.front().totals.unchanged == 1 &&
           rows.front().totals.indexed == 0;
  };
  ASSERT_TRUE(service_.until(newest_is_a_quiet_walk));
  const auto before = runs();
  ASSERT_TRUE(service_.until([&] { return runs().front().finished_ns > before.front().finished_ns; }));
  EXPECT_EQ(runs().size(), before.size());
  pictures_.write("b.jpg", jpeg(2));
  ASSERT_TRUE(service_.until([&] { return holds("b.jpg"); }));
  service_.stop();
}

// Those who ask by SQL see groups as soon as what is new is paired; and pairs are kept as far as somebody asked before.
TEST_P(ServiceControlTest, GroupsCanBeReadBySql) {
  const auto count = [&](index::Sql sql) {
    auto database = index::Database::open(service_.index(), index::Database::Mode::kReadOnly);
    return database ? database->integer(sql).value_or(std::nullopt).value_or(0) : 0;
  };
  pictures_.write("one.jpg", jpeg(1));
  pictures_.write("one-again.jpg", jpeg(1, 60));
  service_.start();
  EXPECT_TRUE(service_.until([&] { return count("SELECT count(*) FROM v_groups") == 2; }));
  pictures_.write("once-more.jpg", jpeg(1, 70));
  EXPECT_TRUE(service_.until([&] { return count("SELECT count(*) FROM v_groups") == 3; }));
  EXPECT_EQ(service_.stop(), 0);
  {
    auto index = index::IndexWriter::open(service_.index(), "test").value();
    ASSERT_TRUE(index.want_pairs(Algorithm::kPdq, 48));
  }
  pictures_.write("other.jpg", jpeg(2));
  service_.start();
  EXPECT_TRUE(service_.until([&] { return count("SELECT count(*) FROM pairing WHERE radius = 48 AND position = 4") == 1; }));
  EXPECT_EQ(service_.stop(), 0);
}

// A file that is being written is left alone until its writer closes it.
TEST_P(ServiceControlTest, HalfWrittenFilesAreNotIndexed) {
  service_.settings = "settle = \"600s\"\n" + service_.settings.substr(service_.settings.find("nice"));
  service_.settings.erase(service_.settings.find("settle = \"300ms\"\n"), 17);
  service_.start();
  ASSERT_TRUE(service_.says("idle"));
  const std::string bytes = jpeg(1);
  std::ofstream file(pictures_ / "slow.jpg", std::ios::binary);
  file << bytes.substr(0, bytes.size() / 2) << std::flush;
  pictures_.write("marker.jpg", jpeg(2));
  ASSERT_TRUE(service_.until([&] { return holds("marker.jpg"); }));
  EXPECT_FALSE(holds("slow.jpg"));
  file << bytes.substr(bytes.size() / 2);
  file.close();
  EXPECT_TRUE(service_.until([&] { return holds("slow.jpg"); }));
  EXPECT_THAT(service_.files().at(pictures_ / "slow.jpg"), HasSubstr("indexed"));
  service_.stop();
}

TEST_P(ServiceControlTest, ABrokenConfigurationKeepsTheOldOne) {
  pictures_.write("a.jpg", jpeg(1));
  service_.start();
  ASSERT_TRUE(is_fresh()) << service_.difference;
  service_.forget();
  service_.write_config("index = \"" + service_.index() + "\"\nsettel = \"1s\"\n");
  service_.kill(SIGHUP);
  EXPECT_TRUE(service_.says("did you mean 'settle'?")) << service_.log();
  EXPECT_TRUE(service_.says("STATUS="));
  pictures_.write("b.jpg", jpeg(2));
  EXPECT_TRUE(is_fresh()) << service_.difference;
  TempDir others;
  others.write("c.jpg", jpeg(3));
  service_.roots.push_back(root(others.path()));
  service_.write_config();
  service_.kill(SIGHUP);
  EXPECT_TRUE(service_.equals_fresh_index_of({pictures_.path(), others.path()})) << service_.difference;
  service_.stop();
}

TEST_P(ServiceControlTest, ASecondServiceOnTheSameIndexIsRefused) {
  service_.start();
  const Finished second = run_program({PAIRLOOM_SERVICE, "--config", service_.config()});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.err, HasSubstr("is being written by pairloomd (pid " + std::to_string(service_.pid())));
  const Finished foreground = run_program({PAIRLOOM_PROGRAM, "--index", service_.index(), "scan", pictures_.path()});
  EXPECT_NE(foreground.status, 0);
  EXPECT_THAT(foreground.err, HasSubstr("pairloomd"));
  service_.stop();
}

TEST_P(ServiceControlTest, AForegroundRunIsWaitedFor) {
  pictures_.write("a.jpg", jpeg(1));
  {
    const auto writer = index::IndexWriter::open(service_.index(), "a foreground run");
    ASSERT_TRUE(writer);
    // The lock names this process, which does not end: the service looks again by itself.
    service_.start();
    EXPECT_TRUE(service_.says("waiting for"));
  }
  service_.stop();
}

TEST_P(ServiceControlTest, AnOverflowOfEventsLosesNothing) {
  pictures_.write("a.jpg", jpeg(1));
  service_.start();
  ASSERT_TRUE(is_fresh()) << service_.difference;
  // It does not read events while it is stopped, and there are more than the kernel keeps.
  service_.kill(SIGSTOP);
  uint64_t most = 16384;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
  if (most > 100'000) GTEST_SKIP() << "the queue is too long here";
  for (uint64_t i = 0; i <= most / 2; ++i) {
    const std::string path = pictures_.write("x" + std::to_string(i), "x");
    fs::remove(path);
  }
  pictures_.write("late/b.jpg", jpeg(2));
  fs::remove(pictures_ / "a.jpg");
  service_.kill(SIGCONT);
  EXPECT_TRUE(service_.says("more happened than")) << service_.log();
  EXPECT_TRUE(is_fresh()) << service_.difference;
  service_.stop();
}

}  // namespace
}  // namespace pairloom::test
