// The control socket with the real pairloom-control in between: what clients ask reaches the handler, and no client, and
// no end of pairloom-control, is felt by the daemon.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <csignal>
#include <thread>

#include <fmt/format.h>

#include "base/json_text.h"
#include "base/version.h"
#include "cli/daemon_client.h"
#include "tests/process/control_host.h"
#include "tests/support/program.h"

namespace pairloom {
namespace {

using cli::DaemonClient;
using test::ControlHost;
using Strings = std::vector<std::string>;

std::string get(const std::string& path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path);
}

std::string post(const std::string& path, const std::string& body, const std::string& type = "application/json") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}", path, type,
                     body.size(), body);
}

bool begins(const std::string& text, std::string_view with) {
  return text.starts_with(with);
}

TEST(Control, StatusIsWhatTheHandlerSays) {
  ControlHost host;
  const auto status = DaemonClient(host.socket()).ask({"GET", "/v1/status"});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->at("state"), "idle");
  EXPECT_EQ(status->at("version"), kVersion);
  EXPECT_EQ(status->at("totals").at("indexed"), 41);
  EXPECT_EQ(status->at("roots").at(0).at("path").at("text"), "/pictures \"of\" mine");
  EXPECT_EQ(status->at("workers").at(0).at("sandbox"), "complete");
}

TEST(Control, WhatIsToldReachesTheHandler) {
  ControlHost host;
  const DaemonClient client(host.socket());
  EXPECT_TRUE(client.ask({"POST", "/v1/pause"}));
  EXPECT_TRUE(client.ask({"POST", "/v1/resume"}));
  EXPECT_TRUE(client.ask({"POST", "/v1/rescan", {{"paths", {"/a", {{"bytes", "L/8="}}}}}}));
  EXPECT_TRUE(client.ask({"POST", "/v1/watch", {{"path", "/w"}, {"hidden", true}, {"exclude", {"*.gif"}}}}));
  EXPECT_TRUE(client.ask({"DELETE", "/v1/watch", {{"path", "/w"}}}));
  // Without a body, and with the arguments in the query, as curl -X sends it.
  EXPECT_TRUE(begins(host.talk("POST /v1/rescan?paths=/x%20y HTTP/1.1\r\nHost: x\r\n\r\n"), "HTTP/1.1 200"));
  const Strings wanted{"pause", "resume", "rescan /a /\xff", "watch /w hidden without *.gif", "unwatch /w",
                               "rescan /x y"};
  EXPECT_EQ(host.asked(), wanted);
}

TEST(Control, RefusalsCarryTheirReason) {
  ControlHost host;
  const DaemonClient client(host.socket());
  host.refuse_next({Errc::kInvalidArgument, "line 3: unknown key 'rots'"});
  const auto reload = client.ask({"POST", "/v1/reload"});
  ASSERT_FALSE(reload);
  EXPECT_EQ(reload.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(reload.error().message, "line 3: unknown key 'rots'");
  const auto relative = client.ask({"POST", "/v1/watch", {{"path", "pictures"}}});
  ASSERT_FALSE(relative);
  EXPECT_NE(relative.error().message.find("is not absolute"), std::string::npos) << relative.error().message;
  const auto unknown = client.ask({"POST", "/v1/pause", {{"for", 5}}});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("unknown argument 'for'"), std::string::npos) << unknown.error().message;
  EXPECT_TRUE(host.asked().empty());
}

TEST(Control, AnIndexingRequestIsAnsweredWhileItRuns) {
  ControlHost host;
  Strings types;
  std::string problem;
  int indexed = 0;
  const auto done = DaemonClient(host.socket()).ask({"POST", "/v1/index", {{"roots", {"/finish"}}}}, [&](const Json& record) -> Result<> {
    types.push_back(record.at("type"));
    if (types.back() == "problem") problem = record.at("path").at("text");
    if (types.back() == "summary") indexed = record.at("indexed");
    return {};
  });
  EXPECT_EQ(problem, "/a/b.jpg");
  EXPECT_EQ(indexed, 2);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(types, (Strings{"begin", "progress", "problem", "summary"}));
}

TEST(Control, AListOfFilesComesAsABody) {
  ControlHost host;
  const std::string answer = host.talk(post("/v1/index?nul=1", std::string("/a\0/b\0", 6), "application/octet-stream"));
  EXPECT_TRUE(begins(answer, "HTTP/1.1 200")) << answer;
  EXPECT_EQ(host.asked(), Strings{"index list " + std::string("/a\0/b\0", 6)});
}

TEST(Control, LongArgumentsAreTaken) {
  ControlHost host;
  Json roots = Json::array();
  for (int i = 0; i < 20'000; ++i) roots.push_back(fmt::format("/finish/{}", i));
  const auto done = DaemonClient(host.socket()).ask({"POST", "/v1/index", {{"roots", roots}}}, [](const Json&) { return Result<>{}; });
  ASSERT_TRUE(done) << done.error().message;
  ASSERT_EQ(host.asked().size(), 1u);
  EXPECT_TRUE(host.asked()[0].ends_with("/finish/19999"));
}

TEST(Control, AClientThatLeavesStopsItsRun) {
  ControlHost host;
  {
    const Fd client = host.connect();
    const std::string request = post("/v1/index", R"({"roots": ["/wait"]})");
    ASSERT_EQ(::send(client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    host.until([&] { return !host.asked().empty(); });
    EXPECT_FALSE(host.index_was_stopped());
  }
  host.until([&] { return host.index_was_stopped(); });
}

TEST(Control, AClientCanStopARunAndHearItsEnd) {
  ControlHost host;
  const DaemonClient client(host.socket());
  bool interrupted = false, stopped = false;
  const auto done = client.ask({"POST", "/v1/index", {{"roots", {"/wait"}}}}, [&](const Json& record) -> Result<> {
    if (record.at("type") == "begin") stopped = client.ask({"POST", "/v1/stop", {{"request", record.at("request")}}}).has_value();
    if (record.at("type") == "summary") interrupted = record.at("interrupted");
    return {};
  });
  EXPECT_TRUE(done);
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(interrupted);
}

TEST(Control, KillingItAtAnyMomentIsNotFelt) {
  ControlHost host;
  const DaemonClient client(host.socket());
  for (uint64_t round = 1; round <= 4; ++round) {
    // In the middle of an answer.
    const auto cut_off = client.ask({"POST", "/v1/index", {{"roots", {"/wait"}}}}, [&](const Json& record) -> Result<> {
      if (record.at("type") == "problem") ::kill(host.control_pid(), SIGKILL);
      return {};
    });
    EXPECT_FALSE(cut_off);
    // The socket stays, clients wait there for the next one.
    EXPECT_TRUE(client.ask({"GET", "/v1/status"}));
    EXPECT_EQ(host.deaths(), round);
  }
  EXPECT_TRUE(host.index_was_stopped());
  EXPECT_NE(host.complaint().find("killed by signal 9"), std::string::npos) << host.complaint();
}

TEST(Control, AProgramThatEndsAtOnceIsTriedAgainAndAgain) {
  ControlHost host("/nowhere/index.db", "/bin/false");
  host.until([&] { return host.deaths() >= 3; });
  EXPECT_NE(host.complaint().find("exited with status 1"), std::string::npos) << host.complaint();
}

TEST(Control, GarbageIsAnsweredOrDropped) {
  ControlHost host;
  const pid_t pid = host.control_pid();
  const Strings garbage{"\r\n\r\n",
                                std::string("\x16\x03\x01\x02\x00\x01\xfc\x03\x03\r\n\r\n", 13),
                                "GET\r\n\r\n",
                                "GET /v1/status\r\n\r\n",
                                "GET /v1/status HTTP/9.9\r\n\r\n",
                                "NONSENSE /v1/status HTTP/1.1\r\n\r\n",
                                "GET /%zz%00%ff HTTP/1.1\r\n\r\n",
                                "GET /../../etc/passwd HTTP/1.1\r\n\r\n",
                                "GET /v1/status HTTP/1.1\r\nRange: bytes=0-1,1-2\r\n\r\n",
                                "POST /v1/pause HTTP/1.1\r\nContent-Length: nonsense\r\n\r\n",
                                "POST /v1/rescan HTTP/1.1\r\nContent-Length: 5\r\n\r\n[[[[[",
                                "POST /v1/rescan HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                post("/v1/rescan", R"({"paths": "/a", "paths": 7})"),
                                post("/v1/rescan", "\xff\xfe{}"),
                                post("/v1/rescan", "{\"paths\":" + std::string(20'000, '[') + std::string(20'000, ']') + "}"),
                                post("/v1/pause", "x", "multipart/form-data; boundary=y"),
                                "GET /" + std::string(7'000, 'a') + " HTTP/1.1\r\n\r\n",
                                "GET / HTTP/1.1\r\n" + std::string(30'000, 'a') + "\r\n\r\n"};
  for (const std::string& request : garbage) {
    const std::string answer = host.talk(request);
    EXPECT_TRUE(begins(answer, "HTTP/1.1 4") || begins(answer, "HTTP/1.1 5")) << request.substr(0, 80) << "\n" << answer;
  }
  EXPECT_TRUE(begins(host.talk(get("/v1/status")), "HTTP/1.1 200"));
  EXPECT_TRUE(host.asked().empty());
  EXPECT_EQ(host.control_pid(), pid);
}

TEST(Control, ABodyThatIsTooLargeIsRefused) {
  ControlHost host;
  EXPECT_TRUE(begins(host.talk("POST /v1/match HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n"), "HTTP/1.1 413"));
  EXPECT_TRUE(begins(host.talk(get("/v1/status")), "HTTP/1.1 200"));
}

TEST(Control, SlowClientsLeaveRoomForOthers) {
  ControlHost host;
  std::vector<Fd> slow;
  const std::string half = "GET /v1/status HTTP/1.1\r\nHos";
  for (int i = 0; i < 40; ++i) {
    slow.push_back(host.connect());
    ASSERT_EQ(::send(slow.back().get(), half.data(), half.size(), MSG_NOSIGNAL), static_cast<ssize_t>(half.size()));
  }
  EXPECT_TRUE(begins(host.talk(get("/v1/status")), "HTTP/1.1 200"));
}

TEST(Control, TwoHundredConnectionsAreServedOrTurnedAway) {
  ControlHost host;
  const pid_t pid = host.control_pid();
  std::atomic<int> served = 0, turned_away = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 200; ++i)
    clients.emplace_back([&] {
      const std::string answer = host.talk(get("/metrics"));
      served += begins(answer, "HTTP/1.1 200") && answer.ends_with("# EOF\n");
      turned_away += begins(answer, "HTTP/1.1 503");
    });
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(served + turned_away, 200);
  EXPECT_GT(served, 0);
  EXPECT_TRUE(begins(host.talk(get("/v1/status")), "HTTP/1.1 200"));
  EXPECT_EQ(host.control_pid(), pid);
}

TEST(Control, WhoeverTakesNoAnswerHoldsUpNobody) {
  ControlHost host;
  const Fd deaf = host.connect();
  const std::string request = post("/v1/index", R"({"roots": ["/wait"]})");
  ASSERT_GT(::send(deaf.get(), request.data(), request.size(), 0), 0);
  host.until([&] { return !host.asked().empty(); });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(begins(host.talk(get("/v1/status")), "HTTP/1.1 200"));
}

TEST(Control, QuestionsAreAnsweredOutOfTheIndex) {
  ControlHost host("/nowhere/index.db");
  int exit_code = -1;
  std::string said;
  const auto done = DaemonClient(host.socket()).ask({"GET", "/v1/failures"}, [&](const Json& record) -> Result<> {
    if (record.at("type") == "end") exit_code = record.at("exit_code");
    if (record.at("type") == "end") said = path_from_json(record.at("said"));
    return {};
  });
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(exit_code, 4);  // no index there
  EXPECT_NE(said.find("/nowhere/index.db"), std::string::npos) << said;
}

}  // namespace
}  // namespace pairloom
