// Our own decoder of common PNGs: the same pixels as were stored, and libpng's turn at the slightest doubt.
#include "workerproc/decode/png_plain.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/png_filters.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

using Colour = test::PngOptions::Colour;
constexpr DecodeRequest kBgr{.layout = PixelLayout::kBgr, .min_short_side_px = 0};

// Section 9.4 of the specification, as it reads.
int predicted(int filter, int a, int b, int c) {
  if (filter == 1) return a;
  if (filter == 2) return b;
  if (filter == 3) return (a + b) / 2;
  const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
  if (filter == 0) return 0;
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

TEST(PngFilters, AreUndoneForEveryPixelSize) {
  for (int filter = 0; filter <= 4; ++filter)
    for (const size_t step : {1u, 2u, 3u, 4u, 6u, 8u})
      for (const size_t pixels : {1u, 2u, 7u, 300u}) {
        const size_t bytes = step * pixels;
        std::vector<uint8_t> samples, above, stored(bytes);
        for (size_t i = 0; i < bytes + kRowSlackBytes; ++i) {
          samples.push_back(static_cast<uint8_t>(i * 37 + (i * i) % 101 * (i % 3)));
          above.push_back(static_cast<uint8_t>(255 - i * 11 % 256 + i / 5));
        }
        for (size_t i = 0; i < bytes; ++i) {
          const int a = i < step ? 0 : samples[i - step], c = i < step ? 0 : above[i - step];
          stored[i] = static_cast<uint8_t>(samples[i] - predicted(filter, a, above[i], c));
        }
        stored.resize(bytes + kRowSlackBytes, 77);
        ASSERT_TRUE(unfilter_row(static_cast<uint8_t>(filter), stored.data(), above.data(), bytes, step));
        EXPECT_TRUE(std::equal(stored.begin(), stored.begin() + static_cast<ptrdiff_t>(bytes), samples.begin()))
            << "filter " << filter << ", " << step << " bytes a pixel, " << pixels << " pixels";
        EXPECT_EQ(stored[bytes], 77) << "nothing is written behind the row";
      }
  uint8_t row[8] = {1, 2, 3, 4}, above[8] = {};
  EXPECT_FALSE(unfilter_row(5, row, above, 4, 1));
  EXPECT_EQ(row[1], 2);
}

// Rows that are undone together come out as those that are undone one by one; what follows them is not touched.
TEST(PngFilters, AreUndoneForManyRowsAsForOne) {
  uint32_t noise = 1;
  const auto next = [&noise] { return static_cast<uint8_t>((noise = noise * 1664525 + 1013904223) >> 24); };
  for (const size_t step : {1u, 2u, 3u, 4u, 6u, 8u})
    for (const size_t pixels : {1u, 6u, 7u, 8u, 9u, 64u, 301u})
      for (const std::string filters : {"4", "4444", "44444444444", "4443444424444", "0123401234"}) {
        const size_t bytes = step * pixels, stride = bytes + 1, rows = filters.size();
        std::vector<uint8_t> stored(stride * (rows + 1) + kRowSlackBytes, 0);
        for (size_t i = stride; i < stored.size(); ++i) stored[i] = next() % 3 == 0 ? 255 : next();
        for (size_t y = 0; y < rows; ++y) stored[(y + 1) * stride] = static_cast<uint8_t>(filters[y] - '0');
        std::vector<uint8_t> expected = stored;
        for (size_t y = 1; y <= rows; ++y) {
          uint8_t* row = expected.data() + y * stride + 1;
          ASSERT_TRUE(unfilter_row(row[-1], row, row - stride, bytes, step));
        }
        for (size_t y = 0, done = 0; y < rows; y += done) {
          done = unfilter_rows(stored.data() + (y + 1) * stride, rows - y, bytes, step);
          ASSERT_GT(done, 0u);
          ASSERT_LE(done, rows - y);
        }
        ASSERT_EQ(stored, expected) << filters << ", " << step << " bytes a pixel, " << pixels << " pixels";
      }
  std::vector<uint8_t> bad(64, 5);
  EXPECT_EQ(unfilter_rows(bad.data() + 16, 2, 15, 3), 0u);
}

bool decode_plain(const test::Bytes& file, const DecodeRequest& request, Picture& picture) {
  const auto width = std::to_integer<uint32_t>(file[19]), height = std::to_integer<uint32_t>(file[23]);
  picture = Picture{};
  EXPECT_TRUE(begin_picture(picture, request, "PNG", width, height, file.size(), std::to_integer<uint32_t>(file[24])));
  return decode_plain_png(file, picture);
}

TEST(PlainPng, GivesThePixelsThatWereStored) {
  const cv::Mat bgr = test::draw_picture(21, 201, 77);
  const cv::Mat bgra = test::draw_transparent_picture(21, 201, 77);
  Picture picture, by_decode;
  for (int filter = -1; filter <= 4; ++filter) {
    ASSERT_TRUE(decode_plain(test::encode_png(bgr, {.filter = filter}), kBgr, picture)) << filter;
    EXPECT_EQ(cv::norm(test::pixels_of(picture), bgr, cv::NORM_INF), 0) << filter;
    EXPECT_FALSE(picture.has_alpha);
    ASSERT_TRUE(decode_plain(test::encode_png(bgra, {.colour = Colour::kRgba, .filter = filter}), kBgr, picture));
    EXPECT_TRUE(picture.has_alpha);
    ASSERT_TRUE(decode(test::encode_png(bgra, {.colour = Colour::kRgba, .interlaced = true}), kBgr, by_decode));
    EXPECT_EQ(cv::norm(test::pixels_of(picture), test::pixels_of(by_decode), cv::NORM_INF), 0)
        << "libpng decodes interlaced files";
    for (const Colour colour : {Colour::kGray, Colour::kGrayAlpha}) {
      ASSERT_TRUE(decode_plain(test::encode_png(bgra, {.colour = colour, .filter = filter}), kBgr, picture));
      ASSERT_TRUE(decode(test::encode_png(bgra, {.colour = colour, .interlaced = true}), kBgr, by_decode));
      EXPECT_EQ(cv::norm(test::pixels_of(picture), test::pixels_of(by_decode), cv::NORM_INF), 0) << filter;
    }
  }
}

TEST(PlainPng, ReducesAsLibpngsRowsAreReduced) {
  const cv::Mat bgr = test::draw_picture(22, 233, 151);
  Picture plain, by_libpng;
  const DecodeRequest request{.layout = PixelLayout::kGray, .min_short_side_px = 30};
  ASSERT_TRUE(decode_plain(test::encode_png(bgr), request, plain));
  ASSERT_TRUE(decode(test::encode_png(bgr, {.interlaced = true}), request, by_libpng));
  EXPECT_EQ(plain.reduction, 4);
  EXPECT_EQ(cv::norm(test::pixels_of(plain), test::pixels_of(by_libpng), cv::NORM_INF), 0);
}

TEST(PlainPng, SixteenBitsOnlyWhereTheyAreKept) {
  const cv::Mat gray(20, 20, CV_8UC1, cv::Scalar(77));
  const auto file = test::encode_png(gray, {.colour = Colour::kGray, .bits = 16});
  Picture picture;
  EXPECT_FALSE(decode_plain(file, kBgr, picture)) << "libpng scales";
  EXPECT_TRUE(decode_plain(file, {.layout = PixelLayout::kChannel}, picture));
  EXPECT_EQ(cv::Mat(20, 20, CV_16UC1, picture.pixels.data()).at<uint16_t>(5, 5), 77 * 257);
}

TEST(PlainPng, LeavesTheUncommonToLibpng) {
  const cv::Mat bgra = test::draw_transparent_picture(23, 60, 50);
  Picture picture;
  EXPECT_FALSE(decode_plain(test::encode_png(bgra, {.interlaced = true}), kBgr, picture));
  EXPECT_FALSE(decode_plain(test::encode_png(bgra, {.colour = Colour::kPalette}), kBgr, picture));
  EXPECT_FALSE(decode_plain(test::encode_png(bgra, {.colour = Colour::kPaletteAlpha}), kBgr, picture));
  for (const int bits : {1, 2, 4})
    EXPECT_FALSE(decode_plain(test::encode_png(bgra, {.colour = Colour::kGray, .bits = bits}), kBgr, picture));
  EXPECT_TRUE(decode_plain(test::encode_png(bgra, {.orientation = 6, .text = "a note"}), kBgr, picture));
}

TEST(PlainPng, LeavesWhateverIsDamagedToLibpng) {
  const auto good = test::encode_png(test::draw_picture(24, 60, 50));
  Picture picture;
  ASSERT_TRUE(decode_plain(good, kBgr, picture));
  for (size_t at = 26; at < good.size(); at += 7) {
    auto bad = good;
    bad[at] ^= std::byte{4};
    EXPECT_FALSE(decode_plain(bad, kBgr, picture)) << "a changed bit at " << at << " of " << good.size();
  }
  for (size_t length = 30; length < good.size(); length += 11) {
    const test::Bytes cut(good.begin(), good.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_FALSE(decode_plain(cut, kBgr, picture)) << length;
  }
}

}  // namespace
}  // namespace pairloom::workerproc
