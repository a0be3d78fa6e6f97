// The benchmark's arithmetic, its experiments with a workload that only pretends, its reports and its picture.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/bench/drawn_images.h"
#include "cli/bench/experiment.h"
#include "cli/bench/report.h"
#include "cli/bench/svg_chart.h"

namespace pairloom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Measured measured(uint32_t workers, uint32_t chunk, uint64_t files, std::vector<double> seconds) {
  Measured m;
  m.workers = workers;
  m.chunk = chunk;
  m.files = files;
  m.seconds = std::move(seconds);
  return m;
}

TEST(Measured, MedianLeastMost) {
  EXPECT_EQ(measured(1, 0, 1, {3, 1, 2}).median(), 2);
  EXPECT_EQ(measured(1, 0, 1, {4, 1, 2, 3}).median(), 2.5);
  EXPECT_EQ(measured(1, 0, 10, {4, 1, 3}).per_file(), 0.3);
  EXPECT_EQ(measured(1, 0, 1, {4, 1, 3}).least(), 1);
  EXPECT_EQ(measured(1, 0, 1, {4, 1, 3}).most(), 4);
}

TEST(Scaling, SerialShareIsAmdahlsTurnedRound) {
  // Amdahl: with 10 % serial work, 4 workers are 1 / (0.1 + 0.9 / 4) times as fast.
  EXPECT_NEAR(serial_share(1 / (0.1 + 0.9 / 4), 4), 0.1, 1e-12);
  EXPECT_NEAR(serial_share(2, 2), 0, 1e-12);
  EXPECT_NEAR(serial_share(1, 8), 1, 1e-12);
  EXPECT_EQ(speed_up(measured(1, 0, 10, {4}), measured(2, 0, 20, {4})), 2);
}

TEST(ChunkOptimum, BestAndHowFlat) {
  const auto chunk = [](uint32_t size, double seconds) { return measured(2, size, 1, {seconds}); };
  const auto optimum = chunk_optimum(
      {chunk(1, 2.0), chunk(2, 1.04), chunk(4, 1.0), chunk(8, 1.03), chunk(16, 1.2), chunk(32, 1.04), chunk(0, 1.02)});
  ASSERT_TRUE(optimum);
  EXPECT_EQ(optimum->best, 4u);
  EXPECT_EQ(optimum->flat_from, 2u);
  EXPECT_EQ(optimum->flat_to, 8u) << "what lies behind a bad one does not count";
  EXPECT_NEAR(optimum->chosen_loss, 0.02, 1e-12);
  EXPECT_FALSE(chunk_optimum({chunk(0, 1)}));
  EXPECT_LT(chunk_optimum({chunk(1, 2), chunk(0, 1)})->chosen_loss, 0);
}

// Costs what it is told to, and answers with the file's name.
class Pretending final : public Workload {
 public:
  Pretending(const daemon::PoolOptions& pool) : workers_(pool.jobs), chunk_(pool.chunk_tasks) {}
  Result<Trial> run(std::span<const std::string> paths) override {
    Trial trial;
    for (const std::string& path : paths) {
      trial.seconds += 1e-6 * std::stod(path.substr(path.rfind('/') + 1)) / workers_;
      const auto bytes = std::as_bytes(std::span(path));
      trial.answers.emplace_back(bytes.begin(), bytes.end());
      trial.stage_ns[3] += 500;
    }
    if (chunk_ > 0) trial.seconds *= 1 + 0.1 * std::abs(std::log2(chunk_ / 8.0));
    if (lies && workers_ > 1) trial.answers.back().push_back(std::byte{1});
    return trial;
  }
  static Result<std::unique_ptr<Workload>> make(const daemon::PoolOptions& pool, const std::string&) {
    return std::make_unique<Pretending>(pool);
  }
  static bool lies;

 private:
  int workers_;
  uint32_t chunk_;
};
bool Pretending::lies = false;

constexpr WorkloadKind kPretending{"pretend", "cost what it is told to", "files", true, 1024, Pretending::make};

Result<BenchReport> pretend(bool lies = false, int workers = 3) {
  Pretending::lies = lies;
  BenchPlan plan;
  plan.kind = &kPretending;
  plan.pool.jobs = workers;
  plan.rounds = 3;
  plan.seconds = 0.01;
  std::vector<PictureSet> sets;  // the name says how many microseconds
  for (const uint32_t side : {4u, 8u, 16u})
    sets.push_back({std::to_string(side), 1.0 * side * side, {"/a/" + std::to_string(side * side), "/b/" + std::to_string(side * side)}});
  return run_experiments(plan, sets, [](const std::string&) {});
}

TEST(Experiments, MeasureGrowthScalingAndChunks) {
  const auto report = pretend();
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->sizes.size(), 3u);
  EXPECT_NEAR(report->growth->exponent, 1, 1e-9);
  EXPECT_EQ(complexity_of(*report->growth), "linear, O(n)");
  for (const SizeResult& size : report->sizes) {
    EXPECT_NEAR(speed_up(size.serial, size.parallel), 3, 1e-9);
    EXPECT_EQ(size.serial.seconds.size(), 3u) << "as many as rounds";
    EXPECT_EQ(size.serial.stage_ns[3], 500 * 3 * size.serial.files);
  }
  ASSERT_EQ(report->workers.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_NEAR(speed_up(report->workers[0], report->workers[i]), i + 1, 1e-9);
  const auto optimum = chunk_optimum(report->chunks);
  ASSERT_TRUE(optimum);
  EXPECT_EQ(optimum->best, 8u);
  EXPECT_EQ(report->chunks.back().chunk, 0u);
  EXPECT_TRUE(report->identical());
  EXPECT_GT(report->compared, 1000u);
}

TEST(Experiments, EveryDifferentAnswerIsFound) {
  const auto report = pretend(true);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->identical());
  EXPECT_THAT(report->different.front(), HasSubstr("/"));
}

TEST(Experiments, OneWorkerIsEnough) {
  const auto report = pretend(false, 1);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->workers.size(), 1u);
  BenchContext context{&kPretending, {"a processor", 1, 1, 0}, "drawn", 3, 1, true};
  EXPECT_THAT(human_report(context, *report), HasSubstr("one worker only"));
  EXPECT_THAT(svg_report(context, *report), HasSubstr("</svg>"));
}

class Reports : public ::testing::Test {
 protected:
  const BenchReport report_ = *pretend();
  const BenchContext context_{&kPretending, {"a processor <fast>", 3, 6, 2.5}, "drawn", 3, 3, true};
};

TEST_F(Reports, ForPeopleSayWhatWasFound) {
  EXPECT_THAT(human_report(context_, report_),
              AllOf(HasSubstr("a processor <fast>; 3 physical and 6 logical cores, 2.5 of them allowed by the cgroup"),
                    HasSubstr("answers of parallel runs are the serial ones, byte by byte"),
                    HasSubstr("cost grows as pixels^1.00"), HasSubstr("linear, O(n)"),
                    HasSubstr("3.00 times as fast with 3 workers; serial part"), HasSubstr("best: 8 files"),
                    HasSubstr("a sharp optimum"), HasSubstr("Where a worker's time goes")));
  EXPECT_THAT(human_report({&kPretending, {}, "drawn", 3, 3, false}, report_), Not(HasSubstr("worker's time goes")));
  EXPECT_THAT(human_report(context_, *pretend(true)), HasSubstr("DIFFER"));
}

TEST_F(Reports, CsvHasARowForEachMeasurement) {
  std::istringstream lines(rows_report(context_, report_, OutputFormat::kCsv));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line,
            "experiment,job,pixels,workers,chunk,files,median_s,least_s,most_s,files_per_s,speed_up,efficiency,identical");
  size_t rows = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(std::count(line.begin(), line.end(), ','), 12) << line;
    ++rows;
  }
  EXPECT_EQ(rows, 2 * report_.sizes.size() + report_.workers.size() + report_.chunks.size());
}

TEST_F(Reports, JsonLinesEndWithWhatFollowsFromThem) {
  std::istringstream lines(rows_report(context_, report_, OutputFormat::kJsonl));
  std::vector<nlohmann::json> records;
  for (std::string line; std::getline(lines, line);) records.push_back(nlohmann::json::parse(line));
  EXPECT_EQ(records.front()["schema"], "pairloom.bench/1");
  EXPECT_EQ(records[1]["experiment"], "size");
  EXPECT_EQ(records[1]["seconds"].size(), 3u);
  EXPECT_EQ(records.back()["identical"], true);
  EXPECT_EQ(records.back()["growth"]["complexity"], "linear, O(n)");
  EXPECT_EQ(records.back()["chunk"]["best"], 8);
}

// Tags must close in the order in which they opened, attributes must be quoted.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  for (size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const size_t end = svg.find('>', at);
    ASSERT_NE(end, std::string::npos);
    const std::string tag = svg.substr(at + 1, end - at - 1);
    EXPECT_EQ(std::count(tag.begin(), tag.end(), '"') % 2, 0) << tag;
    EXPECT_EQ(tag.find('<'), std::string::npos) << tag;
    if (tag.starts_with("/")) {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), tag.substr(1));
      open.pop_back();
    } else if (!tag.ends_with("/")) {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST_F(Reports, ThePictureHasAllCurves) {
  const std::string svg = svg_report(context_, report_);
  expect_well_formed(svg);
  EXPECT_THAT(svg, AllOf(HasSubstr("a processor &lt;fast&gt;"), HasSubstr("pixels^1.00"), HasSubstr("3 workers"),
                         HasSubstr("Files in a chunk"), HasSubstr("as the program chooses")));
  const auto count = [&svg](const std::string& what) {
    size_t n = 0;
    for (size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("<polyline"), 7u);  // 1 and 3 workers, fit; measured, ideal; fixed, chosen
  EXPECT_EQ(count("<circle"), 2 * report_.sizes.size() + report_.workers.size() + report_.chunks.size() - 1);
}

TEST(SvgChart, SurvivesASinglePointAndOddLabels) {
  Panel panel{"a & b", "\"x\"", "<y>", "", true, true, false, {}, {{"one", {{5, 5}}, Curve::Look::kMeasured}}};
  expect_well_formed(draw_chart("t", {"s"}, {panel}));
  panel.log_x = panel.log_y = false;
  panel.y_from_zero = true;
  expect_well_formed(draw_chart("t", {}, {panel, panel}));
}

TEST(SvgChart, HigherValuesAreHigherUp) {
  const Panel panel{"t", "x", "y", "", false, false, true, {}, {{"c", {{1, 1}, {2, 9}}, Curve::Look::kMeasured}}};
  const std::string svg = draw_chart("t", {}, {panel});
  const size_t at = svg.find("points=\"") + 8;
  double x1 = 0, y1 = 0, x2 = 0, y2 = 0;
  ASSERT_EQ(std::sscanf(svg.c_str() + at, "%lf,%lf %lf,%lf", &x1, &y1, &x2, &y2), 4);
  EXPECT_LT(x1, x2);
  EXPECT_GT(y1, y2);
}

TEST(DrawnImages, AreTheSameEachTimeAndDifferFromEachOther) {
  EXPECT_EQ(draw_ppm(64, 1), draw_ppm(64, 1));
  EXPECT_NE(draw_ppm(64, 1), draw_ppm(64, 2));
  EXPECT_EQ(draw_ppm(64, 1).size(), 3u * 64 * 64 + 13);
  EXPECT_TRUE(draw_ppm(64, 1).starts_with("P6\n64 64\n255\n"));
}

TEST(ScratchDirectory, GoesWithWhatIsInIt) {
  std::string path;
  {
    const auto scratch = ScratchDirectory::create();
    ASSERT_TRUE(scratch);
    const auto paths = draw_pictures(*scratch, 32, 3);
    ASSERT_TRUE(paths);
    EXPECT_EQ(paths->size(), 3u);
    path = scratch->path();
    EXPECT_TRUE(std::filesystem::exists(paths->front()));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace pairloom::cli
