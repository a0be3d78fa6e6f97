// Jobs that take a file a task, against a worker that misbehaves on purpose (misbehaving_worker.cpp): every file is
// answered once, in order, whatever its neighbours do.
#include "daemon/file_job.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

using ::testing::ElementsAre;

struct Heard {
  std::string path;
  jobs::FileAnswer answer;
};

std::string text_of(const jobs::FileAnswer& answer) {
  return {reinterpret_cast<const char*>(answer.body.data()), answer.body.size()};
}

class FileJob : public ::testing::Test {
 protected:
  Result<FileJobSummary> run(FileJobRequest request, double deadline_s = 30) {
    PoolOptions pool;
    pool.worker_program = PAIRLOOM_MISBEHAVING_WORKER;
    pool.jobs = 3;
    pool.task_deadline_s = deadline_s;
    PAIRLOOM_ASSIGN(auto jobs, FileJobs::create(pool));
    request.kind = static_cast<jobs::JobKind>(1000);
    const auto sink = [this](const std::string& path, jobs::FileAnswer answer) -> Result<> {
      heard_.push_back({path, std::move(answer)});
      if (heard_.size() == stop_after_) return fail(Errc::kIo, "the sink is full");
      return {};
    };
    RunObserver observer;
    observer.problem = [this](const Problem& problem) { problems_.push_back(problem.path); };
    return jobs.run(request, sink, observer);
  }
  Result<FileJobSummary> run_on(std::vector<std::string> paths) {
    FileJobRequest request;
    request.paths = std::move(paths);
    return run(std::move(request));
  }
  std::vector<std::string> paths() const {
    std::vector<std::string> all;
    for (const auto& h : heard_) all.push_back(h.path);
    return all;
  }

  test::TempDir dir_;
  std::vector<Heard> heard_;
  std::vector<std::string> problems_;
  size_t stop_after_ = 0;
};

TEST_F(FileJob, AnswersComeInTheOrderOfTheFilesOfADirectoryOfAnySize) {
  constexpr int kFiles = 10'000;  // more than a batch and more than the window
  for (int i = 0; i < kFiles; ++i) dir_.write(fmt::format("f{:05}", i * 7919 % kFiles), "x");
  const auto summary = run_on({dir_.path()});
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->done, uint64_t{kFiles});
  ASSERT_EQ(heard_.size(), size_t{kFiles});
  for (int i = 0; i < kFiles; ++i) {
    const auto& h = heard_[static_cast<size_t>(i)];
    ASSERT_EQ(h.path, dir_ / fmt::format("f{:05}", i));
    ASSERT_EQ(text_of(h.answer), fmt::format("f{:05}", i));
  }
}

TEST_F(FileJob, LongAnswersComeInPartsAndWhole) {
  for (const char* name : {"a", "long-b", "c", "long-d"}) dir_.write(name, "x");
  ASSERT_TRUE(run_on({dir_.path()}));
  ASSERT_EQ(heard_.size(), 4u);
  EXPECT_EQ(heard_[2].answer.body.size(), 50'000u * 6);
  EXPECT_EQ(text_of(heard_[3].answer).substr(299'994), "long-d");
}

TEST_F(FileJob, ABadFileIsAnsweredInItsPlaceAndCostsNobodyElse) {
  for (int i = 0; i < 300; ++i) dir_.write(fmt::format("file{:03}", i), "x");
  for (const char* name : {"crash-here", "crash-once", "file100-a", "lie-id", "long-after"}) dir_.write(name, "x");
  const auto summary = run_on({dir_.path()});
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->files, 305u);
  EXPECT_EQ(summary->failed, 2u);
  EXPECT_GE(summary->worker_deaths, 5u);
  ASSERT_EQ(heard_.size(), 305u);
  EXPECT_TRUE(std::is_sorted(heard_.begin(), heard_.end(), [](auto& a, auto& b) { return a.path < b.path; }));
  for (const auto& [path, answer] : heard_) {
    const std::string name = std::filesystem::path(path).filename();
    const bool bad = name == "crash-here" || name == "lie-id";
    EXPECT_EQ(answer.outcome, bad ? Outcome::kCrashed : Outcome::kIndexed) << name;
    // What crash-once sent before it crashed must not be in front of what it sent the second time.
    if (!bad && name != "long-after") {
      EXPECT_EQ(text_of(answer), name);
    }
  }
}

TEST_F(FileJob, AHangingFileDelaysItsFollowersAndNoMore) {
  for (int i = 0; i < 50; ++i) dir_.write(fmt::format("z{:03}", i), "x");
  dir_.write("hang", "x");
  FileJobRequest request;
  request.paths = {dir_.path()};
  ASSERT_TRUE(run(std::move(request), 0.2));
  ASSERT_EQ(heard_.size(), 51u);
  EXPECT_EQ(heard_[0].answer.outcome, Outcome::kTimedOut);
}

TEST_F(FileJob, BodiesThatFailTheCheckAreLies) {
  for (const char* name : {"a", "b"}) dir_.write(name, "x");
  FileJobRequest request;
  request.paths = {dir_.path()};
  request.check = [](std::span<const std::byte> body) -> Result<> {
    return body[0] == std::byte{'b'} ? Result<>(fail(Errc::kProtocol, "no b")) : Result<>{};
  };
  ASSERT_TRUE(run(std::move(request)));
  ASSERT_EQ(heard_.size(), 2u);
  EXPECT_EQ(heard_[0].answer.outcome, Outcome::kIndexed);
  EXPECT_EQ(heard_[1].answer.outcome, Outcome::kCrashed);
  EXPECT_THAT(heard_[1].answer.message, ::testing::HasSubstr("no b"));
}

TEST_F(FileJob, AnAnswerThatIsTooLongIsALie) {
  for (const char* name : {"a", "long"}) dir_.write(name, "x");
  FileJobRequest request;
  request.paths = {dir_.path()};
  request.max_answer_bytes = 150'000;
  ASSERT_TRUE(run(std::move(request)));
  EXPECT_EQ(heard_.at(1).answer.outcome, Outcome::kCrashed);
}

TEST_F(FileJob, TheSinksErrorEndsTheRun) {
  for (int i = 0; i < 50; ++i) dir_.write(fmt::format("z{:03}", i), "x");
  stop_after_ = 10;
  const auto summary = run_on({dir_.path()});
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().message, "the sink is full");
  EXPECT_EQ(heard_.size(), 10u);
}

TEST_F(FileJob, PathsAreShownAsTheyWereWritten) {
  dir_.write("tree/sub/b", "x");
  dir_.write("tree/a", "x");
  dir_.write("single", "x");
  ASSERT_EQ(::symlink("single", (dir_ / "link").c_str()), 0);
  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(dir_.path());
  const auto summary = run_on({"./single", "tree/", "nowhere", "link"});
  std::filesystem::current_path(before);
  ASSERT_TRUE(summary);
  EXPECT_THAT(paths(), ElementsAre("./single", "tree/a", "tree/sub/b"));  // the link leads to a file already taken
  EXPECT_THAT(problems_, ElementsAre("nowhere"));
  EXPECT_THAT(summary->missing_roots, ElementsAre("nowhere"));
}

}  // namespace
}  // namespace pairloom::daemon
