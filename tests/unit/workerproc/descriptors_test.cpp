// Keypoints, descriptors and homographies on drawn pictures.
#include <gtest/gtest.h>

#include <opencv2/calib3d.hpp>
#include <opencv2/features2d.hpp>

#include "tests/support/draw.h"
#include "workerproc/descriptors/detector.h"
#include "workerproc/descriptors/homography.h"

namespace pairloom::workerproc {
namespace {

cv::Mat drawn(int width, int height) {
  return test::draw_shapes(11, width, height);
}

TEST(Detector, SiftDescriptorsAreThoseOfFloatsAsBytes) {
  const cv::Mat picture = drawn(400, 300);
  DescribedImage ours;
  Detector(jobs::DescriptorMethod::kSift, 5000).describe(picture, ours);
  std::vector<cv::KeyPoint> keypoints;
  cv::Mat floats, as_floats;
  cv::SIFT::create(5000)->detectAndCompute(picture, cv::noArray(), keypoints, floats);
  ASSERT_GT(keypoints.size(), 100u);
  ASSERT_EQ(ours.keypoints.size(), keypoints.size());
  ours.descriptors.convertTo(as_floats, CV_32F);
  EXPECT_EQ(cv::norm(as_floats, floats, cv::NORM_INF), 0);
}

TEST(Detector, KeepsTheStrongestAsManyAsAskedFor) {
  const cv::Mat picture = drawn(400, 300);
  for (const auto method : {jobs::DescriptorMethod::kSift, jobs::DescriptorMethod::kOrb}) {
    DescribedImage image;
    Detector(method, 50).describe(picture, image);
    EXPECT_GE(image.keypoints.size(), 40u);
    EXPECT_LE(image.keypoints.size(), 60u);
    EXPECT_EQ(image.rows().rows, image.keypoints.size());
    EXPECT_EQ(image.rows().bytes, jobs::descriptor_bytes(method));
  }
}

TEST(Detector, AFlatPictureHasNoDescriptors) {
  for (const auto method : {jobs::DescriptorMethod::kSift, jobs::DescriptorMethod::kOrb}) {
    Detector detector(method, 5000);
    DescribedImage image;
    detector.describe(drawn(200, 200), image);
    detector.describe(cv::Mat(100, 100, CV_8UC1, cv::Scalar(70)), image);  // and keeps none of the last
    EXPECT_TRUE(image.keypoints.empty());
    EXPECT_EQ(image.rows().rows, 0u);
  }
}

// ORB threw on pictures of one pixel's height: a level of its pyramid had none.
TEST(Detector, TinyAndThinPicturesAreNoError) {
  const cv::Mat picture = drawn(200, 200);
  for (const auto method : {jobs::DescriptorMethod::kSift, jobs::DescriptorMethod::kOrb})
    for (const int side : {1, 2, 3, 4, 7, 8, 16, 30, 31, 32, 61, 62, 63, 64})
      for (const cv::Size size : {cv::Size(side, side), cv::Size(side, 200), cv::Size(200, side)}) {
        DescribedImage image;
        EXPECT_NO_THROW(Detector(method, 100).describe(picture(cv::Rect({}, size)).clone(), image)) << size;
        EXPECT_EQ(image.rows().rows, image.keypoints.size());
      }
}

TEST(Detector, MatchesOfAShiftedPictureAreInliersOfOneHomography) {
  const cv::Mat picture = drawn(500, 400);
  DescribedImage left, right;
  Detector detector(jobs::DescriptorMethod::kSift, 5000);
  detector.describe(picture(cv::Rect(0, 0, 400, 400)), left);
  detector.describe(picture(cv::Rect(60, 0, 400, 400)), right);
  Matcher matcher(Norm::kL2, left.rows());
  const auto matches = matcher.match(right.rows(), {});
  std::vector<cv::Point2f> from, to;
  cv::KeyPoint::convert(left.keypoints, from);
  cv::KeyPoint::convert(right.keypoints, to);
  const uint32_t inliers = homography_inliers(from, to, matches, 3);
  EXPECT_GT(inliers, matches.size() * 7 / 10);
  EXPECT_LT(inliers, matches.size());  // what is in one of them only matches something else
  EXPECT_EQ(inliers, homography_inliers(from, to, matches, 3));
}

TEST(Homography, CountsExactlyThoseThatAgree) {
  // 30 points under one perspective map, 12 that go elsewhere.
  std::vector<cv::Point2f> from, to;
  std::vector<Match> matches;
  cv::RNG random(5);
  for (uint32_t i = 0; i < 42; ++i) {
    const cv::Point2f p(random.uniform(0.f, 640.f), random.uniform(0.f, 480.f));
    const float w = 1 + 1e-4f * p.x;
    from.push_back(p);
    to.push_back(i < 30 ? cv::Point2f((0.9f * p.x + 0.1f * p.y + 5) / w, (1.1f * p.y - 20) / w)
                        : cv::Point2f(random.uniform(0.f, 640.f), random.uniform(1000.f, 4000.f)));
    matches.push_back({i, i, 0});
  }
  EXPECT_EQ(homography_inliers(from, to, matches, 3), 30u);
}

TEST(Homography, NeedsFourMatches) {
  const std::vector<cv::Point2f> points{{0, 0}, {100, 0}, {100, 80}, {0, 80}};
  std::vector<Match> matches{{0, 0, 0}, {1, 1, 0}, {2, 2, 0}};
  EXPECT_EQ(homography_inliers(points, points, matches, 3), 0u);
  matches.push_back({3, 3, 0});
  EXPECT_EQ(homography_inliers(points, points, matches, 3), 4u);
}

TEST(Homography, PointsOnOneSpotGiveNone) {
  const std::vector<cv::Point2f> points(6, {50, 50});
  std::vector<Match> matches;
  for (uint32_t i = 0; i < 6; ++i) matches.push_back({i, i, 0});
  EXPECT_EQ(homography_inliers(points, points, matches, 3), 0u);
}

}  // namespace
}  // namespace pairloom::workerproc
