// `pairloom` as a client of a daemon: what it says with one in between is what it says by itself.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <regex>

#include "base/json_text.h"
#include "tests/process/control_host.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"

namespace pairloom {
namespace {

using test::ControlHost;
using test::Finished;
using test::run_program;

Finished pairloom(std::vector<std::string> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), PAIRLOOM_PROGRAM);
  return run_program(arguments, input);
}

std::string picture(uint64_t seed, int quality) {
  test::JpegOptions options;
  options.quality = quality;
  const auto bytes = test::encode_jpeg(test::draw_picture(seed, 320, 240), options);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Pictures, and an index of them.
struct Collection {
  Collection() {
    for (uint64_t seed = 1; seed <= 3; ++seed)
      for (const int quality : {60, 90})
        scratch.write("p/" + std::to_string(seed) + "_" + std::to_string(quality) + ".jpg", picture(seed, quality));
    const Finished added = pairloom({"index", "add", "--index", index, scratch / "p"});
    EXPECT_EQ(added.status, 0) << added.err;
  }
  test::TempDir scratch;
  const std::string index = scratch / "index.db";
};

TEST(ControlCli, VerbsReachTheDaemon) {
  ControlHost host;
  const auto tell = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"--socket", host.socket()});
    return pairloom(words);
  };
  EXPECT_EQ(tell({"pause"}).status, 0);
  EXPECT_EQ(tell({"resume"}).status, 0);
  EXPECT_EQ(tell({"reload"}).status, 0);
  EXPECT_EQ(tell({"rescan", "/"}).status, 0);
  EXPECT_EQ(tell({"watch", "add", "--hidden", "--exclude", "*.gif", "/"}).status, 0);
  EXPECT_EQ(tell({"watch", "rm", "/"}).status, 0);
  const std::vector<std::string> wanted{"pause", "resume", "reload", "rescan /", "watch / hidden without *.gif", "unwatch /"};
  EXPECT_EQ(host.asked(), wanted);

  const Finished listed = tell({"watch", "ls", "-o", "null"});
  EXPECT_EQ(listed.out, std::string("/pictures \"of\" mine") + '\0');
  const Finished status = tell({"status", "--json"});
  ASSERT_EQ(status.status, 0) << status.err;
  EXPECT_EQ(parse_object(status.out).value().at("schema"), "pairloom.daemon/1");
  const Finished shown = tell({"status"});  // no terminal: once
  EXPECT_NE(shown.out.find("not mounted"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("worker 0: 2.5/s"), std::string::npos) << shown.out;
}

TEST(ControlCli, WhatTheDaemonRefusesIsSaidWithItsExitStatus) {
  ControlHost host;
  host.refuse_next({Errc::kInvalidArgument, "pairloom.toml:3: unknown key 'rots'"});
  const Finished reload = pairloom({"--socket", host.socket(), "reload"});
  EXPECT_EQ(reload.status, 2);
  EXPECT_NE(reload.err.find("pairloom.toml:3: unknown key 'rots'"), std::string::npos) << reload.err;
}

TEST(ControlCli, ADaemonThatIsNotThereIsSaid) {
  const Finished paused = pairloom({"--socket", "/nowhere/control.sock", "pause"});
  EXPECT_EQ(paused.status, 5);
  EXPECT_NE(paused.err.find("no daemon listens at '/nowhere/control.sock'"), std::string::npos) << paused.err;
  const Finished none = pairloom({"--index", "/nowhere/index.db", "pause"});
  EXPECT_EQ(none.status, 5);
  EXPECT_NE(none.err.find("no daemon has the index '/nowhere/index.db'"), std::string::npos) << none.err;
  EXPECT_EQ(pairloom({"--socket", "none", "pause"}).status, 2);
}

TEST(ControlCli, IndexAddShowsWhatTheDaemonSays) {
  ControlHost host;
  const Finished added = pairloom({"--socket", host.socket(), "index", "add", "/finish"});
  EXPECT_EQ(added.status, 3) << added.err;  // one file could not be read
  EXPECT_NE(added.err.find("/a/b.jpg: cannot open: Permission denied; skipping"), std::string::npos) << added.err;
  EXPECT_NE(added.err.find("1 unreadable"), std::string::npos) << added.err;
  const Finished listed = pairloom({"--socket", host.socket(), "index", "add", "-0", "--files-from", "-"}, std::string("/x\0y\0", 5));
  EXPECT_EQ(listed.status, 3) << listed.err;
  char here[4096];
  ASSERT_NE(::getcwd(here, sizeof here), nullptr);
  const std::vector<std::string> asked = host.asked();
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0], "index /finish");
  EXPECT_EQ(asked[1], std::string("index list /x") + '\0' + here + "/y" + '\0');
}

TEST(ControlCli, InterruptingItStopsTheDaemonsRun) {
  ControlHost host;
  test::Running add({PAIRLOOM_PROGRAM, "--socket", host.socket(), "index", "add", "/wait"});
  host.until([&] { return !host.asked().empty(); });
  // It is asked before it can know the number of its request: a signal that comes sooner ends it, and its run with it.
  add.kill(SIGINT);
  host.until([&] { return host.index_was_stopped(); });
  EXPECT_EQ(add.wait(), 130);
}

TEST(ControlCli, MatchAnswersAsItDoesByItself) {
  const Collection collection;
  ControlHost host(collection.index);
  const std::string stranger = collection.scratch.write("other.jpg", picture(99, 80));
  for (const std::string& query : {collection.scratch / "p/2_60.jpg", collection.scratch.write("mine.jpg", picture(2, 70)), stranger})
    for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{
             {}, {"-o", "jsonl"}, {"-o", "csv"}, {"-o", "null", "--exclude-self"}, {"-k", "1", "--exclude-self"}, {"--distance", "0"}}) {
      std::vector<std::string> here{"--index", collection.index, "--socket", "none", "match", query};
      std::vector<std::string> there{"--socket", host.socket(), "match", query};
      here.insert(here.end(), how.begin(), how.end());
      there.insert(there.end(), how.begin(), how.end());
      const Finished by_itself = pairloom(here), by_daemon = pairloom(there);
      EXPECT_EQ(by_daemon.out, by_itself.out) << query << ::testing::PrintToString(how);
      EXPECT_EQ(by_daemon.status, by_itself.status) << query << by_daemon.err;
    }
}

TEST(ControlCli, MatchTakesStandardInput) {
  const Collection collection;
  const Finished found = pairloom({"--index", collection.index, "match", "-o", "null", "-"}, picture(3, 75));
  EXPECT_EQ(found.status, 0) << found.err;
  EXPECT_NE(found.out.find("3_60.jpg"), std::string::npos);
  const Finished garbage = pairloom({"--index", collection.index, "match", "-"}, "no picture");
  EXPECT_EQ(garbage.status, 3);
  EXPECT_NE(garbage.err.find("standard input"), std::string::npos) << garbage.err;
  ControlHost host(collection.index);
  const Finished there = pairloom({"--socket", host.socket(), "match", collection.scratch.write("no.jpg", "no picture")});
  EXPECT_EQ(there.status, 3);
  EXPECT_NE(there.err.find("no.jpg"), std::string::npos) << there.err;
}

// Every line of docs/control.md that begins with "$ curl".
TEST(ControlCli, TheExamplesWithCurlWork) {
  if (::access("/usr/bin/curl", X_OK) != 0) GTEST_SKIP() << "curl is not installed";
  const Collection collection;
  ControlHost host(collection.index);
  collection.scratch.write("holiday.jpg", picture(1, 70));
  std::ifstream document(PAIRLOOM_SOURCE_DIR "/docs/control.md");
  int examples = 0;
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with("$ curl")) continue;
    std::string command = std::regex_replace(line.substr(2), std::regex("/run/pairloom/control.sock"), host.socket());
    command = "cd '" + collection.scratch.path() + "' && " + std::regex_replace(command, std::regex("^curl"), "curl -sS --fail");
    const Finished ran = run_program({"/bin/sh", "-c", command});
    EXPECT_EQ(ran.status, 0) << line << "\n" << ran.err;
    EXPECT_NE(ran.out, "") << line;
    const bool is_match = line.find("/v1/match") != std::string::npos, is_metrics = line.find("/metrics") != std::string::npos;
    EXPECT_EQ(ran.out.find("1_60.jpg") != std::string::npos, is_match) << ran.out;
    EXPECT_EQ(ran.out.ends_with("# EOF\n"), is_metrics) << ran.out;
    ++examples;
  }
  EXPECT_GE(examples, 4);
}

}  // namespace
}  // namespace pairloom
