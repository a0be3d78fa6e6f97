// Against real images and results of other programs. PAIRLOOM_TEST_DATA names the folder (docs/testing.md); the images
// are not part of the project, and without them these tests are skipped.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <vector>

#include "search/turned_code.h"
#include "workerproc/extract/extract.h"

namespace pairloom::workerproc {
namespace {

class RealImages : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* folder = getenv("PAIRLOOM_TEST_DATA");
    if (folder == nullptr) GTEST_SKIP() << "PAIRLOOM_TEST_DATA is not set: no real images to compare with";
    folder_ = folder;
  }

  // The rows of a CSV file without its header; no field is quoted.
  std::vector<std::vector<std::string>> rows_of(const std::string& name) const {
    std::ifstream file(folder_ + "/expected/" + name);
    EXPECT_TRUE(file) << name;
    std::vector<std::vector<std::string>> rows;
    std::string line, field;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      rows.emplace_back();
      while (std::getline(fields, field, ',')) rows.back().push_back(field);
    }
    return rows;
  }

  jobs::IndexResult extract(Extractor& extractor, const std::string& path) const {
    std::ifstream file(folder_ + "/" + path, std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    uint64_t stage_ns[8] = {};
    return extractor.extract(std::as_bytes(std::span(bytes)), stage_ns);
  }

  std::string folder_;
};

TEST_F(RealImages, TutorialDhashEqualsOpenCvsImreadPipeline) {
  Extractor extractor({.algorithms = set_of(Algorithm::kDhashTutorial)});
  const auto rows = rows_of("caltech101_dhash.csv");
  EXPECT_EQ(rows.size(), 5424u);
  for (const auto& row : rows) {
    const auto result = extract(extractor, "caltech101/" + row[0]);
    ASSERT_EQ(result.outcome, Outcome::kIndexed) << row[0] << ": " << result.message;
    EXPECT_EQ(to_hex(result.codes[0].code, 64), row[1]) << row[0];
  }
}

TEST_F(RealImages, FullPdqEqualsTheReference) {
  Extractor extractor({.accuracy = Accuracy::kFull});
  int equal = 0;
  const auto rows = rows_of("pdq.csv");
  for (const auto& row : rows) {
    const auto result = extract(extractor, "pdq/" + row[0]);
    ASSERT_EQ(result.outcome, Outcome::kIndexed) << row[0] << ": " << result.message;
    const int distance = hamming_distance(result.codes[0].code, *code_from_hex(row[1], 256));
    EXPECT_LE(distance, 2) << row[0];
    EXPECT_NEAR(result.image.quality, std::stoi(row[2]), 1) << row[0];
    equal += distance == 0;
  }
  RecordProperty("equal", equal);
  RecordProperty("images", static_cast<int>(rows.size()));
}

TEST_F(RealImages, TheDefaultDecodeStaysCloseToTheFullOne) {
  Extractor full({.accuracy = Accuracy::kFull}), reduced(jobs::IndexSetup{});
  std::vector<int> distances;
  double sum = 0;
  for (const auto& row : rows_of("caltech101_dhash.csv")) {
    const auto a = extract(full, "caltech101/" + row[0]), b = extract(reduced, "caltech101/" + row[0]);
    ASSERT_EQ(a.codes.size(), 1u) << row[0];
    ASSERT_EQ(b.codes.size(), 1u) << row[0];
    distances.push_back(hamming_distance(a.codes[0].code, b.codes[0].code));
    sum += distances.back();
  }
  std::sort(distances.begin(), distances.end());
  EXPECT_LE(sum / static_cast<double>(distances.size()), 1.2);
  EXPECT_LE(distances[distances.size() * 99 / 100], 10);
}

TEST_F(RealImages, CodesTurnedWithoutThePictureStayCloseToThoseOfTheTurnedOne) {
  jobs::IndexSetup setup;
  setup.algorithms = set_of(Algorithm::kPdq) | set_of(Algorithm::kPhash256) | set_of(Algorithm::kPhash) | jobs::kTurnedCodes;
  Extractor extractor(setup);
  std::map<Algorithm, std::vector<int>> distances;
  for (const auto& row : rows_of("caltech101_dhash.csv")) {
    const auto result = extract(extractor, "caltech101/" + row[0]);
    const auto turns = extractor.take_turns();
    ASSERT_EQ(turns.size(), 3u * 7) << row[0];
    for (const auto& turn : turns)
      for (const auto& code : result.codes)
        if (code.algorithm == turn.algorithm && result.image.quality >= 50)
          distances[turn.algorithm].push_back(
              hamming_distance(*search::turned_code(code.code, code.algorithm, turn.orientation), turn.code));
  }
  for (auto& [algorithm, all] : distances) {
    std::sort(all.begin(), all.end());
    const double mean = std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
    const auto within = std::upper_bound(all.begin(), all.end(), int{info(algorithm).similar}) - all.begin();
    std::printf("%s turned: mean %.2f, 99th percentile %d, largest %d bits, %.1f %% within `similar`\n",
                std::string(info(algorithm).name).c_str(), mean, all[all.size() * 99 / 100], all.back(),
                100.0 * static_cast<double>(within) / static_cast<double>(all.size()));
    EXPECT_LE(mean, info(algorithm).similar);
  }
}

}  // namespace
}  // namespace pairloom::workerproc
