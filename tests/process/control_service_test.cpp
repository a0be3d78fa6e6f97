// `pairloom` and a real pairloomd that has the index.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>

#include "base/json_text.h"
#include "base/sanitized.h"
#include "tests/process/running_service.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"

namespace pairloom {
namespace {

using test::Finished;

std::string picture(uint64_t seed) {
  const auto bytes = test::encode_jpeg(test::draw_picture(seed, 320, 240), {});
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// The service at the usual place of a user's own, and two directories: one it watches, one it does not know.
class ControlService : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("XDG_RUNTIME_DIR", scratch_.path().c_str(), 1);
    std::filesystem::create_directory(scratch_ / "pairloom");
    for (uint64_t seed = 1; seed <= 3; ++seed) scratch_.write("watched/" + std::to_string(seed) + ".jpg", picture(seed));
    for (uint64_t seed = 3; seed <= 6; ++seed) scratch_.write("other/" + std::to_string(seed) + ".jpg", picture(seed));
    scratch_.write("other/damaged.jpg", picture(7).substr(0, 700));
    const size_t at = service_.settings.find("socket = \"\"");
    ASSERT_NE(at, std::string::npos);
    service_.settings.replace(at, 11, "socket = \"" + socket() + "\"");
    service_.roots.push_back("path = \"" + scratch_ / "watched" + "\"");
    service_.start();
    ASSERT_TRUE(service_.until([this] { return service_.files().size() == 3; }));
  }
  void TearDown() override { ::unsetenv("XDG_RUNTIME_DIR"); }

  std::string socket() const { return scratch_ / "pairloom/control.sock"; }
  Finished pairloom(std::vector<std::string> words) const {
    words.insert(words.begin(), {PAIRLOOM_PROGRAM, "--index", service_.index()});
    return test::run_program(words);
  }
  std::string state() const {
    return parse_object(pairloom({"status", "--json"}).out).value_or(Json::object()).value("state", "");
  }
  pid_t control_process() const {
    for (const pid_t child : test::children_of(service_.pid())) {
      std::error_code error;
      const auto program = std::filesystem::read_symlink("/proc/" + std::to_string(child) + "/exe", error);
      if (program.filename() == "pairloom-control") return child;
    }
    return 0;
  }

  test::TempDir scratch_;
  test::RunningService service_;
};

// What differs from run to run.
std::string without_times(const std::string& text) {
  return std::regex_replace(text, std::regex("after .* \\("), "after a while (");
}

TEST_F(ControlService, IndexAddGoesThroughItAndSaysTheSame) {
  const Finished by_daemon = pairloom({"index", "add", scratch_ / "other"});
  const Finished by_itself = test::run_program(
      {PAIRLOOM_PROGRAM, "--socket", "none", "--index", scratch_ / "own.db", "-j", "2", "index", "add", scratch_ / "other"});
  EXPECT_EQ(by_daemon.status, by_itself.status) << by_daemon.err;
  EXPECT_EQ(by_daemon.out, by_itself.out);
  const std::regex rate("\\(.* img/s, ");
  EXPECT_EQ(std::regex_replace(without_times(by_daemon.err), rate, "("),
            std::regex_replace(without_times(by_itself.err), rate, "("));
  EXPECT_EQ(service_.files().size(), 8u);
  const Finished updated = pairloom({"index", "update"});
  EXPECT_EQ(updated.status, 0) << updated.err;
  EXPECT_NE(updated.err.find("8 unchanged"), std::string::npos) << updated.err;
}

TEST_F(ControlService, PairsAreKeptAsFarAsItIsTold) {
  const Finished related = pairloom({"index", "pair", "--preset", "related"});
  EXPECT_EQ(related.status, 0);
  EXPECT_NE(related.err.find("new pairs after"), std::string::npos) << related.err;
  EXPECT_NE(related.err.find("pairs up to distance 48 are kept"), std::string::npos) << related.err;
  EXPECT_NE(pairloom({"index", "info"}).out.find("paired up to distance 48"), std::string::npos);
  EXPECT_EQ(pairloom({"index", "pair", "--default"}).status, 0);
  EXPECT_NE(pairloom({"index", "info"}).out.find("paired up to distance 31"), std::string::npos);

  // A mistake of ours is not the service's.
  const Finished none = pairloom({"index", "pair", "--algorithm", "dhash", "--distance", "4"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("no dhash codes"), std::string::npos) << none.err;
  const Json status = parse_object(pairloom({"status", "--json"}).out).value_or(Json::object());
  EXPECT_TRUE(!status.contains("last_error") || status["last_error"].is_null() || status["last_error"] == "") << status;
}

TEST_F(ControlService, ItLooksAgainAtFailures) {
  const std::string broken = scratch_.write("other/broken.jpg", picture(8).substr(0, 100));
  EXPECT_EQ(pairloom({"index", "add", scratch_ / "other"}).status, 3);
  const Finished still = pairloom({"index", "retry"});
  EXPECT_EQ(still.status, 3);
  EXPECT_NE(still.err.find(broken), std::string::npos) << still.err;
  scratch_.write("other/broken.jpg", picture(8));
  EXPECT_EQ(pairloom({"index", "retry"}).status, 0);
  EXPECT_EQ(pairloom({"index", "failures"}).out, "");
}

TEST_F(ControlService, StatusSaysWhatTheIndexHolds) {
  scratch_.write("other/broken.jpg", picture(8).substr(0, 100));
  EXPECT_EQ(pairloom({"index", "add", scratch_ / "other"}).status, 3);
  const Json status = parse_object(pairloom({"status", "--json"}).out).value_or(Json::object());
  EXPECT_EQ(status.value("indexed_files", -1), 8);
  EXPECT_EQ(status.value("contents", -1), 7);
  EXPECT_EQ(status.value("failed_files", -1), 1);
}

// Nothing has to be known about a place for an index to tell a daemon something.
TEST_F(ControlService, ItCanBeToldThingsWhereThereIsNoHome) {
  const std::string home = std::getenv("HOME") != nullptr ? std::getenv("HOME") : "";
  ::unsetenv("HOME");
  const Finished listed = test::run_program({PAIRLOOM_PROGRAM, "watch", "ls", "-o", "null"});
  const Finished indexed = test::run_program({PAIRLOOM_PROGRAM, "dups"});
  if (!home.empty()) ::setenv("HOME", home.c_str(), 1);
  EXPECT_EQ(listed.out, scratch_ / "watched" + '\0') << listed.err;
  EXPECT_EQ(indexed.status, 2);
  EXPECT_NE(indexed.err.find("name a file with --index"), std::string::npos) << indexed.err;
}

// A client's bytes are read by a process that can do little else.
TEST_F(ControlService, ItsControlProcessIsFiltered) {
  std::ifstream status("/proc/" + std::to_string(control_process()) + "/status");
  const std::string text{std::istreambuf_iterator<char>(status), {}};
  if (!kSanitized) {
    EXPECT_NE(text.find("\nSeccomp:\t2\n"), std::string::npos) << text;
  }
  EXPECT_NE(text.find("\nNoNewPrivs:\t1\n"), std::string::npos) << text;
}

TEST_F(ControlService, ItCanBePausedAskedAndToldWhatToWatch) {
  EXPECT_EQ(pairloom({"pause"}).status, 0);
  EXPECT_EQ(state(), "paused");
  EXPECT_EQ(pairloom({"resume"}).status, 0);
  EXPECT_NE(state(), "paused");
  EXPECT_EQ(pairloom({"watch", "add", scratch_ / "other"}).status, 0);
  EXPECT_TRUE(service_.until([this] { return service_.files().size() == 8; }));
  EXPECT_EQ(pairloom({"watch", "ls", "-o", "null"}).out,
            scratch_ / "watched" + '\0' + scratch_ / "other" + '\0');
  EXPECT_EQ(pairloom({"watch", "rm", scratch_ / "watched"}).status, 6);  // the configuration names it
  EXPECT_EQ(pairloom({"watch", "rm", scratch_ / "other"}).status, 0);
  service_.write_config("index = 5\n");
  const Finished reload = pairloom({"reload"});
  EXPECT_EQ(reload.status, 2);
  EXPECT_NE(reload.err.find("index"), std::string::npos) << reload.err;
  const Finished found = pairloom({"--socket", socket(), "match", "-o", "null", scratch_ / "watched/2.jpg"});
  EXPECT_EQ(found.out, scratch_ / "watched/2.jpg" + '\0') << found.err;
}

TEST_F(ControlService, KillingItsControlProcessIsNotFelt) {
  const pid_t service = service_.pid();
  for (int round = 0; round < 5; ++round) {
    const pid_t control = control_process();
    ASSERT_NE(control, 0);
    ::kill(control, SIGKILL);
    ASSERT_TRUE(test::ends_within_ms(control, 60'000));
    EXPECT_NE(state(), "") << round;  // clients wait at the socket
    EXPECT_NE(control_process(), control);
  }
  scratch_.write("watched/new.jpg", picture(9));
  EXPECT_TRUE(service_.until([this] { return service_.files().size() == 4; }));
  EXPECT_EQ(service_.pid(), service);
  EXPECT_EQ(service_.stop(), 0);
  EXPECT_NE(::access(socket().c_str(), F_OK), 0);
}

}  // namespace
}  // namespace pairloom
