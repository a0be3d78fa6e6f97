// The reduced JPEG decoder on intact files: which it handles, and that its pixels are libjpeg-turbo's.
#include "workerproc/decode/jpeg_scan.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/jpeg_agreement.h"
#include "tests/fuzz/jpeg_variants.h"

namespace pairloom::workerproc {
namespace {

namespace fs = std::filesystem;
using test::JpegVariant;
using Bytes = std::vector<std::byte>;
using Colour = JpegVariant::Colour;
using Scans = JpegVariant::Scans;

constexpr int kReductions[] = {8, 4, 2, 1};

bool should_handle(const JpegVariant& variant, int reduction) {
  if (variant.arithmetic || variant.scans == Scans::kProgressiveBroken) return false;
  const bool sequential = variant.scans == Scans::kOne || variant.scans == Scans::kPerComponent;
  if (!sequential && reduction != 8) return false;
  if (variant.colour == Colour::kGray) return true;
  const auto& factors = variant.sampling;
  for (size_t c = 1; c < 3; ++c)
    if (factors[c][0] > factors[0][0] || factors[c][1] > factors[0][1]) return false;
  return variant.colour == Colour::kYcc;
}

class ReducedJpegTest : public ::testing::Test {
 protected:
  // Equal to libjpeg-turbo, and handled or declined as it should be.
  void expect_right(const JpegVariant& variant) {
    const Bytes jpeg = make_jpeg(variant);
    for (const int reduction : kReductions) {
      EXPECT_EQ(agreement_.check(jpeg, reduction), "") << describe(variant);
      EXPECT_EQ(decoder_.decode(jpeg, reduction, raster_) == ReducedJpeg::kDone, should_handle(variant, reduction))
          << "at 1/" << reduction << ": " << describe(variant);
    }
  }

  ReducedJpegDecoder decoder_;
  GrayRaster raster_;
  test::JpegAgreement agreement_;
};

TEST_F(ReducedJpegTest, EqualsLibjpegOnJpegsOfEveryKind) {
  for (uint64_t i = 0; i < 2500; ++i) expect_right(test::pick_variant(i, 200));
  EXPECT_GT(agreement_.counts().done, 5000u);
}

TEST_F(ReducedJpegTest, EqualsLibjpegAtEveryQuality) {
  for (int quality = 1; quality <= 100; ++quality)
    for (const Colour colour : {Colour::kGray, Colour::kYcc})
      for (const bool wide : {false, true}) {
        JpegVariant variant;
        variant.seed = static_cast<uint64_t>(quality) * 7;
        variant.quality = quality;
        variant.colour = colour;
        variant.wide_quant = wide;
        expect_right(variant);
      }
}

TEST_F(ReducedJpegTest, EqualsLibjpegAtEverySize) {
  JpegVariant variant;
  for (variant.width = 1; variant.width <= 34; ++variant.width)
    for (variant.height = 1; variant.height <= 34; variant.height += 1 + variant.width % 3) {
      variant.seed = static_cast<uint64_t>(variant.width * 100 + variant.height);
      variant.colour = variant.seed % 5 == 0 ? Colour::kGray : Colour::kYcc;
      variant.scans = variant.seed % 7 == 0   ? Scans::kPerComponent
                      : variant.seed % 7 == 1 ? Scans::kProgressive
                                              : Scans::kOne;
      variant.sampling[0] = {1 + variant.width % 2, 1 + variant.height % 2};
      expect_right(variant);
    }
}

TEST_F(ReducedJpegTest, EqualsLibjpegWithRestartIntervals) {
  JpegVariant variant;
  variant.width = 150;
  variant.height = 90;
  for (variant.restart_mcus = 1; variant.restart_mcus <= 70; ++variant.restart_mcus)
    for (const Scans scans : {Scans::kOne, Scans::kPerComponent, Scans::kProgressiveApart}) {
      variant.scans = scans;
      expect_right(variant);
    }
}

TEST_F(ReducedJpegTest, KeepsNothingFromOneFileToTheNextButTables) {
  std::vector<Bytes> jpegs;
  for (uint64_t i = 0; i < 60; ++i) {
    JpegVariant variant = test::pick_variant(i, 120);
    variant.optimized = i % 2 == 0;  // more tables than the decoder keeps
    variant.arithmetic = false;
    jpegs.push_back(make_jpeg(variant));
  }
  test::Random random(1);
  for (int i = 0; i < 600; ++i) {
    Bytes jpeg = jpegs[random.below(60)];
    if (random.one_in(3)) jpeg.resize(jpeg.size() / 2);  // leaves things half done
    const int reduction = kReductions[random.below(4)];
    ReducedJpegDecoder fresh;
    GrayRaster expected;
    const ReducedJpeg answer = fresh.decode(jpeg, reduction, expected);
    ASSERT_EQ(decoder_.decode(jpeg, reduction, raster_), answer);
    if (answer == ReducedJpeg::kDeclined) continue;
    ASSERT_EQ(raster_.width, expected.width);
    ASSERT_EQ(raster_.height, expected.height);
    for (size_t y = 0; y < raster_.height; ++y)
      for (size_t x = 0; x < raster_.width; ++x)
        ASSERT_EQ(raster_.pixels[y * raster_.stride + x], expected.pixels[y * expected.stride + x]);
  }
}

TEST_F(ReducedJpegTest, SaysTheSizeRoundedUp) {
  JpegVariant variant;
  variant.width = 101;
  variant.height = 51;
  const Bytes jpeg = make_jpeg(variant);
  for (const auto& [reduction, width, height] :
       {std::array{8u, 13u, 7u}, std::array{4u, 26u, 13u}, std::array{2u, 51u, 26u}, std::array{1u, 101u, 51u}}) {
    ASSERT_EQ(decoder_.decode(jpeg, static_cast<int>(reduction), raster_), ReducedJpeg::kDone);
    EXPECT_EQ(raster_.width, width);
    EXPECT_EQ(raster_.height, height);
    EXPECT_GE(raster_.stride, width);
    EXPECT_GE(raster_.pixels.size(), static_cast<size_t>(raster_.stride) * height);
  }
}

TEST_F(ReducedJpegTest, DeclinesOtherReductions) {
  const Bytes jpeg = make_jpeg(JpegVariant{});
  for (const int reduction : {-8, 0, 3, 5, 6, 7, 9, 16})
    EXPECT_EQ(decoder_.decode(jpeg, reduction, raster_), ReducedJpeg::kDeclined);
}

TEST_F(ReducedJpegTest, DeclinesPicturesLargerThanAllowed) {
  JpegVariant variant;
  variant.width = 100;
  variant.height = 80;
  const Bytes jpeg = make_jpeg(variant);
  EXPECT_EQ(ReducedJpegDecoder(8000).decode(jpeg, 8, raster_), ReducedJpeg::kDone);
  EXPECT_EQ(ReducedJpegDecoder(7999).decode(jpeg, 8, raster_), ReducedJpeg::kDeclined);
}

TEST_F(ReducedJpegTest, DeclinesColoursThatAreNotLumaAndChroma) {
  for (const Colour colour : {Colour::kRgb, Colour::kCmyk, Colour::kYcck}) {
    JpegVariant variant;
    variant.colour = colour;
    expect_right(variant);
  }
  // The colour space follows from markers; without any, from component names.
  for (const bool jfif : {false, true})
    for (const bool adobe : {false, true})
      for (const int transform : {0, 1, 2}) {
        JpegVariant variant;
        variant.jfif = jfif;
        variant.adobe = adobe;
        Bytes jpeg = make_jpeg(variant);
        for (size_t i = 0; adobe && i + 20 < jpeg.size(); ++i)
          if (jpeg[i] == std::byte{0xFF} && jpeg[i + 1] == std::byte{0xEE})
            jpeg[i + 15] = static_cast<std::byte>(transform);
        EXPECT_EQ(agreement_.check(jpeg), "");
        EXPECT_EQ(decoder_.decode(jpeg, 8, raster_) == ReducedJpeg::kDone, jfif || !adobe || transform == 1);
      }
}

// Files from outside, if there are any: PAIRLOOM_TEST_DATA is a folder with the folder `name`.
void expect_equal_in_folder(const char* name, test::JpegAgreement& agreement) {
  const char* root = std::getenv("PAIRLOOM_TEST_DATA");
  if (root == nullptr || !fs::is_directory(fs::path(root) / name))
    GTEST_SKIP() << "PAIRLOOM_TEST_DATA with a folder " << name << " is not set";
  uint64_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / name)) {
    if (entry.path().extension() != ".jpg" && entry.path().extension() != ".jpeg") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
    EXPECT_EQ(agreement.check(std::as_bytes(std::span(bytes))), "") << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0u);
}

TEST_F(ReducedJpegTest, EqualsLibjpegOnCaltech101) {
  expect_equal_in_folder("caltech101", agreement_);
  EXPECT_EQ(agreement_.counts().declined_clean, 0u);
}
TEST_F(ReducedJpegTest, EqualsLibjpegOnPdqTestImages) {
  expect_equal_in_folder("pdq", agreement_);
}

}  // namespace
}  // namespace pairloom::workerproc
