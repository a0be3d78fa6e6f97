#include "control/open_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

namespace pairloom::control {
namespace {

using ::testing::HasSubstr;

const char* kStatus = R"({"version": "1.2.3", "state": "idle", "uptime_s": 2.5, "config_problem": null,
  "queue": {"events": 4, "settling": 0, "tasks": 0, "requests": 0},
  "totals": {"indexed": 41, "unchanged": 9007199254740992, "moved": 0, "gone": 0, "failed": 1, "not_images": 0,
             "bytes_read": 12345, "worker_deaths": 2, "new_pairs": 3, "events": 5, "overflows": 1, "commits": 6},
  "watches": {"used": 10, "allowed": 100},
  "workers": [{"slot": 0, "tasks": 5, "bytes_read": 6, "lives": 1, "tasks_per_s": 0.5, "sandbox": "complete"},
              {"slot": 1, "tasks": 7, "bytes_read": 8, "lives": 2, "tasks_per_s": 1.5, "sandbox": "no landlock"}],
  "roots": [{"path": {"text": "/a \"b\"\\\n"}, "state": "fresh", "watch": "inotify", "directories": 3, "rescans": 1,
             "last_scan": "2024-05-01T12:00:00Z"},
            {"path": {"bytes": "L/8="}, "state": "offline", "watch": "none", "directories": 0, "rescans": 0,
             "last_scan": null}]})";

std::string rendered(const char* status) {
  return open_metrics(parse_object(status).value());
}

TEST(OpenMetrics, SaysWhatTheStatusSays) {
  const std::string text = rendered(kStatus);
  EXPECT_THAT(text, HasSubstr("pairloom_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_state{pairloom_state=\"idle\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_state{pairloom_state=\"paused\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_uptime_seconds 2.5\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_files_total{outcome=\"indexed\"} 41\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_worker_tasks_total{slot=\"1\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_worker_sandbox_complete{slot=\"1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_root_last_scan_timestamp_seconds{root=\"/a \\\"b\\\"\\\\\\n\"} 1714564800\n"));
  EXPECT_THAT(text, HasSubstr("pairloom_root_state{root=\"base64:L/8=\",pairloom_root_state=\"offline\"} 1\n"));
}

// The format's rules that a reader would trip over: one block a family, described once, the suffixes of its type.
TEST(OpenMetrics, IsWellFormed) {
  for (const char* status : {kStatus, "{}"}) {
    const std::string text = rendered(status);
    ASSERT_TRUE(text.ends_with("# EOF\n"));
    std::istringstream lines(text);
    std::map<std::string, std::string> types;
    std::set<std::string> samples;
    std::string family;
    for (std::string line; std::getline(lines, line) && line != "# EOF";) {
      std::istringstream words(line);
      std::string hash, what, name, type;
      if (line.starts_with("# ")) {
        words >> hash >> what >> name >> type;
        if (what == "TYPE") {
          EXPECT_TRUE(types.emplace(name, type).second) << "described twice: " << name;
          family = name;
        }
        EXPECT_EQ(name, family) << line;
        continue;
      }
      const std::string suffix = types[family] == "counter" ? "_total" : types[family] == "info" ? "_info" : "";
      const std::string sample = line.substr(0, line.find_first_of("{ "));
      EXPECT_EQ(sample, family + suffix) << line;
      EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
      EXPECT_FALSE(type == "counter" && family.ends_with("_total"));
    }
  }
}

}  // namespace
}  // namespace pairloom::control
