// A worker that has been taken over by a file (traitor_job.cpp) achieves nothing, and the run goes on; and the opener
// hands out nothing but the files that are meant.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <map>

#include "base/fd.h"
#include "base/sandbox_level.h"
#include "base/sanitized.h"
#include "daemon/index_run.h"
#include "index/index_reader.h"
#include "index/index_writer.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kHonest = 40;

class Containment : public ::testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "sanitizers need system calls that the sandbox forbids";
    for (int i = 0; i < kHonest; ++i) add_picture("honest" + std::to_string(i) + ".jpg", static_cast<uint64_t>(i));
  }

  void add_picture(const std::string& name, uint64_t seed) {
    const auto bytes = test::encode_jpeg(test::draw_picture(seed, 120, 90));
    pictures_.write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  void add_order(const std::string& name, const std::string& order) {
    pictures_.write(name + ".jpg",
                    "\xFF\xD8\xFF"
                    "do:" +
                        order);
  }

  Result<RunSummary> run(const std::function<void(IndexRequest&)>& change = {}) {
    auto index = index::IndexWriter::open(home_ / "index.db", "test");
    if (!index) return tl::unexpected(index.error());
    IndexRequest request;
    request.roots = {pictures_.path()};
    request.pool.worker_program = PAIRLOOM_TRAITOR_WORKER;
    request.pool.jobs = 2;
    if (change) change(request);
    return run_index(*index, request, {});
  }

  std::map<std::string, index::FailureRow> failures() {
    std::map<std::string, index::FailureRow> all;
    auto index = index::IndexReader::open(home_ / "index.db").value();
    EXPECT_TRUE(index.visit_failures([&](const index::FailureRow& row) -> Result<> {
      all[fs::path(row.path).stem()] = row;
      return {};
    }));
    return all;
  }

  uint64_t indexed() { return index::IndexReader::open(home_ / "index.db").value().info()->files; }

  test::TempDir pictures_, home_;
};

TEST_F(Containment, ATakenOverDecoderAchievesNothingAndTheRunGoesOn) {
  const std::string prize = home_ / "prize", victim = home_.write("victim", "stays");
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 5), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);

  const std::string port = std::to_string(ntohs(address.sin_port));
  const std::map<std::string, std::string> orders = {
      {"open", "open /etc/passwd"}, {"create", "create " + prize}, {"remove", "remove " + victim},
      {"connect", "connect " + port}, {"fork", "fork"}, {"exec", "exec " + prize}, {"ptrace", "ptrace"},
      {"signal", "signal"}, {"code", "code"}, {"hide", "hide"}, {"limits", "limits"}, {"write", "write"}};
  for (const auto& [name, order] : orders) add_order(name, order);
  const auto summary = run();
  ASSERT_TRUE(summary) << summary.error().message;

  EXPECT_EQ(indexed(), uint64_t{kHonest});
  const auto failed = failures();
  EXPECT_EQ(failed.size(), orders.size());
  for (const auto& [name, order] : orders) {
    ASSERT_TRUE(failed.contains(name)) << name;
    EXPECT_EQ(failed.at(name).outcome, Outcome::kCrashed) << name << ": " << failed.at(name).message;
    EXPECT_EQ(failed.at(name).signal, SIGSYS) << name << ": " << failed.at(name).message;
    EXPECT_THAT(failed.at(name).decoder, HasSubstr("libjpeg-turbo")) << name;
  }
  EXPECT_FALSE(fs::exists(prize));
  EXPECT_TRUE(fs::exists(victim));
  pollfd connection{listener.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&connection, 1, 0), 0) << "somebody connected";
  EXPECT_TRUE(test::no_child_stays());
  for (const auto& worker : summary->workers) EXPECT_EQ(worker.sandbox_level, kSandboxSteps);
}

TEST_F(Containment, ADecoderThatEatsMemoryIsRefusedItAndGoesOn) {
  add_order("eat", "eat");
  const auto summary = run([](IndexRequest& request) { request.pool.worker_memory_bytes = 300u << 20; });
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->totals.worker_deaths, 0u);
  ASSERT_TRUE(failures().contains("eat"));
  EXPECT_EQ(failures().at("eat").outcome, Outcome::kTooLarge) << failures().at("eat").message;
  EXPECT_EQ(indexed(), uint64_t{kHonest});
}

// A heartbeat is only what the worker says of itself.
TEST_F(Containment, ADecoderThatShowsSignsOfLifeForEverIsTimedOut) {
  add_order("live", "live");
  const auto summary = run([](IndexRequest& request) { request.pool.task_limit_s = 2; });
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_TRUE(failures().contains("live"));
  EXPECT_EQ(failures().at("live").outcome, Outcome::kTimedOut);
  EXPECT_EQ(indexed(), uint64_t{kHonest});
}

TEST_F(Containment, ACompleteSandboxCanBeRequired) {
  const auto summary = run([](IndexRequest& request) { request.pool.require_sandbox = true; });
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(indexed(), uint64_t{kHonest});
}

TEST_F(Containment, TheWorkersReportWhatTheyPrevent) {
  for (const char* worker : {PAIRLOOM_WORKER, PAIRLOOM_OPENCV_WORKER}) {
    const auto answer = test::run_program({worker, "--sandbox"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("31\tcomplete")) << worker;
    EXPECT_THAT(answer.out, Not(HasSubstr("possible"))) << worker;
  }
  const auto doctor = test::run_program({PAIRLOOM_PROGRAM, "--index", home_ / "none.db", "doctor"});
  EXPECT_THAT(doctor.out, HasSubstr("complete; every misdeed tried in it was prevented"));
}

// As on a mount whose server is gone: the opener never opens anything (`sleep`, which takes its two numbers for seconds).
TEST_F(Containment, AnOpenerThatHangsCostsTheFileNotTheRun) {
  for (int i = 1; i < kHonest; ++i) fs::remove(pictures_ / ("honest" + std::to_string(i) + ".jpg"));
  const auto summary = run([](IndexRequest& request) {
    request.pool.opener_program = "/bin/sleep";
    request.pool.task_deadline_s = 1;
  });
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_TRUE(failures().contains("honest0"));
  EXPECT_EQ(failures().at("honest0").outcome, Outcome::kTimedOut);
  EXPECT_TRUE(test::no_child_stays());
}

// An opener that dies takes no file with it: what its worker had in hand is tried again.
TEST_F(Containment, AnOpenerThatDiesIsReplacedAndAMissingOneIsSaid) {
  const auto missing = run([](IndexRequest& request) { request.pool.opener_program = "/no/such/opener"; });
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/no/such/opener"));
  const auto summary = run([](IndexRequest& request) { request.pool.opener_program = "/bin/true"; });
  ASSERT_FALSE(summary) << "no opener ever lives";
  EXPECT_EQ(summary.error().code, Errc::kNoWorkers) << summary.error().message;
}

// Between the walk and the opening anything can take the place of a file: the opener is asked for what was there.
TEST_F(Containment, WhatTookThePlaceOfAFileIsNotHandedOut) {
  ASSERT_EQ(::mkfifo((pictures_ / "fifo.jpg").c_str(), 0600), 0);
  fs::create_directory(pictures_ / "directory.jpg");
  const auto results = extract_files({pictures_ / "fifo.jpg", pictures_ / "directory.jpg"}, {}, {});
  ASSERT_TRUE(results) << results.error().message;
  for (const auto& result : *results) {
    EXPECT_EQ(result.outcome, Outcome::kUnreadable);
    EXPECT_EQ(result.message, "is not a regular file");
  }
}

}  // namespace
}  // namespace pairloom::daemon
