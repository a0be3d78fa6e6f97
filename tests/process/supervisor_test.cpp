// The supervisor against a worker that misbehaves on purpose (misbehaving_worker.cpp): whatever one file does, it costs
// that file, and the others are indexed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>

#include "daemon/index_run.h"
#include "index/index_reader.h"
#include "index/index_writer.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

class Supervisor : public ::testing::Test {
 protected:
  // Honest files, as many as make several chunks per worker.
  void add_honest_files(int count) {
    for (int i = 0; i < count; ++i) pictures_.write("honest" + std::to_string(1000 + i), "x");
  }

  Result<RunSummary> run(double deadline_s = 30, int jobs = 2, bool retry_failed = false) {
    auto index = index::IndexWriter::open(index_path(), "test");
    if (!index) return tl::unexpected(index.error());
    IndexRequest request;
    request.roots = {pictures_.path()};
    request.pool.worker_program = PAIRLOOM_MISBEHAVING_WORKER;
    request.pool.jobs = jobs;
    request.pool.task_deadline_s = deadline_s;
    request.pair_algorithms = 0;
    request.retry_failed = retry_failed;
    problems_.clear();
    RunObserver observer;
    observer.problem = [this](const Problem& problem) {
      problems_[std::filesystem::path(problem.path).filename()] = problem.reason;
    };
    return run_index(*index, request, observer);
  }

  std::map<std::string, Outcome> outcomes() {
    auto index = index::IndexReader::open(index_path()).value();
    std::map<std::string, Outcome> all;
    EXPECT_TRUE(index.visit_files([&](const index::FileRow& row) -> Result<> {
      all[std::filesystem::path(row.path).filename()] = row.outcome;
      return {};
    }));
    return all;
  }

  int count(Outcome outcome) {
    int n = 0;
    for (const auto& [name, o] : outcomes()) n += o == outcome;
    return n;
  }

  std::string index_path() const { return home_ / "index.db"; }

  test::TempDir pictures_, home_;
  std::map<std::string, std::string> problems_;
};

TEST_F(Supervisor, IndexesEverythingWhenNobodyMisbehaves) {
  add_honest_files(500);
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->totals.indexed, 500u);
  EXPECT_EQ(summary->totals.worker_deaths, 0u);
  EXPECT_EQ(count(Outcome::kIndexed), 500);
  EXPECT_TRUE(test::no_child_stays());
}

TEST_F(Supervisor, ACrashCostsTheFileTwoWorkersAndNobodyElseAnything) {
  add_honest_files(300);
  pictures_.write("crash.jpg", "x");
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->totals.indexed, 300u);
  EXPECT_EQ(summary->totals.worker_deaths, 2u) << "in hand once, retried once, then left alone";
  EXPECT_EQ(outcomes().at("crash.jpg"), Outcome::kCrashed);
  EXPECT_THAT(problems_.at("crash.jpg"), ::testing::HasSubstr("signal 6"));
}

TEST_F(Supervisor, AFileThatCrashesOnceIsIndexed) {
  add_honest_files(50);
  pictures_.write("crash-once.jpg", "x");
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(outcomes().at("crash-once.jpg"), Outcome::kIndexed);
  EXPECT_EQ(summary->totals.worker_deaths, 1u);
}

TEST_F(Supervisor, AHangingFileIsTimedOutAndTheRestIsDone) {
  add_honest_files(100);
  pictures_.write("hang.jpg", "x");
  const auto summary = run(2);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->totals.indexed, 100u);
  EXPECT_EQ(outcomes().at("hang.jpg"), Outcome::kTimedOut);
}

TEST_F(Supervisor, LiarsAreCaughtAndCostOnlyThemselves) {
  add_honest_files(200);
  const std::vector<std::string> liars = {"lie-id", "lie-outcome", "lie-codes", "lie-length", "exit", "kill-self"};
  for (const std::string& liar : liars) pictures_.write(liar, "x");
  pictures_.write("flood", "x");  // its first answer is a good one; what follows costs it the worker
  pictures_.write("scribble", "x");
  const auto summary = run(10);
  ASSERT_TRUE(summary) << summary.error().message;
  int honest = 0;
  for (const auto& [name, outcome] : outcomes()) honest += name.starts_with("honest") && outcome == Outcome::kIndexed;
  EXPECT_EQ(honest, 200);
  EXPECT_GE(summary->totals.worker_deaths, 2 * liars.size() + 1);
  for (const std::string& liar : liars)
    EXPECT_EQ(outcomes().at(liar), Outcome::kCrashed) << liar << ": " << problems_[liar];
  EXPECT_TRUE(test::no_child_stays());
}

TEST_F(Supervisor, AWorkerThatScribblesOverItsWholeLaneCostsItsFileOnly) {
  pictures_.write("scribble-all", "x");
  add_honest_files(100);
  const auto summary = run(10);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(count(Outcome::kIndexed), 100);
  EXPECT_EQ(outcomes().at("scribble-all"), Outcome::kCrashed) << problems_["scribble-all"];
}

// It has had time to settle at the end of the run; then it is left to the next one.
TEST_F(Supervisor, AFileThatChangedWhileItWasReadIsLookedAtOnceMore) {
  add_honest_files(50);
  pictures_.write("changing-once.jpg", "x");
  pictures_.write("changing.jpg", "x");
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(outcomes().at("changing-once.jpg"), Outcome::kIndexed);
  EXPECT_EQ(outcomes().at("changing.jpg"), Outcome::kChanged);
  EXPECT_EQ(summary->totals.indexed, 51u);
  EXPECT_EQ(summary->totals.failed, 1u);
  EXPECT_FALSE(problems_.contains("changing-once.jpg"));
}

TEST_F(Supervisor, WhatWasLeftAloneIsNotTriedAgainUntilItIsAskedFor) {
  pictures_.write("crash.jpg", "x");
  add_honest_files(3);
  ASSERT_TRUE(run());
  const auto again = run();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->totals.unchanged, 3u);
  EXPECT_EQ(again->totals.failed, 1u);
  EXPECT_EQ(again->totals.worker_deaths, 0u);
  const auto retried = run(30, 2, true);
  ASSERT_TRUE(retried) << retried.error().message;
  EXPECT_EQ(retried->totals.worker_deaths, 2u);
}

TEST_F(Supervisor, AChangedFileIsTriedAgain) {
  const std::string path = pictures_.write("crash.jpg", "x");
  ASSERT_TRUE(run());
  pictures_.write("crash.jpg", "longer");
  const auto again = run();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->totals.worker_deaths, 2u);
}

TEST_F(Supervisor, ManyBadFilesEndByThemselves) {
  for (int i = 0; i < 20; ++i) pictures_.write("crash" + std::to_string(i), "x");
  add_honest_files(20);
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(count(Outcome::kCrashed), 20);
  EXPECT_EQ(count(Outcome::kIndexed), 20);
}

TEST_F(Supervisor, MoreWorkersThanFilesAndMoreThanCoresWork) {
  add_honest_files(5);
  const auto summary = run(30, 12);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->totals.indexed, 5u);
}

TEST_F(Supervisor, AWorkerThatCannotStartEndsTheRunWithAClearError) {
  add_honest_files(5);
  auto index = index::IndexWriter::open(index_path(), "test").value();
  IndexRequest request;
  request.roots = {pictures_.path()};
  request.pool.jobs = 2;
  request.pool.worker_program = "/bin/false";
  const auto summary = run_index(index, request, {});
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Errc::kNoWorkers);
  request.pool.worker_program = "/no/such/program";
  const auto missing = run_index(index, request, {});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, ::testing::HasSubstr("/no/such/program"));
}

TEST_F(Supervisor, StopKeepsWhatIsDoneAndARerunContinues) {
  add_honest_files(400);
  auto index = index::IndexWriter::open(index_path(), "test").value();
  IndexRequest request;
  request.roots = {pictures_.path()};
  request.pool.jobs = 2;
  request.pool.worker_program = PAIRLOOM_MISBEHAVING_WORKER;
  request.pair_algorithms = 0;
  RunObserver observer;
  pictures_.write("hang.jpg", "x");  // so that the run cannot end before it is stopped
  uint64_t done = 0;
  observer.progress = [&](const Progress& progress) { done = progress.done; };
  observer.stop_requested = [&] { return done >= 1; };
  const auto stopped = run_index(index, request, observer);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_TRUE(stopped->totals.interrupted);
  const auto kept = static_cast<uint64_t>(count(Outcome::kIndexed));
  EXPECT_EQ(kept, stopped->totals.indexed);
  ASSERT_TRUE(std::filesystem::remove(pictures_ / "hang.jpg"));
  const auto rest = run_index(index, request, {});
  ASSERT_TRUE(rest) << rest.error().message;
  EXPECT_EQ(rest->totals.indexed + kept, 400u);
  EXPECT_TRUE(test::no_child_stays());
}

TEST_F(Supervisor, InterruptByASignalIsTakenAsAStop) {
  pictures_.write("hang.jpg", "x");
  auto index = index::IndexWriter::open(index_path(), "test").value();
  IndexRequest request;
  request.roots = {pictures_.path()};
  request.pool.worker_program = PAIRLOOM_MISBEHAVING_WORKER;
  RunObserver observer;
  observer.progress = [](const Progress&) { ::kill(::getpid(), SIGINT); };
  const auto stopped = run_index(index, request, observer);
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_TRUE(stopped->totals.interrupted);
}

}  // namespace
}  // namespace pairloom::daemon
