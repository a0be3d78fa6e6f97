// Extraction with the real programs: every format, the index, plugins, and workers that do not come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/feature_extraction.h"
#include "daemon/locating.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kPictures = 20;

class Extract : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("PAIRLOOM_INDEX", index().c_str(), 1);
    for (int i = 0; i < kPictures; ++i) write(name(i), test::draw_picture(static_cast<uint64_t>(i), 160, 120));
  }
  static std::string name(int i) { return (i < 10 ? "0" : "") + std::to_string(i) + ".png"; }
  std::string index() const { return home_ / "index.db"; }
  std::string write(const std::string& file, const cv::Mat& image) const {
    const auto bytes = test::encode_png(image);
    return dir_.write(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  test::Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), PAIRLOOM_PROGRAM);
    return test::run_program(arguments);
  }
  test::Finished extract(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "extract");
    return run(std::move(arguments));
  }
  static std::vector<json> records(const std::string& jsonl) {
    std::vector<json> all;
    std::istringstream lines(jsonl);
    for (std::string line; std::getline(lines, line);) all.push_back(json::parse(line));
    return all;
  }
  static std::string bytes_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  test::TempDir dir_, home_;
};

TEST_F(Extract, ARowForEveryImageInOrder) {
  const auto done = extract({dir_.path(), "--features", "color,lbp,pdq"});
  ASSERT_EQ(done.status, 0) << done.err;
  std::istringstream lines(done.out);
  std::string line;
  std::getline(lines, line);
  EXPECT_THAT(line, HasSubstr("path,path_encoding,width,height,color.red_mean"));
  EXPECT_TRUE(line.ends_with(",lbp.other,pdq"));
  for (int i = 0; i < kPictures; ++i) {
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_TRUE(line.starts_with((dir_ / name(i)) + ",text,160,120,")) << line;
  }
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(Extract, CodesEqualTheIndexsFullOnes) {
  ASSERT_EQ(run({"index", "add", "--accuracy", "full", "--features", "pdq,dhash", dir_.path()}).status, 0);
  std::map<std::string, json> codes;
  for (const auto& record : records(run({"index", "export", "--codes"}).out))
    if (record["type"] == "image") codes[record["path"]["text"]] = record["codes"];
  const auto extracted = records(extract({dir_.path(), "--features", "pdq,dhash", "-o", "jsonl"}).out);
  ASSERT_EQ(extracted.size(), kPictures + 2u);
  for (const auto& record : extracted)
    if (record["type"] == "features") {
      EXPECT_EQ(record["features"], codes.at(record["path"]["text"]));
    }
}

TEST_F(Extract, ABadFileIsReportedAndIsNotFatal) {
  dir_.write("10-broken.png", "\x89PNG\r\n\x1a\n and no more");
  const auto done = extract({dir_.path(), "-o", "jsonl"});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr("10-broken.png"));
  const auto all = records(done.out);
  ASSERT_EQ(all.size(), kPictures + 3u);
  EXPECT_EQ(all[11]["type"], "error");  // '-' is less than '.'
  EXPECT_EQ(all[11]["outcome"], "corrupt");
  EXPECT_EQ(all.back()["files"], kPictures);
  EXPECT_EQ(all.back()["failed"], 1);
}

TEST_F(Extract, NumPyArraysHaveARowForEachListedFile) {
  write("flat.png", cv::Mat(64, 64, CV_8UC3, cv::Scalar(9, 9, 9)));  // no keypoints, last in order
  const std::string to = home_ / "arrays";
  const auto done = extract({dir_.path(), "--features", "lbp,orb", "-o", "npy", "--to", to});
  ASSERT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(done.out, "");
  const auto listed = records(bytes_of(to + "/files.jsonl"));
  ASSERT_EQ(listed.size(), kPictures + 2u);
  EXPECT_EQ(listed[1]["path"]["text"], dir_ / name(0));
  const std::string lbp = bytes_of(to + "/lbp.npy"), orb = bytes_of(to + "/orb.npy");
  EXPECT_EQ(lbp.size(), 128 + (kPictures + 1) * 10 * sizeof(double));
  EXPECT_THAT(lbp, HasSubstr("'shape': (21, 10), "));
  const std::string offsets = bytes_of(to + "/orb.offsets.npy");
  ASSERT_EQ(offsets.size(), 128 + (kPictures + 2) * sizeof(uint64_t));
  std::vector<uint64_t> at(kPictures + 2);
  std::memcpy(at.data(), offsets.data() + 128, at.size() * sizeof(uint64_t));
  EXPECT_EQ(at.front(), 0u);
  EXPECT_TRUE(std::is_sorted(at.begin(), at.end()));
  EXPECT_EQ(at[kPictures], at[kPictures + 1]);
  EXPECT_GT(at.back(), 0u);
  EXPECT_EQ(orb.size(), 128 + at.back() * 38 * sizeof(float));
}

TEST_F(Extract, StoreKeepsThemInTheIndexAndComputesThemOnce) {
  ASSERT_EQ(run({"index", "add", dir_.path()}).status, 0);
  const auto first = extract({"--features", "lbp,color:bins=2", "--store"});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, "");
  EXPECT_THAT(first.err, HasSubstr("features of 20 images stored, of 0 already there"));
  write("05.png", test::draw_picture(99, 100, 100));
  ASSERT_EQ(run({"index", "add", dir_.path()}).status, 0);
  EXPECT_THAT(extract({dir_.path(), "--features", "lbp,color:bins=2", "--store"}).err,
              HasSubstr("features of 1 images stored, of 19 already there"));
  EXPECT_THAT(extract({"--features", "lbp:points=16", "--store"}).err,
              HasSubstr("features of 20 images stored, of 0 already there"));
  EXPECT_EQ(run({"index", "verify"}).status, 0);
}

TEST_F(Extract, StoreTakesNothingThatTheIndexDoesNotKnow) {
  ASSERT_EQ(run({"index", "add", dir_ / "00.png"}).status, 0);
  const auto done = extract({dir_.path(), "--features", "lbp", "--store", "-o", "csv"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_EQ(std::count(done.out.begin(), done.out.end(), '\n'), kPictures + 1);  // written all the same
  EXPECT_THAT(done.err, HasSubstr("features of 1 images stored"));
  EXPECT_THAT(done.err, HasSubstr("19 files are not in the index as they are now"));
  ::setenv("PAIRLOOM_INDEX", (home_ / "none.db").c_str(), 1);
  EXPECT_EQ(extract({dir_.path(), "--store"}).status, 4);
  EXPECT_FALSE(fs::exists(home_ / "none.db"));
}

TEST_F(Extract, APluginsFeaturesAreLikeAnyOther) {
  const auto done = extract({dir_.path(), "--plugin", PAIRLOOM_EXAMPLE_PLUGIN, "--features",
                             "edge-density,lbp,bright-pixels", "-o", "jsonl"});
  ASSERT_EQ(done.status, 0) << done.err;
  const auto all = records(done.out);
  EXPECT_EQ(all[0]["features"][0]["name"], "edge-density");
  EXPECT_EQ(all[1]["features"]["edge-density"].size(), 16u);
  EXPECT_TRUE(all[1]["features"]["bright-pixels"].is_array());
  ASSERT_EQ(run({"index", "add", dir_.path()}).status, 0);
  EXPECT_THAT(extract({"--plugin", PAIRLOOM_EXAMPLE_PLUGIN, "--features", "edge-density", "--store"}).err,
              HasSubstr("features of 20 images stored"));
}

TEST_F(Extract, APluginThatCrashesCostsTheFileItWasAt) {
  write("07-crash.png", cv::Mat(13, 13, CV_8UC3, cv::Scalar(1, 2, 3)));
  const auto done =
      extract({dir_.path(), "--plugin", PAIRLOOM_HOSTILE_PLUGIN, "--features", "size-of-13-crashes", "-o", "jsonl"});
  EXPECT_EQ(done.status, 3);
  const auto all = records(done.out);
  ASSERT_EQ(all.size(), kPictures + 3u);
  EXPECT_EQ(all[8]["outcome"], "crashed");
  EXPECT_EQ(all.back()["files"], kPictures);
}

TEST_F(Extract, WhatCannotBeIsSaidBeforeAnythingIsDone) {
  EXPECT_EQ(extract({dir_.path(), "--features", "nope"}).status, 2);
  EXPECT_THAT(extract({dir_.path(), "--features", "nope"}).err, HasSubstr("there is no feature 'nope'"));
  EXPECT_THAT(extract({dir_.path(), "--features", "lbp,lbp"}).err, HasSubstr("a feature twice"));
  EXPECT_THAT(extract({dir_.path(), "--plugin", "/nowhere.so"}).err, HasSubstr("cannot use the plugin '/nowhere.so'"));
  EXPECT_THAT(extract({dir_.path(), "--features", "color,sift"}).err, HasSubstr("must be alone"));
  EXPECT_THAT(extract({dir_.path(), "-o", "npy"}).err, HasSubstr("--to DIR"));
  EXPECT_THAT(extract({dir_.path(), "--to", "x"}).err, HasSubstr("goes with -o npy"));
  EXPECT_EQ(extract({dir_ / "nowhere"}).status, 3);
}

TEST_F(Extract, WorkersKilledOnTheWayChangeNothing) {
  daemon::PoolOptions pool;
  pool.worker_program = PAIRLOOM_WORKER;
  pool.jobs = 2;
  const jobs::ExtractSetup setup{.features = {"color", "lbp", "orb", "pdq"}};
  const auto run_with = [&](const std::function<void(size_t)>& after) {
    auto jobs = daemon::FileJobs::create(pool).value();
    const auto descriptions = daemon::describe_features(jobs, setup).value();
    std::vector<std::string> answers;
    const auto sink = [&](const std::string& path, const daemon::FeatureAnswer& answer) -> Result<> {
      std::string text = path + " " + std::string(name_of(answer.outcome));
      for (const auto& table : answer.result.tables)
        text.append(reinterpret_cast<const char*>(table.values.data()), table.values.size());
      answers.push_back(std::move(text));
      after(answers.size());
      return {};
    };
    daemon::FileJobRequest request;
    request.paths = {dir_.path()};
    const auto summary = daemon::extract_features(jobs, setup, descriptions, std::move(request), sink, {});
    EXPECT_TRUE(summary);
    return std::pair(answers, summary->worker_deaths);
  };
  const auto [calm, none] = run_with([](size_t) {});
  EXPECT_EQ(none, 0u);
  EXPECT_EQ(calm.size(), size_t{kPictures});
  uint64_t deaths = 0;
  for (int round = 0; round < 50 && deaths < 2; ++round) {
    const auto [stormy, died] = run_with([](size_t answered) {
      if (answered % 6 == 1) test::kill_a_child(::getpid(), answered);
    });
    ASSERT_EQ(stormy, calm) << "round " << round;
    deaths += died;
  }
  EXPECT_GE(deaths, 2u);
}

// Workers that wait for the next job are replaced when it is one of the other program's.
TEST_F(Extract, OnePoolDoesTheJobsOfBothPrograms) {
  daemon::PoolOptions pool;  // its programs lie beside this one
  pool.jobs = 2;
  auto jobs = daemon::FileJobs::create(pool).value();
  jobs::LocateSetup particles;
  particles.diameter_px = 11;
  particles.separation_px = 12;
  particles.smoothing_size_px = 11;
  for (int round = 0; round < 2; ++round) {
    const auto described = daemon::describe_features(jobs, {.features = {"orb"}});
    ASSERT_TRUE(described) << described.error().message;
    daemon::FileJobRequest request;
    request.paths = {dir_.path()};
    int located = 0;
    const auto sink = [&](const daemon::LocatedFrame& frame) -> Result<> {
      located += frame.outcome == Outcome::kIndexed;
      return {};
    };
    const auto summary = daemon::locate_particles(jobs, particles, std::move(request), sink, {});
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(located, kPictures);
    EXPECT_EQ(summary->worker_deaths, 0u);
  }
}

TEST_F(Extract, AWorkerOfTheWrongProgramIsNamedAndNoFileIsBlamed) {
  daemon::PoolOptions pool;
  pool.worker_program = PAIRLOOM_PLAIN_WORKER;
  auto jobs = daemon::FileJobs::create(pool).value();
  const auto described = daemon::describe_features(jobs, {.features = {"orb"}});
  ASSERT_FALSE(described);
  EXPECT_EQ(described.error().code, Errc::kNoWorkers);
  EXPECT_THAT(described.error().message, HasSubstr("pairloom-worker' is not the program for this job"));
}

TEST_F(Extract, AWorkerThatLiesAboutItsFeaturesIsNotBelieved) {
  daemon::PoolOptions pool;
  pool.worker_program = PAIRLOOM_MISBEHAVING_WORKER;  // answers with the task's last name: nothing
  auto jobs = daemon::FileJobs::create(pool).value();
  EXPECT_FALSE(daemon::describe_features(jobs, {.features = {"lbp"}}));
  const std::vector<jobs::FeatureDescription> one{{.name = "lbp", .columns = {"x"}}};
  std::vector<Outcome> outcomes;
  daemon::FileJobRequest request;
  request.paths = {dir_ / "00.png"};
  const auto sink = [&](const std::string&, const daemon::FeatureAnswer& answer) -> Result<> {
    outcomes.push_back(answer.outcome);
    return {};
  };
  ASSERT_TRUE(daemon::extract_features(jobs, {.features = {"lbp"}}, one, std::move(request), sink, {}));
  EXPECT_THAT(outcomes, ElementsAre(Outcome::kCrashed));
}

}  // namespace
}  // namespace pairloom
