#include "service/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace pairloom::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(const std::string& text) {
  const auto config = parse_config(text, "p.toml");
  return config ? "no error" : config.error().message;
}

TEST(Config, DefaultsNeedOnlyAnIndex) {
  const auto config = parse_config("index = '/i/index.db'", "p.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->index, "/i/index.db");
  EXPECT_EQ(config->settle_s, 2);
  EXPECT_EQ(config->rescan_s, 86400);
  EXPECT_TRUE(config->roots.empty());
  EXPECT_EQ(config->nice, 10);
}

TEST(Config, ReadsEveryKey) {
  const auto config = parse_config(R"(
index = "/i/index.db"
jobs = 3
memory = "4G"
algorithms = ["pdq", "dhash"]
pair = ["dhash"]
decode = "full"
require_sandbox = true
io_friendly = false
settle = "500ms"
rescan = "12h"
poll = 60
pair_after = "1s"
inotify_share = 0.25
idle = "1min"
nice = 5
io = "normal"
[pressure]
memory = 20
cpu = 30
io = 40
[limits]
file_size = "1Gi"
pixels = "100M"
scans = 50
parts = 5
[control]
socket = "/run/x.sock"
group = "photos"
[[root]]
path = "/srv/photos/"
include = ["*.jpg"]
exclude = ["thumbs", "*.tmp"]
hidden = true
follow = true
one_file_system = true
poll = "5s"
watch = "poll"
[[root]]
path = "/srv/more"
)",
                                   "p.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->jobs, 3);
  EXPECT_EQ(config->memory_bytes, 4'000'000'000u);
  EXPECT_EQ(config->algorithms, set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash));
  EXPECT_EQ(config->pair, set_of(Algorithm::kDhash));
  EXPECT_EQ(config->accuracy, Accuracy::kFull);
  EXPECT_TRUE(config->require_sandbox);
  EXPECT_FALSE(config->io_friendly);
  EXPECT_EQ(config->settle_s, 0.5);
  EXPECT_EQ(config->rescan_s, 43200);
  EXPECT_EQ(config->poll_s, 60);
  EXPECT_EQ(config->pair_s, 1);
  EXPECT_EQ(config->inotify_share, 0.25);
  EXPECT_EQ(config->idle_s, 60);
  EXPECT_EQ(config->nice, 5);
  EXPECT_FALSE(config->idle_io);
  EXPECT_EQ(config->memory_pressure, 20);
  EXPECT_EQ(config->cpu_pressure, 30);
  EXPECT_EQ(config->io_pressure, 40);
  EXPECT_EQ(config->limits, (jobs::ReadLimits{1ull << 30, 100'000'000, 50, 5}));
  EXPECT_EQ(config->control_socket, "/run/x.sock");
  EXPECT_EQ(config->control_group, "photos");
  ASSERT_EQ(config->roots.size(), 2u);
  const RootConfig& root = config->roots[0];
  EXPECT_EQ(root.path, "/srv/photos");
  EXPECT_THAT(root.walk.include, ElementsAre("*.jpg"));
  EXPECT_THAT(root.walk.exclude, ElementsAre("thumbs", "*.tmp"));
  EXPECT_TRUE(root.walk.hidden && root.walk.follow_symlinks && root.walk.one_file_system);
  EXPECT_EQ(root.poll_s, 5);
  EXPECT_EQ(root.watch, WatchMode::kPoll);
}

TEST(Config, OtherCharactersAreForQuotesAndComments) {
  const auto config = parse_config(
      "\xEF\xBB\xBF# Größe\nindex = '/i/é' # é\n[[root]]\npath = \"/a\\\"/ü\"\nexclude = [\"\"\"\nß\"\"\", '''ß''']\n", "p.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->index, "/i/é");
  EXPECT_EQ(config->roots[0].path, "/a\"/ü");
  EXPECT_THAT(config->roots[0].walk.exclude, ElementsAre("ß", "ß"));
  EXPECT_THAT(error_of("index = '/i'\nü = 1\n"), StartsWith("p.toml:2:"));
  EXPECT_THAT(error_of("\xEF\xBB\xB9 = 1"), StartsWith("p.toml:1:"));
  EXPECT_THAT(error_of("index = '/i'\n\njobs = ü3\n"), StartsWith("p.toml:3:"));
}

TEST(Config, UnknownKeysAreErrorsWithASuggestion) {
  EXPECT_EQ(error_of("index = '/i'\n\nsettel = '2s'\n"), "p.toml:3: there is no key 'settel'; did you mean 'settle'?");
  EXPECT_EQ(error_of("index = '/i'\n[[root]]\npath = '/a'\nexlude = ['x']\n"),
            "p.toml:4: there is no key 'root.exlude'; did you mean 'root.exclude'?");
  EXPECT_EQ(error_of("index = '/i'\nxyzzy = 1\n"), "p.toml:2: there is no key 'xyzzy'; pairloom.toml(5) lists them");
}

TEST(Config, WrongValuesSayWhereAndWhatIsWrong) {
  EXPECT_EQ(error_of("index = '/i'\njobs = -1"), "p.toml:2: jobs: is not a whole number from 0 to 1024");
  EXPECT_EQ(error_of("index = '/i'\njobs = '2'"), "p.toml:2: jobs: is not a whole number from 0 to 1024");
  EXPECT_EQ(error_of("index = 'relative'"), "p.toml:1: index: 'relative' is not an absolute path");
  EXPECT_THAT(error_of("index = '/i'\nsettle = '2 weeks'"), StartsWith("p.toml:2: settle: '2 weeks' is not a time"));
  EXPECT_THAT(error_of("index = '/i'\nrescan = '1s'"), HasSubstr("is less than"));
  EXPECT_THAT(error_of("index = '/i'\nmemory = 'much'"), HasSubstr("is not a size"));
  EXPECT_THAT(error_of("index = '/i'\nalgorithms = ['pdx']"), StartsWith("p.toml:2: algorithms:"));
  EXPECT_THAT(error_of("index = '/i'\nalgorithms = []"), HasSubstr("is empty"));
  EXPECT_THAT(error_of("index = '/i'\npair = ['dhash']"), HasSubstr("not in 'algorithms'"));
  EXPECT_THAT(error_of("index = '/i'\nroot = 1"), HasSubstr("[[root]]"));
  EXPECT_THAT(error_of("index = '/i'\n[[root]]\nhidden = true"), HasSubstr("has no 'path'"));
  EXPECT_THAT(error_of("index = '/i'\n[[root]]\npath='/a'\n[[root]]\npath='/a/'"), HasSubstr("named twice"));
  EXPECT_THAT(error_of("index = '/i'\n[[root]]\npath='/a'\nwatch='sometimes'"),
              HasSubstr("p.toml:4: root.watch: 'sometimes' is none of auto, inotify, fanotify, poll"));
  EXPECT_THAT(error_of("jobs = 1"), HasSubstr("no key 'index'"));
  EXPECT_THAT(error_of("index = '/i'\nindex = '/j'"), StartsWith("p.toml:2:"));
  EXPECT_THAT(error_of("index = "), StartsWith("p.toml:1:"));
  EXPECT_THAT(error_of(std::string("\xff\xfe", 2)), StartsWith("p.toml:1:"));
}

TEST(Config, AFileThatIsNotThereIsSaid) {
  const auto config = read_config("/nowhere/p.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().message, "cannot open configuration file '/nowhere/p.toml': No such file or directory");
}

TEST(Config, MemoryBoundsTheWorkers) {
  Config config;
  EXPECT_EQ(plan_memory(config, 8).jobs, 8);
  EXPECT_EQ(plan_memory(config, 8).worker_bytes, 0u);
  config.memory_bytes = 2ull << 30;
  EXPECT_EQ(plan_memory(config, 8).jobs, 4);
  EXPECT_EQ(plan_memory(config, 8).worker_bytes, 512ull << 20);
  EXPECT_EQ(plan_memory(config, 2).worker_bytes, 1ull << 30);
  config.memory_bytes = 100ull << 20;
  EXPECT_EQ(plan_memory(config, 8).jobs, 1);
  config.jobs = 2;
  config.memory_bytes = 8ull << 30;
  EXPECT_EQ(plan_memory(config, 8).jobs, 2);
}

}  // namespace
}  // namespace pairloom::service
