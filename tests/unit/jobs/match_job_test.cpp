#include "jobs/match_job.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pairloom::jobs {
namespace {

TEST(MatchSetup, RoundTrips) {
  const auto back = decode_match_setup(encode(MatchSetup{.method = DescriptorMethod::kOrb,
                                                         .max_features = 77,
                                                         .cross_check = false,
                                                         .ratio = 0.75,
                                                         .reprojection_px = 2.5,
                                                         .max_file_bytes = 5,
                                                         .max_pixels = 6}))
                        .value();
  EXPECT_EQ(back.method, DescriptorMethod::kOrb);
  EXPECT_EQ(back.max_features, 77u);
  EXPECT_FALSE(back.cross_check);
  EXPECT_EQ(back.ratio, 0.75);
  EXPECT_EQ(back.reprojection_px, 2.5);
  EXPECT_EQ(back.max_file_bytes, 5u);
  EXPECT_EQ(back.max_pixels, 6u);
}

TEST(MatchSetup, RefusesWhatMakesNoSense) {
  EXPECT_FALSE(decode_match_setup({}));
  const auto refused = [](MatchSetup setup) { return !decode_match_setup(encode(setup)); };
  EXPECT_TRUE(refused({.method = static_cast<DescriptorMethod>(3)}));
  EXPECT_TRUE(refused({.max_features = 0}));
  EXPECT_TRUE(refused({.max_features = kMaxFeatures + 1}));
  EXPECT_TRUE(refused({.ratio = 1}));
  EXPECT_TRUE(refused({.ratio = -0.1}));
  EXPECT_TRUE(refused({.ratio = std::nan("")}));
  EXPECT_TRUE(refused({.reprojection_px = std::nan("")}));
  EXPECT_FALSE(refused({}));
}

TEST(MatchResult, RoundTrips) {
  const auto back = decode_match_result(encode(MatchResult{800, 300, 250}), {.reprojection_px = 3}, 400).value();
  EXPECT_EQ(back.keypoints, 800u);
  EXPECT_EQ(back.matches, 300u);
  EXPECT_EQ(back.inliers, 250u);
}

TEST(MatchResult, RefusesWhatALyingWorkerCouldSend) {
  const MatchSetup geometry{.reprojection_px = 3}, one_way{.cross_check = false};
  EXPECT_FALSE(decode_match_result({}, {}, 10));
  EXPECT_FALSE(decode_match_result(encode(MatchResult{800, 11, 0}), {}, 10));   // more than the reference has
  EXPECT_FALSE(decode_match_result(encode(MatchResult{5, 6, 0}), {}, 10));      // more than the image has
  EXPECT_TRUE(decode_match_result(encode(MatchResult{5, 6, 0}), one_way, 10));  // may share the nearest
  EXPECT_FALSE(decode_match_result(encode(MatchResult{5, 11, 0}), one_way, 10));
  EXPECT_FALSE(decode_match_result(encode(MatchResult{9, 5, 6}), geometry, 10));  // more inliers than matches
  EXPECT_FALSE(decode_match_result(encode(MatchResult{9, 5, 4}), {}, 10));        // nobody asked for inliers
}

}  // namespace
}  // namespace pairloom::jobs
