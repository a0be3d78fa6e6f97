#include "daemon/control_requests.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/control_arguments.h"
#include "daemon/run_json.h"

namespace pairloom::daemon {
namespace {

control::Message message(const std::string& envelope) {
  control::Message made;
  made.kind = control::MessageKind::kRequest;
  made.request = 3;
  made.payload = envelope;
  return made;
}

const char* kGood = R"({"operation": "pause", "peer": {"uid": 5, "gid": 6, "pid": 7, "groups": [8]}, "arguments": {"a": 1}})";

TEST(ControlRequests, AnEnvelopeIsTakenApart) {
  const auto request = parse_request(message(kGood));
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->id, 3u);
  EXPECT_EQ(request->operation, "pause");
  EXPECT_EQ(request->who.peer.uid, 5u);
  EXPECT_EQ(request->who.peer.pid, 7);
  EXPECT_EQ(request->who.groups, std::vector<gid_t>{8});
  EXPECT_EQ(request->arguments.at("a"), 1);
}

TEST(ControlRequests, AMalformedEnvelopeIsTheControlProcessesFault) {
  for (const char* hostile :
       {"", "null", "[]", "\xff", "{}", R"({"operation": 5})", R"({"operation": "pause", "arguments": {}})",
        R"({"operation": "pause", "peer": {"uid": -1, "gid": 6, "pid": 7, "groups": []}, "arguments": {}})",
        R"({"operation": "pause", "peer": {"uid": 99999999999, "gid": 6, "pid": 7, "groups": []}, "arguments": {}})",
        R"({"operation": "pause", "peer": {"uid": 5, "gid": 6, "pid": 7, "groups": ["x"]}, "arguments": {}})",
        R"({"operation": "pause", "peer": {"uid": 5, "gid": 6, "pid": 7, "groups": []}, "arguments": []})",
        R"({"operation": "pause", "peer": {"uid": 5, "gid": 6, "pid": 7, "groups": []}, "arguments_in_body": true})"}) {
    const auto request = parse_request(message(hostile));
    ASSERT_FALSE(request) << hostile;
    EXPECT_EQ(request.error().code, Errc::kProtocol) << hostile;
  }
}

TEST(ControlRequests, ABodyMustBeSealed) {
  control::Message with_body = message(kGood);
  with_body.descriptor = Fd(::memfd_create("body", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  control::Message sealed = message(kGood);
  sealed.descriptor = Fd(::fcntl(with_body.descriptor.get(), F_DUPFD_CLOEXEC, 0));
  EXPECT_EQ(parse_request(std::move(with_body)).error().code, Errc::kProtocol);
  ASSERT_EQ(::fcntl(sealed.descriptor.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_TRUE(parse_request(std::move(sealed)));
  control::Message no_memory_file = message(kGood);
  no_memory_file.descriptor = Fd(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(parse_request(std::move(no_memory_file)).error().code, Errc::kProtocol);
}

TEST(ControlRequests, RootTheDaemonsUserAndTheSocketsGroupMayChangeThings) {
  const auto who = [](uid_t uid, gid_t gid, std::vector<gid_t> groups) {
    return PeerIdentity{{.uid = uid, .gid = gid, .pid = 1}, std::move(groups)};
  };
  EXPECT_TRUE(may_change(who(0, 9, {}), 100, 200));
  EXPECT_TRUE(may_change(who(100, 9, {}), 100, 200));
  EXPECT_TRUE(may_change(who(5, 200, {}), 100, 200));
  EXPECT_TRUE(may_change(who(5, 9, {7, 200}), 100, 200));
  EXPECT_FALSE(may_change(who(5, 9, {7}), 100, 200));
  const gid_t none = static_cast<gid_t>(-1);
  EXPECT_FALSE(may_change(who(5, none, {none}), 100, none));
}

TEST(ControlArguments, NumbersAndFlagsMayBeText) {
  const Json object = {{"n", "12"}, {"x", "0.5"}, {"on", "true"}, {"off", "0"}};
  ControlArguments arguments(object);
  uint64_t n = 0;
  double x = 0;
  bool on = false, off = true;
  arguments.whole("n", n, 1, 12);
  arguments.number("x", x, 0, 1);
  arguments.flag("on", on);
  arguments.flag("off", off);
  EXPECT_TRUE(arguments.finish());
  EXPECT_EQ(n, 12u);
  EXPECT_EQ(x, 0.5);
  EXPECT_TRUE(on);
  EXPECT_FALSE(off);
}

TEST(ControlArguments, WrongValuesAreNamed) {
  const auto complaint = [](const char* text, auto take) {
    const Json object = parse_object(text).value();
    ControlArguments arguments(object);
    take(arguments);
    const auto done = arguments.finish();
    return done ? std::string() : done.error().message;
  };
  uint64_t n = 5;
  std::string path = "kept";
  std::vector<std::string> paths;
  for (const char* wrong : {R"({"n": -1})", R"({"n": 1.5})", R"({"n": "1x"})", R"({"n": ""})", R"({"n": 99999999999999999999})", R"({"n": []})"})
    EXPECT_NE(complaint(wrong, [&](auto& a) { a.whole("n", n, 0, 100); }).find("'n' must be"), std::string::npos) << wrong;
  EXPECT_EQ(n, 5u);
  for (const char* wrong : {R"({"p": ""})", R"({"p": "relative"})", R"({"p": {"bytes": "*"}})", "{\"p\": \"/a\\u0000b\"}", R"({"p": 7})"})
    EXPECT_NE(complaint(wrong, [&](auto& a) { a.path("p", path); }), "") << wrong;
  EXPECT_EQ(path, "kept");
  EXPECT_NE(complaint(R"({"p": ["/a", "b"]})", [&](auto& a) { a.paths("p", paths); }).find("'b'"), std::string::npos);
  EXPECT_NE(complaint(R"({"other": 1})", [&](auto& a) { a.path("p", path); }).find("'other'"), std::string::npos);
}

TEST(RunJson, ARequestComesBackAsItWas) {
  IndexRequest request;
  request.roots = {"/a", "/\xff"};
  request.walk.exclude = {"*.gif"};
  request.walk.hidden = true;
  request.walk.max_depth = 3;
  request.setup.algorithms = set_of(Algorithm::kDhash) | set_of(Algorithm::kPdq);
  request.setup.accuracy = Accuracy::kFull;
  request.pair_algorithms = 0;
  request.pool.task_deadline_s = 7.5;
  request.retry_failed = true;
  request.kind = index::RunKind::kUpdate;
  request.arguments = "pairloom index update";
  const auto back = index_request_from_json(parse_object(json_line(to_json(request))).value());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->roots, request.roots);
  EXPECT_EQ(back->walk.exclude, request.walk.exclude);
  EXPECT_TRUE(back->walk.hidden);
  EXPECT_EQ(back->walk.max_depth, 3);
  EXPECT_EQ(back->setup.algorithms, request.setup.algorithms);
  EXPECT_EQ(back->setup.accuracy, Accuracy::kFull);
  EXPECT_EQ(back->pair_algorithms, 0u);
  EXPECT_EQ(back->pool.task_deadline_s, 7.5);
  EXPECT_TRUE(back->retry_failed);
  EXPECT_EQ(back->kind, index::RunKind::kUpdate);
  EXPECT_EQ(back->arguments, request.arguments);
}

TEST(RunJson, ARequestForPairsComesBackAsItWas) {
  IndexRequest request;
  request.kind = index::RunKind::kPair;
  request.keep_pairs = {Algorithm::kDhash, 7};
  request.arguments = "pairloom index pair";
  const auto back = index_request_from_json(parse_object(json_line(to_json(request))).value());
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->kind, index::RunKind::kPair);
  EXPECT_EQ(back->keep_pairs.algorithm, Algorithm::kDhash);
  EXPECT_EQ(back->keep_pairs.distance, 7u);
  EXPECT_EQ(back->arguments, request.arguments);
}

TEST(RunJson, HostileRequestsAreRefused) {
  for (const char* wrong : {R"({"kind": "pair", "algorithm": "md5"})", R"({"kind": "pair", "distance": 257})",
                            R"({"kind": "pair", "roots": ["/a"]})", R"({"roots": ["/a"], "distance": 9})", R"({"roots": ["a"]})", R"({"kind": "prune"})", R"({"features": ["md5"]})", R"({"max_pixels": 0})",
                            R"({"accuracy": 3})", R"({"task_deadline_s": 1e9})", R"({"jobs": 99})", R"({"roots": {"a": 1}})"})
    EXPECT_EQ(index_request_from_json(parse_object(wrong).value()).error().code, Errc::kInvalidArgument) << wrong;
}

TEST(RunJson, WhatARunSaysComesBackAsItWas) {
  RunSummary summary;
  summary.totals.seen = 5;
  summary.totals.interrupted = true;
  summary.missing_roots = {"/gone\n"};
  summary.workers.push_back({.slot = 1, .lives = 2, .tasks = 3});
  const RunSummary back = summary_from_json(parse_object(json_line(to_json(summary))).value());
  EXPECT_EQ(back.totals.seen, 5u);
  EXPECT_TRUE(back.totals.interrupted);
  EXPECT_EQ(back.missing_roots, summary.missing_roots);
  ASSERT_EQ(back.workers.size(), 1u);
  EXPECT_EQ(back.workers[0].tasks, 3u);
  const Error error = error_from_json(to_json(Error{Errc::kIndexLocked, "held"}));
  EXPECT_EQ(error.code, Errc::kIndexLocked);
  EXPECT_EQ(error.message, "held");
  EXPECT_EQ(progress_from_json(parse_object(R"({"stage": 7, "done": "x", "found": 3})").value()).found, 3u);
}

}  // namespace
}  // namespace pairloom::daemon
