// The matcher gives the matches of cv::BFMatcher, one by one, with every kernel, also where distances are equal.
#include "workerproc/descriptors/matcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <opencv2/features2d.hpp>
#include <random>

namespace pairloom::workerproc {
namespace {

using Rows = cv::Mat_<uint8_t>;

Descriptors as_descriptors(const Rows& rows) {
  return {rows.data, static_cast<uint32_t>(rows.rows), static_cast<uint32_t>(rows.cols)};
}

// `values` different values a byte: few make many equal distances.
Rows random_rows(int count, int bytes, int values, std::mt19937& random) {
  Rows rows(count, bytes);
  for (uint8_t& byte : rows)
    byte = static_cast<uint8_t>(static_cast<int>(random() % static_cast<unsigned>(values)) * 255 /
                                std::max(1, values - 1));
  return rows;
}

// As long as SIFT's, where the squares of distances stay far below 2^22.
Rows random_sift_rows(int count, int values, std::mt19937& random) {
  Rows rows = random_rows(count, 128, values, random);
  for (uint8_t& byte : rows) byte = static_cast<uint8_t>(byte / 5);
  return rows;
}

std::vector<Match> opencv_matches(Norm norm, const Rows& reference, const Rows& image, const MatchRules& rules) {
  cv::Mat a = reference, b = image;
  if (norm == Norm::kL2) {
    reference.convertTo(a, CV_32F);
    image.convertTo(b, CV_32F);
  }
  const cv::BFMatcher matcher(norm == Norm::kL2 ? cv::NORM_L2 : cv::NORM_HAMMING, rules.cross_check);
  std::vector<cv::DMatch> found;
  if (rules.ratio == 0) {
    matcher.match(a, b, found);
  } else {
    std::vector<std::vector<cv::DMatch>> nearest;
    matcher.knnMatch(a, b, nearest, 2);
    for (const auto& two : nearest)
      if (two.size() == 2 && two[0].distance < rules.ratio * two[1].distance) found.push_back(two[0]);
  }
  std::vector<Match> matches;
  for (const cv::DMatch& m : found) {
    const double distance = norm == Norm::kL2 ? double{m.distance} * m.distance : double{m.distance};
    matches.push_back({static_cast<uint32_t>(m.queryIdx), static_cast<uint32_t>(m.trainIdx),
                       static_cast<uint32_t>(std::lround(distance))});
  }
  return matches;
}

std::vector<Match> our_matches(Norm norm, const Rows& reference, const Rows& image, const MatchRules& rules,
                               MatchKernel kernel) {
  Matcher matcher(norm, as_descriptors(reference), kernel);
  const auto matches = matcher.match(as_descriptors(image), rules);
  return {matches.begin(), matches.end()};
}

class EveryKernel : public ::testing::TestWithParam<MatchKernel> {
 protected:
  void expect_opencv(Norm norm, const Rows& reference, const Rows& image, const MatchRules& rules) {
    EXPECT_EQ(our_matches(norm, reference, image, rules, GetParam()), opencv_matches(norm, reference, image, rules))
        << reference.rows << " x " << image.rows << ", ratio " << rules.ratio << ", cross-check " << rules.cross_check;
  }
  std::mt19937 random_{7};
};

TEST_P(EveryKernel, FindsTheMatchesOfBfMatcherWithCrossCheck) {
  for (const int rows : {1, 2, 7, 8, 9, 40})
    for (const int columns : {1, 15, 16, 17, 33, 100}) {
      expect_opencv(Norm::kL2, random_sift_rows(rows, 256, random_), random_sift_rows(columns, 256, random_), {});
      expect_opencv(Norm::kHamming, random_rows(rows, 32, 256, random_), random_rows(columns, 32, 256, random_), {});
    }
}

TEST_P(EveryKernel, OfEquallyNearOnesTheFirstCountsOnBothSides) {
  for (int round = 0; round < 20; ++round) {
    Rows a = random_sift_rows(60, 2, random_), b = random_sift_rows(70, 2, random_);
    a.colRange(6, 128) = 0;  // 64 different descriptors at the most: copies on both sides
    b.colRange(6, 128) = 0;
    expect_opencv(Norm::kL2, a, b, {});
    expect_opencv(Norm::kL2, a, b, {.cross_check = false});
    Rows c = random_rows(60, 32, 2, random_), d = random_rows(70, 32, 2, random_);
    c.colRange(5, 32) = 0;
    d.colRange(5, 32) = 0;
    expect_opencv(Norm::kHamming, c, d, {});
    expect_opencv(Norm::kHamming, c, d, {.cross_check = false});
  }
}

TEST_P(EveryKernel, LowesTestIsThatOfKnnMatch) {
  for (const double ratio : {0.5, 0.75, 0.9, 0.97}) {
    Rows a = random_sift_rows(90, 256, random_), b = random_sift_rows(100, 256, random_);
    a.rowRange(0, 50).copyTo(b.rowRange(20, 70));  // distance 0 to one, or to two:
    a.rowRange(0, 10).copyTo(b.rowRange(90, 100));
    b.row(60)(0) ^= 3;
    expect_opencv(Norm::kL2, a, b, {.cross_check = false, .ratio = ratio});
    expect_opencv(Norm::kHamming, a, b, {.cross_check = false, .ratio = ratio});
  }
}

TEST_P(EveryKernel, ExtremeBytesDoNotOverflow) {
  Rows black(9, 4096), white(20, 4096);
  black = 0;
  white = 255;
  for (const Norm norm : {Norm::kL2, Norm::kHamming}) {
    const auto matches = our_matches(norm, black, white, {}, GetParam());
    ASSERT_EQ(matches.size(), 1u);
    EXPECT_EQ(matches[0], (Match{0, 0, norm == Norm::kL2 ? 4096u * 255 * 255 : 4096u * 8}));
    EXPECT_EQ(our_matches(norm, white, white, {}, GetParam()), (std::vector<Match>{{0, 0, 0}}));
  }
}

TEST_P(EveryKernel, WhereNothingIsNothingMatches) {
  const Rows some = random_rows(5, 128, 256, random_), none;
  EXPECT_TRUE(our_matches(Norm::kL2, some, none, {}, GetParam()).empty());
  EXPECT_TRUE(our_matches(Norm::kL2, none, some, {}, GetParam()).empty());
  const Rows one = some.row(2).clone();
  EXPECT_EQ(our_matches(Norm::kL2, some, one, {}, GetParam()), (std::vector<Match>{{2, 0, 0}}));
  EXPECT_TRUE(our_matches(Norm::kL2, some, one, {.ratio = 0.8}, GetParam()).empty());  // there is no second
}

TEST_P(EveryKernel, RatioAndCrossCheckTogetherGiveWhatPassesBoth) {
  Rows a = random_sift_rows(80, 40, random_), b = random_sift_rows(80, 40, random_);
  a.rowRange(0, 40).copyTo(b.rowRange(40, 80));
  const auto checked = our_matches(Norm::kL2, a, b, {}, GetParam());
  const auto both = our_matches(Norm::kL2, a, b, {.ratio = 0.9}, GetParam());
  std::vector<Match> expected;
  for (const Match& m : our_matches(Norm::kL2, a, b, {.cross_check = false, .ratio = 0.9}, GetParam()))
    if (std::find(checked.begin(), checked.end(), m) != checked.end()) expected.push_back(m);
  EXPECT_EQ(both, expected);
  EXPECT_GE(both.size(), 40u);
}

INSTANTIATE_TEST_SUITE_P(Matcher, EveryKernel, ::testing::ValuesIn(available_match_kernels()),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST(Matcher, IsUsedAgainAndAgainWithImagesOfAnySize) {
  std::mt19937 random(3);
  const Rows reference = random_sift_rows(50, 256, random);
  Matcher matcher(Norm::kL2, as_descriptors(reference));
  for (const int rows : {100, 3, 0, 64, 17}) {
    const Rows image = random_sift_rows(rows, 256, random);
    const auto matches = matcher.match(as_descriptors(image), {});
    const std::vector<Match> again(matches.begin(), matches.end());
    EXPECT_EQ(again, rows == 0 ? std::vector<Match>() : opencv_matches(Norm::kL2, reference, image, {}));
  }
}

}  // namespace
}  // namespace pairloom::workerproc
