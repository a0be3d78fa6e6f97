// Where a run says its time went.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/stage_names.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/page_cache.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

class Io : public ::testing::Test {
 protected:
  void SetUp() override {
    for (uint64_t seed = 0; seed < kPictures; ++seed) {
      const auto bytes = test::encode_jpeg(test::draw_picture(seed, 400, 300));
      paths_.push_back(dir_.write("p/" + std::to_string(seed) + ".jpg",
                                  {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    }
  }
  test::Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {PAIRLOOM_PROGRAM});
    arguments.insert(arguments.end(), {"--index", dir_ / "index.db"});
    return test::run_program(arguments);
  }
  static constexpr uint64_t kPictures = 12;
  test::TempDir dir_;
  std::vector<std::string> paths_;
};

// What was not in memory before is not there afterwards; what was, others may need.
TEST_F(Io, AFriendlyRunLeavesThePageCacheAsItWas) {
  for (size_t i = 0; i < kPictures; i += 2)
    if (!test::evict(paths_[i])) GTEST_SKIP() << "this file system keeps its files in memory";
  ASSERT_EQ(run({"index", "add", dir_ / "p", "--jobs", "1", "--io-friendly"}).status, 0);
  for (size_t i = 0; i < kPictures; ++i) EXPECT_EQ(test::is_cached(paths_[i]), i % 2 == 1) << i;
  ASSERT_EQ(test::run_program({PAIRLOOM_PROGRAM, "index", "add", dir_ / "p", "--index", dir_ / "other.db"}).status, 0);
  for (size_t i = 0; i < kPictures; ++i) EXPECT_TRUE(test::is_cached(paths_[i])) << i;
}

TEST_F(Io, StatusSaysWhereEachWorkersTimeWent) {
  ASSERT_EQ(run({"index", "add", dir_ / "p", "--jobs", "1"}).status, 0);
  const auto text = run({"status"}).out;
  EXPECT_NE(text.find("\n    time: open "), std::string::npos) << text;

  const auto lines = run({"status", "-o", "jsonl"}).out;
  const auto second = nlohmann::json::parse(lines.substr(lines.find('\n') + 1));
  const auto& stages = second["workers"][0]["stage_ns"];
  ASSERT_EQ(stages.size(), kStageNames.size()) << lines;
  for (const char* stage : {"read", "digest", "decode", "extract", "ring"}) EXPECT_GT(stages[stage], 0) << stage;
}

}  // namespace
}  // namespace pairloom
