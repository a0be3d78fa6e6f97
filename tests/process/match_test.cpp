// Matching by descriptors with real workers: the numbers are those of one process, whatever happens to the workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/descriptor_match.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "workerproc/descriptors/detector.h"
#include "workerproc/descriptors/homography.h"

namespace pairloom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kPictures = 24;

// A scene seen from a little further to the right each time.
cv::Mat picture(int number) {
  static const cv::Mat scene = test::draw_shapes(4, 700, 240);
  return scene(cv::Rect(number * 18, 0, 280, 240)).clone();
}

struct Row {
  std::string name;
  Outcome outcome;
  uint32_t keypoints = 0, matches = 0, inliers = 0;
  friend bool operator==(const Row&, const Row&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Row& row) {
    return out << row.name << " " << name_of(row.outcome) << " " << row.keypoints << " " << row.matches << " "
               << row.inliers;
  }
};

class DescriptorMatch : public ::testing::TestWithParam<jobs::DescriptorMethod> {
 protected:
  void SetUp() override {
    ::setenv("PAIRLOOM_INDEX", (home_ / "index.db").c_str(), 1);
    for (int i = 0; i < kPictures; ++i) write(fmt_name(i), picture(i));
  }
  static std::string fmt_name(int i) { return (i < 10 ? "0" : "") + std::to_string(i) + ".png"; }
  std::string write(const std::string& name, const cv::Mat& image) const {
    const auto bytes = test::encode_png(image);
    return dir_.write(name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }

  // By the worker's code, in this process, one by one.
  std::vector<Row> serially(const jobs::MatchSetup& setup) const {
    workerproc::Detector detector(setup.method, setup.max_features);
    std::vector<Row> rows;
    std::vector<cv::Point2f> from, to;
    std::optional<workerproc::Matcher> matcher;
    for (int i = 0; i < kPictures; ++i) {
      workerproc::DescribedImage image;
      detector.describe(picture(i), image);
      if (!matcher) {
        matcher.emplace(workerproc::norm_of(setup.method), image.rows());
        cv::KeyPoint::convert(image.keypoints, from);
      }
      const auto matches = matcher->match(image.rows(), {setup.cross_check, setup.ratio});
      cv::KeyPoint::convert(image.keypoints, to);
      const uint32_t inliers =
          setup.reprojection_px > 0 ? workerproc::homography_inliers(from, to, matches, setup.reprojection_px) : 0;
      rows.push_back(
          {fmt_name(i), Outcome::kIndexed, image.rows().rows, static_cast<uint32_t>(matches.size()), inliers});
    }
    return rows;
  }

  Result<std::vector<Row>> by_workers(const jobs::MatchSetup& setup,
                                      const std::function<void(size_t)>& after_row = {}) {
    daemon::PoolOptions pool;
    pool.worker_program = PAIRLOOM_WORKER;
    pool.jobs = 2;
    PAIRLOOM_ASSIGN(auto jobs, daemon::FileJobs::create(pool));
    PAIRLOOM_ASSIGN(const auto reference, daemon::describe_reference(jobs, dir_ / "00.png", setup));
    std::vector<Row> rows;
    const auto sink = [&](const std::string& path, const daemon::MatchAnswer& answer) -> Result<> {
      rows.push_back({std::filesystem::path(path).filename(), answer.outcome, answer.result.keypoints,
                      answer.result.matches, answer.result.inliers});
      if (after_row) after_row(rows.size());
      return {};
    };
    daemon::FileJobRequest request;
    request.paths = {dir_.path()};
    PAIRLOOM_ASSIGN(summary_, daemon::match_descriptors(jobs, reference, setup, std::move(request), sink, {}));
    return rows;
  }

  test::Finished run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), PAIRLOOM_PROGRAM);
    return test::run_program(arguments);
  }

  test::TempDir dir_, home_;
  daemon::FileJobSummary summary_;
};

TEST_P(DescriptorMatch, WorkersFindWhatOneProcessFinds) {
  const jobs::MatchSetup setup{.method = GetParam(), .reprojection_px = 3};
  const auto rows = by_workers(setup);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows, serially(setup));
  EXPECT_GT(rows->at(0).keypoints, 100u);
  EXPECT_EQ(rows->at(0).matches, rows->at(0).keypoints);  // with itself
  EXPECT_GT(rows->at(5).inliers, 50u);
  EXPECT_LT(rows->at(23).matches, rows->at(1).matches);
  EXPECT_EQ(summary_.worker_deaths, 0u);
}

TEST_P(DescriptorMatch, WorkersKilledOnTheWayChangeNothing) {
  const jobs::MatchSetup setup{.method = GetParam(), .reprojection_px = 3};
  const auto kill_somebody = [](size_t rows) {
    if (rows % 6 == 1) test::kill_a_child(::getpid(), rows);
  };
  const auto calm = serially(setup);
  uint64_t deaths = 0;
  for (int round = 0; round < 50 && deaths < 2; ++round, deaths += summary_.worker_deaths) {
    const auto rows = by_workers(setup, kill_somebody);
    ASSERT_TRUE(rows) << rows.error().message;
    ASSERT_EQ(*rows, calm) << "round " << round;
  }
  EXPECT_GE(deaths, 2u);
}

TEST_P(DescriptorMatch, RatioAndNoCrossCheckReachTheWorkers) {
  const jobs::MatchSetup setup{.method = GetParam(), .max_features = 120, .cross_check = false, .ratio = 0.8};
  const auto rows = by_workers(setup);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows, serially(setup));
  EXPECT_LE(rows->at(0).keypoints, 125u);
}

TEST_P(DescriptorMatch, ABadFileIsReportedInItsPlaceAndIsNotFatal) {
  const std::string method(name_of(GetParam()));
  dir_.write("05-broken.png", "\x89PNG\r\n\x1a\n and no more");
  dir_.write("05-text.txt", "no image");
  const auto done = run({"match", "--method", method, dir_ / "00.png", dir_.path(), "-o", "jsonl"});
  EXPECT_EQ(done.status, 3) << done.err;
  EXPECT_THAT(done.err, HasSubstr("05-broken.png"));
  std::istringstream lines(done.out);
  std::vector<nlohmann::json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(records.size(), kPictures + 3u);
  EXPECT_EQ(records[0]["method"], method);
  EXPECT_EQ(records[6]["type"], "error");  // '-' is less than '.'
  EXPECT_EQ(records[6]["path"]["text"], dir_ / "05-broken.png");
  EXPECT_EQ(records[7]["path"]["text"], dir_ / "05.png");
  EXPECT_EQ(records.back()["matched"], kPictures);
  EXPECT_EQ(records.back()["other_files"], 1);
}

INSTANTIATE_TEST_SUITE_P(Methods, DescriptorMatch,
                         ::testing::Values(jobs::DescriptorMethod::kSift, jobs::DescriptorMethod::kOrb),
                         [](const auto& test) { return std::string(name_of(test.param)); });

using DescriptorMatchCli = DescriptorMatch;
INSTANTIATE_TEST_SUITE_P(Cli, DescriptorMatchCli, ::testing::Values(jobs::DescriptorMethod::kOrb));

TEST_P(DescriptorMatchCli, WithoutPathsTheIndexsImagesAreLookedAt) {
  ASSERT_EQ(run({"index", "add", dir_.path()}).status, 0);
  const auto named = run({"match", "--method", "orb", dir_ / "00.png", dir_.path(), "-o", "csv"});
  const auto indexed = run({"match", "--method", "orb", dir_ / "00.png", "-o", "csv"});
  EXPECT_EQ(named.status, 0) << named.err;
  EXPECT_EQ(indexed.status, 0) << indexed.err;
  EXPECT_EQ(indexed.out, named.out);
  EXPECT_EQ(std::count(named.out.begin(), named.out.end(), '\n'), kPictures + 1);
}

TEST_P(DescriptorMatchCli, MinMatchesListsThoseAndOneExitsWhenThereIsNone) {
  const auto some =
      run({"match", "--method", "orb", dir_ / "00.png", dir_.path(), "--min-matches", "100", "-o", "null"});
  EXPECT_EQ(some.status, 0) << some.err;
  EXPECT_TRUE(some.out.starts_with((dir_ / "00.png") + '\0'));
  EXPECT_LT(std::count(some.out.begin(), some.out.end(), '\0'), kPictures);
  const auto none = run({"match", "--method", "orb", dir_ / "00.png", dir_.path(), "--min-matches", "999999"});
  EXPECT_EQ(none.status, 1);
  EXPECT_EQ(none.out, "");
}

TEST_P(DescriptorMatchCli, AReferenceThatCannotBeUsedIsNamed) {
  const std::string text = dir_.write("note.txt", "no image");
  for (const std::string& reference : {text, dir_ / "nowhere.png", dir_.path()}) {
    const auto done = run({"match", "--method", "orb", reference, dir_ / "01.png"});
    EXPECT_NE(done.status, 0);
    EXPECT_THAT(done.err, HasSubstr("cannot use '" + reference + "'"));
  }
}

TEST_P(DescriptorMatchCli, AFlatReferenceMatchesNothing) {
  const std::string flat = write("flat.png", cv::Mat(100, 100, CV_8UC1, cv::Scalar(7)));
  const auto done = run({"match", "--method", "sift", flat, dir_ / "01.png", flat, "-o", "csv"});
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("no keypoints"));
  EXPECT_THAT(done.out, HasSubstr("\n0,0,," + flat));
}

TEST_P(DescriptorMatchCli, OptionsOfTheOtherMethodAreRefused) {
  const std::string image = dir_ / "00.png";
  EXPECT_THAT(run({"match", "--method", "sift", "-k", "3", image}).err, HasSubstr("--nearest compares codes"));
  EXPECT_THAT(run({"match", "--ratio", "0.8", image}).err, HasSubstr("add --method sift or orb"));
  EXPECT_THAT(run({"match", image, dir_.path()}).err, HasSubstr("add --method sift or orb"));
  EXPECT_EQ(run({"match", image, dir_.path()}).status, 2);
  EXPECT_EQ(run({"match", "--method", "sift", "--ratio", "1", image}).status, 2);
}

// The worker's answer is checked like a stranger's.
TEST_P(DescriptorMatchCli, AWorkerThatLiesAboutTheReferenceIsNotBelieved) {
  daemon::PoolOptions pool;
  pool.worker_program = PAIRLOOM_MISBEHAVING_WORKER;  // answers with the file's name
  auto jobs = daemon::FileJobs::create(pool).value();
  const auto reference = daemon::describe_reference(jobs, dir_ / "00.png", {});
  ASSERT_FALSE(reference);
  EXPECT_THAT(reference.error().message, HasSubstr("described image: cut off"));
}

// Against OpenCV in one process: docs/testing.md, "Real images".
TEST(DescriptorMatchRealImages, CountsEqualThoseOfBfMatcherOnTempleRing) {
  const char* data = std::getenv("PAIRLOOM_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "PAIRLOOM_TEST_DATA is not set: no real images to compare with";
  const std::string folder = data + std::string("/templering");
  const auto done = test::run_program({PAIRLOOM_PROGRAM, "match", "--method", "sift", folder + "/templeR0001.png",
                                       folder, "--include", "*.png", "-o", "csv"});
  ASSERT_EQ(done.status, 0) << done.err;
  std::ifstream expected_file(data + std::string("/expected/templering_matches.csv"));
  std::istringstream found_file(done.out);
  const auto rows_of = [](std::istream& file) {
    std::vector<std::vector<std::string>> rows;
    for (std::string line; std::getline(file, line);) {
      rows.emplace_back();
      std::istringstream fields(line);
      for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(field);
    }
    return rows;
  };
  const auto expected = rows_of(expected_file), found = rows_of(found_file);
  ASSERT_EQ(expected.size(), 48u);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 1; i < found.size(); ++i) {
    EXPECT_EQ(found[i][3], folder + "/" + expected[i][0]);
    EXPECT_EQ(found[i][0], expected[i][3]) << expected[i][0];  // keypoints of BGR -> cvtColor gray
    EXPECT_EQ(found[i][1], expected[i][4]) << expected[i][0];  // matches
  }
}

}  // namespace
}  // namespace pairloom
