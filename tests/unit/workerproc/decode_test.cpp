#include "workerproc/decode/decode.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>
#include <set>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr DecodeRequest kFullBgr{.layout = PixelLayout::kBgr, .min_short_side_px = 0};
constexpr DecodeRequest kFullGray{.layout = PixelLayout::kGray, .min_short_side_px = 0};

double mean_difference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_L1) / static_cast<double>(a.total()) / a.channels();
}

TEST(Decode, ShowsWhatWasStoredInEveryFormat) {
  Picture picture;
  for (const auto& file : test::sample_files(7, 150, 101)) {
    SCOPED_TRACE(file.name);
    const auto decoded = decode(file.bytes, kFullBgr, picture);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(picture.format, file.format);
    EXPECT_EQ(picture.full_width_px, 150u);
    EXPECT_EQ(picture.full_height_px, 101u);
    EXPECT_FALSE(picture.damaged) << picture.warning;
    EXPECT_LE(mean_difference(test::pixels_of(picture), file.shown), file.mean_error);
  }
}

TEST(Decode, GrayIsTheLumaInEveryFormat) {
  Picture picture;
  for (const auto& file : test::sample_files(8, 150, 101)) {
    SCOPED_TRACE(file.name);
    const auto decoded = decode(file.bytes, kFullGray, picture);
    ASSERT_TRUE(decoded) << decoded.error().message;
    cv::Mat gray;
    test::pixels_of(picture).convertTo(gray, CV_64F);
    const double worst = file.mean_error <= 0.6 ? 1.51 : 255;  // rounding, twice where there is alpha
    EXPECT_LE(cv::norm(gray, test::luma_of(file.shown), cv::NORM_INF), worst);
    EXPECT_LE(mean_difference(gray, test::luma_of(file.shown)), file.mean_error + 0.3);
  }
}

// On white it looks as the other layouts do; what has no alpha is opaque.
TEST(Decode, RgbaKeepsTransparencyInEveryFormat) {
  Picture bgr, rgba;
  for (const auto& file : test::sample_files(8, 150, 101)) {
    SCOPED_TRACE(file.name);
    ASSERT_TRUE(decode(file.bytes, kFullBgr, bgr));
    const auto decoded = decode(file.bytes, {.layout = PixelLayout::kRgba}, rgba);  // never reduced
    ASSERT_TRUE(decoded) << decoded.error().message;
    ASSERT_EQ(rgba.width_px, 150u);
    int least_alpha = 255;
    std::vector<uint8_t> line(150 * 3);
    for (size_t y = 0; y < 101; ++y) {
      const uint8_t* row = &rgba.pixels[y * rgba.stride_bytes];
      for (size_t x = 0; x < 150; ++x) least_alpha = std::min<int>(least_alpha, row[4 * x + 3]);
      convert_line(Samples::kRgba, row, PixelLayout::kBgr, line.data(), 150);
      for (size_t i = 0; i < line.size(); ++i) ASSERT_EQ(line[i], bgr.pixels[y * bgr.stride_bytes + i]) << y << " " << i;
    }
    EXPECT_EQ(least_alpha < 255, rgba.has_alpha && file.format != ImageFormat::kGif && file.format != ImageFormat::kPsd);
    EXPECT_EQ(rgba.is_gray, bgr.is_gray);
  }
}

TEST(Decode, TellsGrayFilesAndDeepOnes) {
  const cv::Mat image = test::draw_picture(3, 40, 30);
  cv::Mat gray;
  cv::cvtColor(image, gray, cv::COLOR_BGR2GRAY);
  Picture picture;
  using Colour = test::PngOptions::Colour;
  for (const auto& bytes : {test::encode_png(gray, {.colour = Colour::kGray, .bits = 16}),
                            test::encode_tiff(gray, {.colour = test::TiffOptions::Colour::kGray, .bits = 16}),
                            test::encode_pnm(gray, 5, 65535)}) {
    ASSERT_TRUE(decode(bytes, {.layout = PixelLayout::kRgba}, picture));
    EXPECT_TRUE(picture.is_gray) << name_of(picture.format);
    EXPECT_EQ(picture.stored_bits, 16) << name_of(picture.format);
  }
  ASSERT_TRUE(decode(test::encode_jpeg(gray, {.colour = test::JpegOptions::Colour::kGray}), kFullBgr, picture));
  EXPECT_TRUE(picture.is_gray);
  for (const auto& bytes : {test::encode_jpeg(image), test::encode_png(image), test::encode_webp(image),
                            test::encode_tiff(image), test::encode_pnm(image, 6), test::encode_bmp(image)}) {
    ASSERT_TRUE(decode(bytes, {.layout = PixelLayout::kRgba}, picture));
    EXPECT_FALSE(picture.is_gray) << name_of(picture.format);
    EXPECT_EQ(picture.stored_bits, 8) << name_of(picture.format);
  }
}

// 301 x 267 is reduced by 2, and neither side is a multiple of it.
TEST(Decode, ReducedPicturesAreBlockMeans) {
  Picture full, reduced_picture;
  for (const auto& file : test::sample_files(9, 301, 267)) {
    SCOPED_TRACE(file.name);
    ASSERT_TRUE(decode(file.bytes, kFullGray, full));
    ASSERT_TRUE(decode(file.bytes, DecodeRequest{}, reduced_picture));
    ASSERT_EQ(reduced_picture.reduction, 2);
    ASSERT_EQ(reduced_picture.width_px, 151u);
    ASSERT_EQ(reduced_picture.height_px, 134u);
    cv::Mat expected(134, 151, CV_64F);
    for (int y = 0; y < expected.rows; ++y)
      for (int x = 0; x < expected.cols; ++x) {
        const cv::Rect block = cv::Rect(2 * x, 2 * y, 2, 2) & cv::Rect(0, 0, 301, 267);
        expected.at<double>(y, x) = cv::mean(test::pixels_of(full)(block))[0];
      }
    cv::Mat actual;
    test::pixels_of(reduced_picture).convertTo(actual, CV_64F);
    const bool by_library = file.format == ImageFormat::kJpeg || file.format == ImageFormat::kWebp ||
                            file.format == ImageFormat::kJp2 || file.name == "tiff RGB JPEG";  // scales on its own
    EXPECT_LE(mean_difference(actual, expected), by_library ? 3.0 : 0.5);
    if (!by_library) {
      EXPECT_LE(cv::norm(actual, expected, cv::NORM_INF), 0.501);
    }
  }
}

// The levels of a pyramid are of one gray each: so it shows which was read.
TEST(Decode, TakesTheSmallestLevelOfATiffThatIsEnough) {
  Picture picture;
  const cv::Mat image = test::draw_picture(9, 701, 533);
  for (const bool tiled : {false, true}) {
    const auto file = test::encode_tiff(image, {.tiled = tiled, .levels = 3});
    const auto level_read = [&](uint32_t short_side) {
      const auto decoded = decode(file, {.min_short_side_px = short_side}, picture);
      EXPECT_TRUE(decoded) << decoded.error().message;
      EXPECT_EQ(picture.full_width_px, 701u);
      EXPECT_EQ(picture.width_px, (701u + picture.reduction - 1) / picture.reduction);
      double least = 0, most = 0;
      cv::minMaxLoc(test::pixels_of(picture), &least, &most);
      return least == most ? least / 40 : 0;
    };
    EXPECT_EQ(level_read(0), 0);
    EXPECT_EQ(level_read(200), 1);
    EXPECT_EQ(level_read(128), 2);
    EXPECT_EQ(level_read(60), 3);
    EXPECT_FALSE(picture.animated) << "smaller sizes of the same are no pages";
  }
  ASSERT_TRUE(decode(test::encode_tiff(image, {.pages = 2, .levels = 1}), DecodeRequest{}, picture));
  EXPECT_TRUE(picture.animated);
}

// Strips and tiles go to the JPEG decoder one by one: none may land in another's place.
TEST(Decode, ReducesJpegInTiffPartByPart) {
  Picture picture, full;
  using Colour = test::TiffOptions::Colour;
  for (const auto& [width, height] : {std::pair(1100, 1064), std::pair(600, 555), std::pair(300, 280)})
    for (const bool tiled : {false, true})
      for (const Colour colour : {Colour::kRgb, Colour::kGray}) {
        const cv::Mat image = test::draw_picture(19, width, height);
        const auto file = test::encode_tiff(image, {.colour = colour,
                                                    .compression = test::TiffOptions::Compression::kJpeg,
                                                    .tiled = tiled, .rows_per_strip = 32});
        const auto decoded = decode(file, DecodeRequest{}, picture);
        ASSERT_TRUE(decoded) << decoded.error().message;
        ASSERT_TRUE(decode(file, kFullGray, full));
        ASSERT_GT(picture.reduction, 1);
        cv::Mat expected;
        cv::resize(test::pixels_of(full), expected, test::pixels_of(picture).size(), 0, 0, cv::INTER_AREA);
        EXPECT_LE(mean_difference(test::pixels_of(picture), expected), 3) << width << " " << tiled;
        EXPECT_EQ(picture.is_gray, colour == Colour::kGray);
      }
}

TEST(Decode, TellsAnimationsAndAlpha) {
  Picture picture;
  const std::set<std::string> kAnimated = {"webp animated", "gif animated",           "tiff two pages",
                                           "jxl animated",  "heif beside a sequence", "avif beside a sequence"};
  const std::set<std::string> kAlpha = {
      "png RGBA",         "png RGBA 16 bit",     "png gray alpha", "png palette with transparency",
      "webp lossy alpha", "webp lossless alpha", "tiff RGBA",      "gif transparent",
      "heif lossy alpha", "avif lossy alpha",    "jxl lossy alpha", "jxl lossless alpha",
      "jp2 lossless alpha", "psd RGB with layers", "ico 32 bit alpha", "ico 24 bit mask"};
  for (const auto& file : test::sample_files(10, 40, 30)) {
    ASSERT_TRUE(decode(file.bytes, kFullGray, picture)) << file.name;
    EXPECT_EQ(picture.animated, kAnimated.contains(file.name)) << file.name;
    EXPECT_EQ(picture.has_alpha, kAlpha.contains(file.name)) << file.name;
  }
}

TEST(Decode, FindsTheOrientationWhereAFormatHasOne) {
  const cv::Mat image = test::draw_picture(11, 40, 30);
  Picture picture;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const test::Bytes files[] = {test::encode_jpeg(image, {.orientation = orientation}),
                                 test::encode_jpeg(image, {.orientation = orientation, .big_endian_exif = true}),
                                 test::encode_png(image, {.orientation = orientation}),
                                 test::encode_webp(image, {.orientation = orientation}),
                                 test::encode_tiff(image, {.orientation = orientation}),
                                 test::encode_jxl(image, {.orientation = orientation})};
    for (const auto& file : files) {
      ASSERT_TRUE(decode(file, kFullGray, picture));
      EXPECT_EQ(picture.orientation, orientation) << name_of(picture.format);
      EXPECT_EQ(picture.full_width_px, 40u) << "as stored, not as shown";
    }
  }
}

TEST(Decode, WorksForTinyPictures) {
  Picture picture;
  for (const cv::Size size : {cv::Size(1, 1), cv::Size(1, 9), cv::Size(17, 1), cv::Size(3, 2)})
    for (const auto& file : test::sample_files(12, size.width, size.height)) {
      const auto decoded = decode(file.bytes, DecodeRequest{}, picture);
      ASSERT_TRUE(decoded) << file.name << size << decoded.error().message;
      EXPECT_EQ(picture.width_px, static_cast<uint32_t>(size.width)) << file.name;
    }
}

// Regression guard: a picture's memory is reused, and what a broken file leaves out must not show the file before it.
TEST(Decode, ADamagedJpegDoesNotShowTheFileBeforeIt) {
  const test::Bytes whole = test::encode_jpeg(test::draw_picture(13, 200, 200));
  const auto half = std::span(whole).first(whole.size() / 2);
  Picture after_white, after_black;
  ASSERT_TRUE(decode(test::encode_png(cv::Mat(200, 200, CV_8UC3, cv::Scalar::all(255))), kFullGray, after_white));
  ASSERT_TRUE(decode(test::encode_png(cv::Mat::zeros(200, 200, CV_8UC3)), kFullGray, after_black));
  ASSERT_TRUE(decode(half, kFullGray, after_white));
  ASSERT_TRUE(decode(half, kFullGray, after_black));
  EXPECT_TRUE(after_white.damaged);
  EXPECT_EQ(cv::norm(test::pixels_of(after_white), test::pixels_of(after_black), cv::NORM_INF), 0);
}

TEST(Decode, ForgetsTheFactsOfTheFileBefore) {
  Picture picture;
  const cv::Mat image = test::draw_transparent_picture(14, 50, 40);
  ASSERT_TRUE(decode(test::encode_webp(image, {.orientation = 6, .frames = 2}), kFullGray, picture));
  EXPECT_TRUE(picture.animated);
  ASSERT_TRUE(decode(test::encode_bmp(image), kFullGray, picture));
  EXPECT_FALSE(picture.animated);
  EXPECT_FALSE(picture.has_alpha);
  EXPECT_EQ(picture.orientation, 1);
  EXPECT_EQ(picture.warning, "");
}

TEST(Decode, NamesWhatItDoesNotDecode) {
  const cv::Mat image = test::draw_picture(15, 40, 30);
  Picture picture;
  const auto arithmetic = decode(test::encode_jpeg(image, {.arithmetic = true}), kFullGray, picture);
  ASSERT_FALSE(arithmetic);
  EXPECT_EQ(arithmetic.error().code, Errc::kUnsupported);
  EXPECT_EQ(arithmetic.error().message, "JPEG: arithmetic coding is not supported");

  test::Bytes twelve = test::encode_jpeg(image);  // its frame header claims 12 bits a sample
  for (size_t i = 0; i + 4 < twelve.size(); ++i)
    if (twelve[i] == std::byte{0xFF} && twelve[i + 1] == std::byte{0xC0}) twelve[i + 4] = std::byte{12};
  const auto refused = decode(twelve, kFullGray, picture);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "JPEG: 12 bits a sample is not supported");

  const auto layers_only = decode(test::encode_psd(image, {.composite = false}), kFullGray, picture);
  ASSERT_FALSE(layers_only);
  EXPECT_EQ(layers_only.error().code, Errc::kUnsupported);
  EXPECT_EQ(layers_only.error().message.substr(0, 22), "Photoshop: layers only");
}

TEST(Decoders, AreListedWithTheirVersions) {
  const auto list = decoders();
  ASSERT_EQ(list.size(), size_t{kImageFormatCount} - 1);  // all but unknown
  for (const auto& decoder : list) EXPECT_FALSE(decoder.library.empty()) << name_of(decoder.format);
  EXPECT_EQ(list[0].library.substr(0, 14), "libjpeg-turbo ");
}

// One channel as the file stores it: what image[:, :, N] is to those who read it as an array.
TEST(Decode, OneChannelIsNeitherCompositedNorConverted) {
  const cv::Mat bgra = test::draw_transparent_picture(13, 61, 47);
  Picture picture;
  for (uint8_t channel = 0; channel < 4; ++channel) {
    const int place = channel < 3 ? 2 - channel : 3;  // red first
    cv::Mat expected;
    cv::extractChannel(bgra, expected, place);
    const test::Bytes files[] = {test::encode_png(bgra, {.colour = test::PngOptions::Colour::kRgba}),
                                 test::encode_webp(bgra, {.lossless = true}),
                                 test::encode_tiff(bgra, {.colour = test::TiffOptions::Colour::kRgba})};
    for (const auto& file : files) {
      const DecodeRequest request{.layout = PixelLayout::kChannel, .channel = channel};
      const auto decoded = decode(file, request, picture);
      ASSERT_TRUE(decoded) << decoded.error().message;
      EXPECT_EQ(picture.bits_per_sample, 8);
      EXPECT_EQ(picture.reduction, 1) << "never reduced";
      cv::Mat opaque;  // lossless WebP and libtiff may change colours under full transparency
      cv::extractChannel(bgra, opaque, 3);
      opaque = opaque > 0;
      EXPECT_EQ(cv::norm(test::pixels_of(picture), expected, cv::NORM_INF, channel < 3 ? opaque : cv::Mat()), 0)
          << name_of(picture.format) << " channel " << int{channel};
    }
  }
}

TEST(Decode, OneChannelOfFormatsWithoutAlpha) {
  const cv::Mat bgr = test::draw_picture(14, 61, 47);
  Picture picture;
  for (uint8_t channel = 0; channel < 3; ++channel) {
    cv::Mat expected;
    cv::extractChannel(bgr, expected, 2 - channel);
    const DecodeRequest request{.layout = PixelLayout::kChannel, .channel = channel};
    for (const auto& file : {test::encode_bmp(bgr), test::encode_pnm(bgr, 6), test::encode_png(bgr),
                             test::encode_tiff(bgr, {.planar = true})}) {
      ASSERT_TRUE(decode(file, request, picture));
      EXPECT_EQ(cv::norm(test::pixels_of(picture), expected, cv::NORM_INF), 0) << name_of(picture.format);
    }
    ASSERT_TRUE(decode(test::encode_jpeg(bgr, {.quality = 98, .subsampling = test::JpegOptions::Subsampling::k444}),
                       request, picture));
    EXPECT_LE(mean_difference(test::pixels_of(picture), expected), 3);
  }
}

TEST(Decode, EveryFormatHasAFirstChannel) {
  Picture picture;
  const DecodeRequest request{.layout = PixelLayout::kChannel};
  for (const auto& file : test::sample_files(15, 150, 101)) {
    SCOPED_TRACE(file.name);
    const auto decoded = decode(file.bytes, request, picture);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(picture.width_px, 150u);
    EXPECT_EQ(picture.stride_bytes, 150u * picture.bits_per_sample / 8);
    EXPECT_LT(picture.channel, picture.channels);
  }
}

TEST(Decode, AChannelThatIsNotThereIsRefused) {
  const cv::Mat bgr = test::draw_picture(16, 20, 20);
  Picture picture;
  const auto decoded = decode(test::encode_png(bgr), {.layout = PixelLayout::kChannel, .channel = 3}, picture);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, Errc::kUnsupported);
  EXPECT_EQ(decoded.error().message, "PNG: there is no channel 3: it has 3, counted from 0");
  const auto gray = test::encode_jpeg(bgr, {.colour = test::JpegOptions::Colour::kGray});
  EXPECT_TRUE(decode(gray, {.layout = PixelLayout::kChannel, .channel = 0}, picture));
  EXPECT_FALSE(decode(gray, {.layout = PixelLayout::kChannel, .channel = 1}, picture));
}

// The encoders store a value v of 8 bits as 257 v of 16.
TEST(Decode, SixteenBitsAreKeptForOneChannelAndScaledForOthers) {
  using Png = test::PngOptions::Colour;
  using Tiff = test::TiffOptions::Colour;
  const cv::Mat bgr = test::draw_picture(17, 33, 21);
  cv::Mat gray, blue;
  cv::cvtColor(bgr, gray, cv::COLOR_BGR2GRAY);
  cv::extractChannel(bgr, blue, 0);
  struct Case {
    test::Bytes bytes;
    const cv::Mat& expected;
    uint8_t channel;
  };
  const Case cases[] = {{test::encode_png(gray, {.colour = Png::kGray, .bits = 16}), gray, 0},
                        {test::encode_png(bgr, {.bits = 16}), blue, 2},
                        {test::encode_png(bgr, {.bits = 16, .interlaced = true}), blue, 2},
                        {test::encode_tiff(gray, {.colour = Tiff::kGray, .bits = 16}), gray, 0},
                        {test::encode_tiff(bgr, {.bits = 16, .big_endian = true}), blue, 2},
                        {test::encode_tiff(bgr, {.bits = 16, .planar = true}), blue, 2},
                        {test::encode_pnm(gray, 5, 65535), gray, 0},
                        {test::encode_pnm(gray, 2, 65535), gray, 0},
                        {test::encode_pnm(bgr, 6, 65535), blue, 2}};
  Picture picture;
  for (const Case& c : cases) {
    ASSERT_TRUE(decode(c.bytes, {.layout = PixelLayout::kChannel, .channel = c.channel}, picture));
    ASSERT_EQ(picture.bits_per_sample, 16) << name_of(picture.format);
    ASSERT_EQ(picture.stride_bytes, 66u);
    const cv::Mat words(21, 33, CV_16UC1, picture.pixels.data());
    cv::Mat expected;
    c.expected.convertTo(expected, CV_16U, 257);
    EXPECT_EQ(cv::norm(words, expected, cv::NORM_INF), 0) << name_of(picture.format);
    ASSERT_TRUE(decode(c.bytes, kFullGray, picture));
    EXPECT_EQ(picture.bits_per_sample, 8);
  }
}

TEST(Decode, SamplesOfTwelveBitsAreNotStretched) {
  const std::string text = "P2\n3 1\n4095\n0 1000 4095\n";
  Picture picture;
  ASSERT_TRUE(decode(std::as_bytes(std::span(text)), {.layout = PixelLayout::kChannel}, picture));
  ASSERT_EQ(picture.bits_per_sample, 16);
  const cv::Mat words(1, 3, CV_16UC1, picture.pixels.data());
  EXPECT_EQ(words.at<uint16_t>(1), 1000);
  EXPECT_EQ(words.at<uint16_t>(2), 4095);
}

}  // namespace
}  // namespace pairloom::workerproc
