#include "workerproc/decode/raster.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"

namespace pairloom::workerproc {
namespace {

TEST(ChooseReduction, KeepsTheShortSide) {
  EXPECT_EQ(choose_reduction(300, 200, 128), 1);
  EXPECT_EQ(choose_reduction(300, 256, 128), 2);
  EXPECT_EQ(choose_reduction(300, 255, 128), 1);
  EXPECT_EQ(choose_reduction(4000, 3000, 128), 8);
  EXPECT_EQ(choose_reduction(4000, 1023, 128), 4);
  EXPECT_EQ(choose_reduction(100'000, 64, 64), 1);
  EXPECT_EQ(choose_reduction(4000, 3000, 0), 1);
}

TEST(BeginPicture, RefusesWhatIsOverALimitAndSaysWhich) {
  Picture picture;
  DecodeRequest request;
  const auto error = [&](uint64_t width, uint64_t height, size_t bytes) {
    const auto result = begin_picture(picture, request, "PNG", width, height, bytes);
    return result ? Error{} : result.error();
  };
  EXPECT_EQ(error(40'000, 40'000, 1 << 30).message, "PNG: 40000x40000 pixels exceed the limit of 400000000");
  EXPECT_EQ(error(40'000, 40'000, 1 << 30).code, Errc::kTooLarge);
  EXPECT_EQ(error(2'000'000, 1, 1 << 30).code, Errc::kTooLarge);
  EXPECT_EQ(error(UINT32_MAX, UINT32_MAX, 1 << 30).code, Errc::kTooLarge);
  EXPECT_EQ(error(16'383, 16'383, 36).message, "PNG: claims 16383x16383 pixels in 36 bytes: not believable");
  EXPECT_EQ(error(0, 5, 100).code, Errc::kCorrupt);
  EXPECT_EQ(error(5, 0, 100).code, Errc::kCorrupt);
}

TEST(BeginPicture, ReusesMemoryButGivesBackAGiants) {
  Picture picture;
  const DecodeRequest request{.layout = PixelLayout::kGray, .min_short_side_px = 0};
  ASSERT_TRUE(begin_picture(picture, request, "PNG", 1000, 1000, 1000));
  const uint8_t* memory = picture.pixels.data();
  ASSERT_TRUE(begin_picture(picture, request, "PNG", 10, 10, 1000));
  ASSERT_TRUE(begin_picture(picture, request, "PNG", 900, 900, 1000));
  EXPECT_EQ(picture.pixels.data(), memory);
  ASSERT_TRUE(begin_picture(picture, request, "PNG", 10'000, 8'000, 1'000'000));
  ASSERT_TRUE(begin_picture(picture, request, "PNG", 10, 10, 1000));
  EXPECT_LT(picture.pixels.capacity(), 1000u);
}

TEST(ConvertLine, RoundsGrayToNearest) {
  for (unsigned r = 0; r < 256; r += 5)
    for (unsigned g = 0; g < 256; g += 3)
      for (unsigned b = 0; b < 256; b += 5) {
        const uint8_t rgb[3] = {static_cast<uint8_t>(r), static_cast<uint8_t>(g), static_cast<uint8_t>(b)};
        uint8_t gray = 0;
        convert_line(Samples::kRgb, rgb, PixelLayout::kGray, &gray, 1);
        ASSERT_NEAR(gray, 0.299 * r + 0.587 * g + 0.114 * b, 0.502) << r << " " << g << " " << b;
      }
}

TEST(ConvertLine, KeepsGrayAsItIs) {
  for (unsigned v = 0; v < 256; ++v) {
    const uint8_t rgb[3] = {static_cast<uint8_t>(v), static_cast<uint8_t>(v), static_cast<uint8_t>(v)};
    uint8_t gray = 0;
    convert_line(Samples::kBgr, rgb, PixelLayout::kGray, &gray, 1);
    ASSERT_EQ(gray, v);
  }
}

TEST(ConvertLine, PutsTransparentPixelsOnWhite) {
  const uint8_t rgba[12] = {10, 20, 30, 0, 10, 20, 30, 255, 0, 0, 0, 128};
  uint8_t bgr[9], gray[3];
  convert_line(Samples::kRgba, rgba, PixelLayout::kBgr, bgr, 3);
  convert_line(Samples::kRgba, rgba, PixelLayout::kGray, gray, 3);
  const uint8_t kBgr[9] = {255, 255, 255, 30, 20, 10, 127, 127, 127}, kGray[3] = {255, 18, 127};
  EXPECT_TRUE(std::equal(bgr, bgr + 9, kBgr));
  EXPECT_TRUE(std::equal(gray, gray + 3, kGray));
}

// The mean of each block of the full picture, rounded to nearest; blocks at the far edges are what is left.
cv::Mat block_means(const cv::Mat& image, int reduction) {
  cv::Mat means((image.rows + reduction - 1) / reduction, (image.cols + reduction - 1) / reduction, image.type());
  for (int y = 0; y < means.rows; ++y)
    for (int x = 0; x < means.cols; ++x) {
      const cv::Rect block = cv::Rect(x * reduction, y * reduction, reduction, reduction) & cv::Rect({}, image.size());
      const cv::Scalar mean = cv::mean(image(block));
      for (int c = 0; c < image.channels(); ++c)
        means.ptr(y)[x * image.channels() + c] = static_cast<uchar>(std::floor(mean[c] + 0.5));
    }
  return means;
}

TEST(RowWriter, ReducesToExactBlockMeans) {
  for (const auto layout : {PixelLayout::kGray, PixelLayout::kBgr})
    for (const int reduction : {1, 2, 4, 8})
      for (const cv::Size size : {cv::Size(64, 64), cv::Size(75, 53), cv::Size(81, 8), cv::Size(8, 41)}) {
        cv::Mat image = test::draw_picture(3, size.width, size.height);
        if (layout == PixelLayout::kGray) cv::extractChannel(image, image, 1);
        Picture picture = test::picture_of(image);
        picture.reduction = static_cast<uint8_t>(reduction);
        picture.width_px = reduced(picture.full_width_px, picture.reduction);
        picture.height_px = reduced(picture.full_height_px, picture.reduction);
        picture.stride_bytes = picture.width_px * static_cast<uint32_t>(image.channels());
        RowWriter writer(picture, layout == PixelLayout::kGray ? Samples::kGray : Samples::kBgr);
        for (int y = 0; y < image.rows; ++y) writer.write(image.ptr(y));
        writer.write(image.ptr(0));  // one too many is ignored
        EXPECT_EQ(writer.rows_written(), static_cast<uint32_t>(size.height));
        EXPECT_EQ(cv::norm(test::pixels_of(picture), block_means(image, reduction), cv::NORM_INF), 0)
            << size << " by " << reduction << " channels " << image.channels();
      }
}

}  // namespace
}  // namespace pairloom::workerproc
