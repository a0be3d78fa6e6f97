// Camera raws: which picture is taken, and how it lies.
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/decode.h"
#include "workerproc/extract/extract.h"

namespace pairloom::workerproc {
namespace {

using test::Bytes;

// How alike two gray pictures are, whatever their brightness and contrast: 1 = the same.
double correlation(const Picture& picture, const cv::Mat& bgr) {
  cv::Mat expected, result;
  cv::cvtColor(bgr, expected, cv::COLOR_BGR2GRAY);
  cv::resize(expected, expected, {64, 48}, 0, 0, cv::INTER_AREA);
  cv::Mat actual;
  cv::resize(test::pixels_of(picture), actual, {64, 48}, 0, 0, cv::INTER_AREA);
  cv::matchTemplate(actual, expected, result, cv::TM_CCOEFF_NORMED);
  return result.at<float>(0, 0);
}

TEST(Raw, ThePreviewIsThePicture) {
  const cv::Mat image = test::draw_picture(1, 800, 600);
  Picture picture;
  for (const uint32_t short_side : {0u, 128u}) {
    const auto decoded = decode(test::encode_dng(image, {.preview_width = 400, .preview_height = 300}),
                                {.min_short_side_px = short_side}, picture);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(picture.format, ImageFormat::kRaw);
    EXPECT_EQ(picture.full_width_px, 400u);
    EXPECT_EQ(picture.original_width_px, 800u);
    EXPECT_EQ(picture.original_height_px, 600u);
    EXPECT_GT(correlation(picture, image), 0.99);
  }
}

TEST(Raw, WithoutAPreviewOfUseTheSensorIsDeveloped) {
  const cv::Mat image = test::draw_picture(2, 800, 600);
  Picture picture;
  for (const auto& [width, height] : {std::pair(0, 0), std::pair(160, 120), std::pair(400, 400)}) {
    const auto decoded =
        decode(test::encode_dng(image, {.preview_width = width, .preview_height = height}), DecodeRequest{}, picture);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(picture.format, ImageFormat::kRaw);
    EXPECT_EQ(picture.full_width_px, 400u) << "half of each side is enough";
    EXPECT_EQ(picture.original_width_px, 800u);
    EXPECT_GT(correlation(picture, image), 0.9);
    EXPECT_FALSE(picture.damaged);
  }
  ASSERT_TRUE(decode(test::encode_dng(image), {.min_short_side_px = 0}, picture));
  EXPECT_EQ(picture.full_width_px, 800u);
}

TEST(Raw, TheSensorsOrientationTurnsPreviewAndPicture) {
  const cv::Mat image = test::draw_picture(3, 800, 600);
  Picture picture;
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const int width : {0, 400}) {
      ASSERT_TRUE(decode(
          test::encode_dng(image, {.preview_width = width, .preview_height = width * 3 / 4, .orientation = orientation}),
          DecodeRequest{}, picture));
      EXPECT_EQ(picture.orientation, orientation) << width;
      EXPECT_EQ(picture.original_width_px, 800u) << "as stored, not as shown";
    }
}

TEST(Raw, TheIndexKnowsTheSizeOfTheOriginal) {
  Extractor extractor({.algorithms = set_of(Algorithm::kPdq)});
  uint64_t stage_ns[8] = {};
  const Bytes file = test::encode_dng(test::draw_picture(4, 800, 600),
                                      {.preview_width = 400, .preview_height = 300, .orientation = 6});
  const auto result = extractor.extract(file, stage_ns);
  ASSERT_EQ(result.outcome, Outcome::kIndexed) << result.message;
  EXPECT_EQ(result.image.format, ImageFormat::kRaw);
  EXPECT_EQ(result.image.width_px, 600u);
  EXPECT_EQ(result.image.height_px, 800u);
}

TEST(Raw, CamerasThatNobodyKnowsAreUnsupported) {
  Picture picture;
  const auto decoded =
      decode(test::encode_tiff(test::draw_picture(5, 40, 30), {.camera_raw = true}), DecodeRequest{}, picture);
  EXPECT_EQ(picture.format, ImageFormat::kRaw);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().message.substr(0, 12), "camera raw: ");
}

TEST(Raw, TheLimitHoldsForTheSensor) {
  Picture picture;
  const auto decoded = decode(test::encode_dng(test::draw_picture(6, 800, 600)), {.max_pixels = 400'000}, picture);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::kTooLarge);
}

}  // namespace
}  // namespace pairloom::workerproc
