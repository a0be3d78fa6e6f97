// The container of HEIC and AVIF: turns, tiles, crops, and files that lie about them.
#include "workerproc/decode/heif_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <opencv2/imgproc.hpp>
#include <string>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {
namespace {

using test::Bytes;

constexpr DecodeRequest kFullGray{.layout = PixelLayout::kGray, .min_short_side_px = 0};

cv::Mat gray_picture(uint64_t seed, int width, int height) {
  cv::Mat gray;
  cv::cvtColor(test::draw_picture(seed, width, height), gray, cv::COLOR_BGR2GRAY);
  return gray;
}

size_t find(const Bytes& bytes, std::string_view text) {
  const auto* found = static_cast<const std::byte*>(memmem(bytes.data(), bytes.size(), text.data(), text.size()));
  EXPECT_NE(found, nullptr) << text;
  return static_cast<size_t>(found - bytes.data());
}

void put_u32(Bytes& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes.at(at + i) = static_cast<std::byte>(value >> (24 - 8 * i));
}

// What a viewer does: turn it anticlockwise, then mirror it. The stored picture of that orientation must be the same.
TEST(Heif, TurnsAndMirrorsAreOneOfTheEightOrientations) {
  const cv::Mat stored = gray_picture(1, 100, 70);
  Picture picture;
  for (int quarters = 0; quarters < 4; ++quarters)
    for (int mirror = -1; mirror < 2; ++mirror) {
      cv::Mat shown = stored.clone();
      for (int i = 0; i < quarters; ++i) cv::rotate(shown, shown, cv::ROTATE_90_COUNTERCLOCKWISE);
      if (mirror >= 0) cv::flip(shown, shown, mirror);  // OpenCV: 0 upside down, 1 left to right
      const auto decoded = decode(
          test::encode_heif(stored, {.lossless = true, .quarters = quarters, .mirror = mirror}), kFullGray, picture);
      ASSERT_TRUE(decoded) << decoded.error().message;
      EXPECT_EQ(cv::norm(test::stored_for(shown, picture.orientation), stored, cv::NORM_INF), 0)
          << quarters << " " << mirror << ": " << int{picture.orientation};
      EXPECT_EQ(picture.full_width_px, 100u) << "as stored, not as shown";
    }
}

TEST(Heif, TilesMakeOnePictureInEveryLayout) {
  const cv::Mat gray = gray_picture(2, 300, 200);
  Picture picture;
  for (const bool av1 : {false, true}) {
    const Bytes file = test::encode_heif(gray, {.av1 = av1, .lossless = true, .columns = 3, .rows = 2});
    ASSERT_TRUE(decode(file, kFullGray, picture));
    EXPECT_EQ(cv::norm(test::pixels_of(picture), gray, cv::NORM_INF), 0);
    ASSERT_TRUE(decode(file, {.layout = PixelLayout::kRgba}, picture));
    EXPECT_EQ(picture.width_px, 300u);
    EXPECT_TRUE(picture.is_gray);
  }
}

// Regression guard: the smoothing filters are left out from 1/4 on, and only there.
TEST(Heif, ReducedByEightItIsStillThePicture) {
  const cv::Mat image = test::draw_picture(3, 1100, 1040);
  for (const bool av1 : {false, true}) {
    const Bytes file = test::encode_heif(image, {.av1 = av1, .quality = 50});
    Picture picture;
    ASSERT_TRUE(decode(file, DecodeRequest{}, picture));
    ASSERT_EQ(picture.reduction, 8);
    cv::Mat expected;
    cv::resize(test::luma_of(image), expected, {138, 130}, 0, 0, cv::INTER_AREA);
    cv::Mat actual;
    test::pixels_of(picture).convertTo(actual, CV_64F);
    EXPECT_LT(cv::norm(actual, expected, cv::NORM_L1) / static_cast<double>(actual.total()), 4);
  }
}

TEST(Heif, AFileThatLiesAboutItsTilesIsCorrupt) {
  const Bytes whole = test::encode_heif(gray_picture(4, 200, 200), {.columns = 2, .rows = 2});
  const size_t grid = find(whole, "idat") + 4;  // version, flags, rows - 1, columns - 1, width, height
  Picture picture;
  Bytes more_tiles = whole;
  more_tiles[grid + 2] = std::byte{200};
  Bytes too_wide = whole;
  too_wide[grid + 4] = std::byte{0x7F};
  Bytes too_narrow = whole;
  too_narrow[grid + 4] = too_narrow[grid + 5] = std::byte{0};
  for (const Bytes& file : {more_tiles, too_wide, too_narrow}) {
    const auto decoded = decode(file, kFullGray, picture);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, Errc::kCorrupt) << decoded.error().message;
  }
}

TEST(Heif, TheCodedPictureMayNotBeLargerThanTheFileSays) {
  for (const bool av1 : {false, true}) {
    Bytes file = test::encode_heif(gray_picture(5, 1024, 832), {.av1 = av1});
    const size_t size = find(file, "ispe") + 8;
    put_u32(file, size, 500);
    put_u32(file, size + 4, 400);
    Picture picture;
    const auto decoded = decode(file, kFullGray, picture);
    ASSERT_FALSE(decoded);
    EXPECT_NE(decoded.error().message.find("larger than the file says"), std::string::npos) << decoded.error().message;
    put_u32(file, size, 30'000);
    put_u32(file, size + 4, 30'000);
    const auto claimed = decode(file, kFullGray, picture);
    ASSERT_FALSE(claimed);
    EXPECT_EQ(claimed.error().code, Errc::kTooLarge);
  }
}

TEST(Heif, WhatItDoesNotKnowButMustIsRefused) {
  Bytes file = test::encode_heif(gray_picture(6, 100, 100), {.quarters = 1});
  const size_t turn = find(file, "irot");
  memcpy(&file[turn], "what", 4);
  Picture picture;
  EXPECT_TRUE(decode(file, kFullGray, picture)) << "a property that nobody needs is passed over";
  const size_t associations = find(file, "ipma") + 4 + 4 + 4 + 2;  // version and flags, entries, item
  const size_t count = std::to_integer<size_t>(file[associations]);
  file[associations + count] |= std::byte{0x80};  // the last one, the turn, is essential now
  const auto decoded = decode(file, kFullGray, picture);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::kUnsupported) << decoded.error().message;
}

TEST(BoxReader, EndsAtBoxesThatCannotBe) {
  const auto count = [](const Bytes& bytes) {
    BoxReader boxes(bytes);
    int found = 0;
    while (const auto box = boxes.next()) ++found;
    return found;
  };
  Bytes bytes(16);
  put_u32(bytes, 0, 8);
  put_u32(bytes, 8, 8);
  EXPECT_EQ(count(bytes), 2);
  put_u32(bytes, 8, 7);  // shorter than its own head
  EXPECT_EQ(count(bytes), 1);
  put_u32(bytes, 8, 0);  // to the end
  EXPECT_EQ(count(bytes), 2);
  put_u32(bytes, 8, 1);  // a long length that is not there
  EXPECT_EQ(count(bytes), 1);
  put_u32(bytes, 8, 0xFFFFFFFF);  // cut
  EXPECT_EQ(count(bytes), 2);
}

}  // namespace
}  // namespace pairloom::workerproc
