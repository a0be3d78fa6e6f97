#include "workerproc/extract/extract.h"

#include <gtest/gtest.h>

#include <numeric>
#include <opencv2/imgproc.hpp>
#include <string>

#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "tests/unit/workerproc/slow_hashes.h"

namespace pairloom::workerproc {
namespace {

using test::Bytes;

constexpr AlgorithmSet kAll = set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash) | set_of(Algorithm::kDhashTutorial) |
                              set_of(Algorithm::kPhash) | set_of(Algorithm::kPhash256);
constexpr AlgorithmSet kScaled = kAll & ~set_of(Algorithm::kDhashTutorial);

jobs::IndexResult extract(std::span<const std::byte> file, AlgorithmSet algorithms,
                          Accuracy accuracy = Accuracy::kDefault) {
  Extractor extractor({.algorithms = algorithms, .accuracy = accuracy});
  uint64_t stage_ns[8] = {};
  return extractor.extract(file, stage_ns);
}
jobs::IndexResult extract_text(const std::string& text) {
  return extract(std::as_bytes(std::span(text)), kAll);
}

TEST(Extractor, GivesTheCodesInTheOrderOfTheirNumbers) {
  const auto result = extract(test::encode_jpeg(test::draw_picture(80, 300, 200)), kAll);
  ASSERT_EQ(result.outcome, Outcome::kIndexed) << result.message;
  ASSERT_EQ(result.codes.size(), 5u);
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(static_cast<size_t>(result.codes[i].algorithm), i + 1);
  for (const auto& code : result.codes)
    if (info(code.algorithm).bits == 64) {
      EXPECT_EQ(code.code.words[1] | code.code.words[2] | code.code.words[3], 0u);
    }
}

TEST(Extractor, DescribesThePictureAsShown) {
  const auto result =
      extract(test::encode_jpeg(test::draw_picture(81, 300, 260), {.orientation = 6}), set_of(Algorithm::kPdq));
  EXPECT_EQ(result.image.format, ImageFormat::kJpeg);
  EXPECT_EQ(result.image.width_px, 260u);
  EXPECT_EQ(result.image.height_px, 300u);
  EXPECT_EQ(result.image.orientation, 6);
  EXPECT_EQ(result.image.reduction, 2);
  EXPECT_EQ(result.image.quality, 100);
  EXPECT_FALSE(result.image.damaged);
}

TEST(Extractor, HasNoQualityWithoutPdq) {
  EXPECT_EQ(extract(test::encode_jpeg(test::draw_picture(82, 100, 100)), set_of(Algorithm::kDhash)).image.quality, 0);
}

TEST(Extractor, DigestsAllBytesByXxh3) {
  // The published test vector of XXH3-128 for no bytes: 99aa06d3014798d86001c324468d497f.
  const auto empty = extract({}, kAll);
  EXPECT_EQ(empty.digest.hi, 0x99aa06d3014798d8u);
  EXPECT_EQ(empty.digest.lo, 0x6001c324468d497fu);
  Bytes file = test::encode_png(test::draw_picture(83, 20, 20));
  const Digest before = extract(file, kAll).digest;
  file.push_back(std::byte{0});
  EXPECT_NE(extract(file, kAll).digest, before) << "bytes after the picture count";
}

TEST(Extractor, TellsWhatIsNoImageFromWhatIsNotSupported) {
  EXPECT_EQ(extract_text("").outcome, Outcome::kNotImage);
  EXPECT_EQ(extract_text("a text").outcome, Outcome::kNotImage);
  const auto exr = extract_text(std::string("\x76\x2F\x31\x01\2\0\0\0", 8) + std::string(60, ' '));
  EXPECT_EQ(exr.outcome, Outcome::kUnsupported);
  EXPECT_EQ(exr.image.format, ImageFormat::kUnknown);
  EXPECT_EQ(exr.message, "OpenEXR images are not supported");
}

TEST(Extractor, ReportsFailuresWithTheirReason) {
  const Bytes png = test::encode_png(test::draw_picture(84, 60, 50));
  const auto corrupt = extract(std::span(png).first(png.size() / 2), kAll);
  EXPECT_EQ(corrupt.outcome, Outcome::kCorrupt);
  EXPECT_EQ(corrupt.message, "PNG: the file ends too early");
  EXPECT_TRUE(corrupt.codes.empty());
  EXPECT_NE(corrupt.digest, Digest{});

  Extractor small({.limits = {.max_pixels = 2999}});
  uint64_t stage_ns[8] = {};
  const auto large = small.extract(png, stage_ns);
  EXPECT_EQ(large.outcome, Outcome::kTooLarge);
  EXPECT_EQ(large.message, "PNG: 60x50 pixels exceed the limit of 2999");
}

TEST(Extractor, IndexesADamagedJpegWithItsWarning) {
  const Bytes jpeg = test::encode_jpeg(test::draw_picture(85, 200, 160));
  const auto result = extract(std::span(jpeg).first(jpeg.size() - 500), kAll);
  EXPECT_EQ(result.outcome, Outcome::kIndexed);
  EXPECT_TRUE(result.image.damaged);
  EXPECT_EQ(result.message, "JPEG: Premature end of JPEG file");
}

TEST(Extractor, FullAccuracyIsTheReferencePdq) {
  const cv::Mat picture = test::draw_picture(86, 401, 307);
  const auto expected = test::slow_pdq(test::luma_of(picture));
  const auto result = extract(test::encode_png(picture), set_of(Algorithm::kPdq), Accuracy::kFull);
  EXPECT_LE(hamming_distance(result.codes.at(0).code, expected.code), 2);
  EXPECT_NEAR(result.image.quality, expected.quality, 1);
}

TEST(Extractor, EveryFormatOfAPictureHasAboutTheSamePdq) {
  for (const auto& file : test::sample_files(87, 300, 260)) {
    const auto expected = test::slow_pdq(test::luma_of(file.shown));
    for (const auto accuracy : {Accuracy::kFull, Accuracy::kDefault}) {
      const auto result = extract(file.bytes, set_of(Algorithm::kPdq), accuracy);
      ASSERT_EQ(result.outcome, Outcome::kIndexed) << file.name << ": " << result.message;
      const int limit = accuracy == Accuracy::kDefault ? 30 : file.mean_error > 0.6 ? 12 : 2;
      EXPECT_LE(hamming_distance(result.codes.at(0).code, expected.code), limit)
          << file.name << " reduced by " << int{result.image.reduction};
    }
  }
}

TEST(Extractor, TurnedFilesHaveTheCodesOfTheUprightOne) {
  const cv::Mat shown = test::draw_picture(88, 320, 272);  // multiples of the reduction: the blocks are the same ones
  for (const auto accuracy : {Accuracy::kDefault, Accuracy::kFull}) {
    const AlgorithmSet algorithms = accuracy == Accuracy::kFull ? kAll : kScaled;
    const auto expected = extract(test::encode_png(shown), algorithms, accuracy);
    for (int orientation = 1; orientation <= 8; ++orientation) {
      const cv::Mat stored = test::stored_for(shown, orientation);
      for (const Bytes& file : {test::encode_png(stored, {.orientation = orientation}),
                                test::encode_tiff(stored, {.orientation = orientation}),
                                test::encode_webp(stored, {.lossless = true, .orientation = orientation})}) {
        const auto result = extract(file, algorithms, accuracy);
        ASSERT_EQ(result.outcome, Outcome::kIndexed) << result.message;
        EXPECT_EQ(result.image.width_px, 320u);
        EXPECT_EQ(result.image.height_px, 272u);
        const bool same_pixels =
            accuracy == Accuracy::kFull || result.image.format != ImageFormat::kWebp;  // libwebp's scaler rounds
        for (size_t i = 0; i < expected.codes.size(); ++i)
          EXPECT_LE(hamming_distance(result.codes[i].code, expected.codes[i].code), same_pixels ? 0 : 8)
              << name_of(result.image.format) << " orientation " << orientation << " "
              << info(expected.codes[i].algorithm).name;
      }
      const auto jpeg = extract(test::encode_jpeg(stored, {.quality = 98, .orientation = orientation}),
                                set_of(Algorithm::kPdq), accuracy);
      EXPECT_LE(hamming_distance(jpeg.codes.at(0).code, expected.codes[0].code), 10)
          << "JPEG orientation " << orientation;
    }
  }
}

TEST(Extractor, WithTheTutorialsHashTheOthersAreAsExactAsInFull) {
  const Bytes file = test::encode_jpeg(test::draw_picture(89, 600, 520));
  const auto with = extract(file, kAll), full = extract(file, kScaled, Accuracy::kFull);
  EXPECT_EQ(with.image.reduction, 1);
  EXPECT_EQ(with.codes[0].code, full.codes[0].code);
  EXPECT_EQ(with.codes[1].code, full.codes[1].code);
}

TEST(Extractor, DecodesAsFarAsTheMostDemandingAlgorithmNeeds) {
  const Bytes file = test::encode_jpeg(test::draw_picture(90, 600, 520));
  const auto all = extract(file, kScaled);
  EXPECT_EQ(all.image.reduction, 4);  // 130 pixels for the codes of 256 bits
  for (const auto& code : all.codes) {
    const auto alone = extract(file, set_of(code.algorithm));
    const bool is_long = info(code.algorithm).bits == 256;
    EXPECT_EQ(alone.image.reduction, is_long ? 4 : 8) << info(code.algorithm).name;  // 65 pixels for 64 bits
    EXPECT_LE(hamming_distance(alone.codes.at(0).code, code.code), is_long ? 0 : 4) << info(code.algorithm).name;
  }
  EXPECT_EQ(extract(file, set_of(Algorithm::kPdq), Accuracy::kFast).image.reduction, 8);
  EXPECT_EQ(extract(file, set_of(Algorithm::kPdq), Accuracy::kFull).image.reduction, 1);
}

TEST(Extractor, AddsTheTimeOfItsStages) {
  Extractor extractor(jobs::IndexSetup{});
  uint64_t stage_ns[8] = {};
  const Bytes file = test::encode_jpeg(test::draw_picture(91, 300, 200));
  extractor.extract(file, stage_ns);
  EXPECT_GT(stage_ns[2], 0u);  // digest
  EXPECT_GT(stage_ns[3], 0u);  // decode
  EXPECT_GT(stage_ns[4], 0u);  // extract
  EXPECT_EQ(stage_ns[0] + stage_ns[1] + stage_ns[5] + stage_ns[6] + stage_ns[7], 0u);
}

}  // namespace
}  // namespace pairloom::workerproc
