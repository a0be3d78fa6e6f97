// The hashes against their slow selves, at full size, reduced, turned and mirrored.
#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>

#include "search/turned_code.h"
#include "tests/support/draw.h"
#include "tests/unit/workerproc/sample_files.h"
#include "tests/unit/workerproc/slow_hashes.h"
#include "workerproc/decode/raster.h"
#include "workerproc/extract/dhash.h"
#include "workerproc/extract/pdq.h"
#include "workerproc/extract/phash.h"
#include "workerproc/extract/turns.h"

namespace pairloom::workerproc {
namespace {

const cv::Size kSizes[] = {{200, 150}, {150, 200}, {64, 64}, {63, 17}, {5, 5}, {9, 300}, {257, 129}, {640, 401}};

cv::Mat draw_gray(uint64_t seed, cv::Size size) {
  cv::Mat gray;
  cv::cvtColor(test::draw_picture(seed, size.width, size.height), gray, cv::COLOR_BGR2GRAY);
  return gray;
}
cv::Mat as_double(const cv::Mat& gray) {
  cv::Mat luma;
  gray.convertTo(luma, CV_64F);
  return luma;
}

// A picture of `full` size decoded at 1/reduction, and how it lies in the file.
Picture reduced_picture(uint64_t seed, cv::Size full, int reduction, int orientation) {
  const auto length = [&](int full_px) {
    return static_cast<int>(reduced(static_cast<uint32_t>(full_px), static_cast<uint32_t>(reduction)));
  };
  Picture picture = test::picture_of(draw_gray(seed, {length(full.width), length(full.height)}));
  picture.full_width_px = static_cast<uint32_t>(full.width);
  picture.full_height_px = static_cast<uint32_t>(full.height);
  picture.reduction = static_cast<uint8_t>(reduction);
  picture.orientation = static_cast<uint8_t>(orientation);
  return picture;
}

// What the eye sees of it: the full-size luma, upright. Turned back by the orientation that undoes `orientation`.
cv::Mat shown_luma(const Picture& picture) {
  static constexpr int kUndoes[9] = {1, 1, 2, 3, 4, 5, 8, 7, 6};
  const cv::Size full(static_cast<int>(picture.full_width_px), static_cast<int>(picture.full_height_px));
  return test::stored_for(test::spread(test::pixels_of(picture), picture.reduction, full),
                          kUndoes[picture.orientation]);
}

TEST(Pdq, EqualsTheReferenceOfColourPictures) {
  PdqHasher hasher;
  for (const cv::Size size : kSizes)
    for (uint64_t seed = 1; seed <= 3; ++seed) {
      const cv::Mat bgr = test::draw_picture(seed, size.width, size.height);
      const auto expected = test::slow_pdq(test::luma_of(bgr));
      const Picture picture = test::picture_of(bgr);
      const PdqHash hash = hasher.hash(view_of(picture));
      EXPECT_LE(hamming_distance(hash.code, expected.code), 2) << size << " seed " << seed;
      EXPECT_NEAR(hash.quality, expected.quality, 1) << size << " seed " << seed;
    }
}

TEST(Pdq, KeepsTheOriginalsGeometryWhenReduced) {
  PdqHasher hasher;
  for (const cv::Size full : {cv::Size(301, 203), cv::Size(1023, 517), cv::Size(130, 777)})
    for (const int reduction : {1, 2, 4, 8})
      for (int orientation = 1; orientation <= 8; ++orientation) {
        const Picture picture = reduced_picture(20, full, reduction, orientation);
        const auto expected = test::slow_pdq(shown_luma(picture));
        const PdqHash hash = hasher.hash(view_of(picture));
        EXPECT_LE(hamming_distance(hash.code, expected.code), 2)
            << full << " by " << reduction << " orientation " << orientation;
        EXPECT_NEAR(hash.quality, expected.quality, 1);
      }
}

TEST(Pdq, TurnedPicturesHaveTheCodeOfTheUprightOne) {
  PdqHasher hasher;
  const cv::Mat shown = test::draw_picture(21, 319, 241);
  const PdqHash expected = hasher.hash(view_of(test::picture_of(shown)));
  for (int orientation = 2; orientation <= 8; ++orientation) {
    Picture picture = test::picture_of(test::stored_for(shown, orientation));
    picture.orientation = static_cast<uint8_t>(orientation);
    EXPECT_EQ(hasher.hash(view_of(picture)).code, expected.code) << orientation;
  }
}

// The picture as it would be shown with an EXIF orientation it does not have.
cv::Mat turned_by(const cv::Mat& shown, int orientation) {
  static constexpr int kUndoes[9] = {1, 1, 2, 3, 4, 5, 8, 7, 6};
  return test::stored_for(shown, kUndoes[orientation]);
}

TEST(Turned, ViewsHaveTheCodesOfTurnedPictures) {
  PdqHasher hasher;
  AreaSummer summer;
  for (const cv::Size size : {cv::Size(320, 240), cv::Size(201, 333)}) {
    const cv::Mat shown = test::draw_picture(24, size.width, size.height);
    for (int stored = 1; stored <= 8; ++stored)
      for (int orientation = 1; orientation <= 8; ++orientation) {
        Picture picture = test::picture_of(test::stored_for(shown, stored));
        picture.orientation = static_cast<uint8_t>(stored);
        const Picture expected = test::picture_of(turned_by(shown, orientation));
        const View view = turned(view_of(picture), static_cast<uint8_t>(orientation));
        EXPECT_EQ(hasher.hash(view).code, hasher.hash(view_of(expected)).code) << size << stored << orientation;
        EXPECT_EQ(phash64(view, summer), phash64(view_of(expected), summer)) << size << stored << orientation;
        EXPECT_EQ(phash256(view, summer), phash256(view_of(expected), summer)) << size << stored << orientation;
      }
  }
}

TEST(Dhash, OfATurnedViewIsThatOfTheTurnedPicture) {
  AreaSummer summer;
  const cv::Mat shown = test::draw_picture(26, 320, 240);
  for (int stored = 1; stored <= 8; ++stored)
    for (int orientation = 1; orientation <= 8; ++orientation) {
      Picture picture = test::picture_of(test::stored_for(shown, stored));
      picture.orientation = static_cast<uint8_t>(stored);
      const Picture expected = test::picture_of(turned_by(shown, orientation));
      EXPECT_EQ(dhash(turned(view_of(picture), static_cast<uint8_t>(orientation)), summer),
                dhash(view_of(expected), summer))
          << stored << " " << orientation;
    }
}

TEST(TurnedCode, OutOfTheCodeAloneIsNearThatOfTheTurnedPicture) {
  PdqHasher hasher;
  AreaSummer summer;
  int worst = 0;
  for (uint64_t seed = 40; seed < 60; ++seed) {
    const Picture picture = test::picture_of(test::draw_picture(seed, 640, 480));
    const View view = view_of(picture);
    const Code pdq = hasher.hash(view).code, long_code = phash256(view, summer), short_code = phash64(view, summer);
    EXPECT_EQ(*search::turned_code(pdq, Algorithm::kPdq, 1), pdq);
    for (uint8_t exif = 2; exif <= 8; ++exif) {
      const View other = turned(view, exif);
      worst = std::max(worst, hamming_distance(*search::turned_code(pdq, Algorithm::kPdq, exif), hasher.hash(other).code));
      EXPECT_LE(hamming_distance(*search::turned_code(long_code, Algorithm::kPhash256, exif), phash256(other, summer)), 24);
      EXPECT_LE(hamming_distance(*search::turned_code(short_code, Algorithm::kPhash, exif), phash64(other, summer)), 16);
    }
  }
  EXPECT_LE(worst, 40) << "far from the 128 bits of another picture";
  EXPECT_FALSE(search::turned_code({}, Algorithm::kDhash, 2));
}

TEST(Pdq, IsNothingBelowFivePixels) {
  PdqHasher hasher;
  for (const cv::Size size : {cv::Size(4, 100), cv::Size(100, 4), cv::Size(1, 1)}) {
    const Picture picture = test::picture_of(draw_gray(22, size));
    EXPECT_EQ(hasher.hash(view_of(picture)).code, Code{});
    EXPECT_EQ(hasher.hash(view_of(picture)).quality, 0);
  }
}

TEST(Pdq, FlatPicturesHaveNoQuality) {
  PdqHasher hasher;
  const Picture picture = test::picture_of(cv::Mat(200, 300, CV_8UC1, cv::Scalar(77)));
  EXPECT_EQ(hasher.hash(view_of(picture)).quality, 0);
}

TEST(Pdq, DrawnPicturesAreFarApart) {
  PdqHasher hasher;
  std::vector<Code> codes;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Picture picture = test::picture_of(test::draw_picture(seed, 160, 120));
    const PdqHash hash = hasher.hash(view_of(picture));
    EXPECT_EQ(hash.quality, 100) << seed;
    for (const Code& other : codes) EXPECT_GT(hamming_distance(hash.code, other), 80) << seed;
    codes.push_back(hash.code);
  }
}

TEST(Pdq, ForgetsBandsBeforeTheyGrowTooMany) {
  PdqHasher hasher;
  const cv::Mat gray = draw_gray(23, {40'000, 8});
  const PdqHash first = hasher.hash(view_of(test::picture_of(gray)));
  for (int width = 39'700; width < 40'000; ++width) hasher.hash(view_of(test::picture_of(gray.colRange(0, width))));
  EXPECT_EQ(hasher.hash(view_of(test::picture_of(gray))).code, first.code);
}

TEST(Dhash, EqualsItsDefinition) {
  AreaSummer summer;
  for (const cv::Size size : kSizes)
    for (uint64_t seed = 30; seed <= 32; ++seed) {
      const cv::Mat gray = draw_gray(seed, size);
      const Picture picture = test::picture_of(gray);
      EXPECT_EQ(dhash(view_of(picture), summer), test::slow_dhash(as_double(gray))) << size;
    }
}

TEST(Dhash, KeepsTheOriginalsGeometryWhenReduced) {
  AreaSummer summer;
  for (const cv::Size full : {cv::Size(301, 203), cv::Size(17, 90)})
    for (const int reduction : {1, 2, 4, 8})
      for (int orientation = 1; orientation <= 8; ++orientation) {
        const Picture picture = reduced_picture(33, full, reduction, orientation);
        EXPECT_EQ(dhash(view_of(picture), summer), test::slow_dhash(shown_luma(picture)))
            << full << reduction << " " << orientation;
      }
}

TEST(Dhash, TiesGiveZero) {
  AreaSummer summer;
  EXPECT_EQ(dhash(view_of(test::picture_of(cv::Mat(101, 97, CV_8UC1, cv::Scalar(200)))), summer), Code{});
}

TEST(Dhash, RisesFromLeftToRight) {
  cv::Mat ramp(50, 90, CV_8UC1);
  for (int x = 0; x < 90; ++x) ramp.col(x).setTo(2 * x);
  AreaSummer summer;
  EXPECT_EQ(to_hex(dhash(view_of(test::picture_of(ramp)), summer), 64), "ffffffffffffffff");
  ramp(cv::Rect(0, 6, 90, 44)).setTo(0);  // only the first row of cells still rises; it ends at 6.25
  EXPECT_EQ(to_hex(dhash(view_of(test::picture_of(ramp)), summer), 64), "00000000000000ff") << "bit 0 is the top left";
}

TEST(AreaSummer, IsExactForTheLargestSums) {
  AreaSummer summer;
  const Picture picture = test::picture_of(cv::Mat(1, 1'000'000, CV_8UC1, cv::Scalar(255)));
  for (const uint64_t sum : summer.sum(view_of(picture), 8, 9)) EXPECT_EQ(sum, 255'000'000u);
}

TEST(TutorialDhash, IsTheOpenCvPipeline) {
  // Colours so near each other that cells are often equal or one apart: every rounding shows.
  cv::RNG random(40);
  const cv::Size more[] = {{1, 1}, {2, 1}, {1, 3}, {9, 8}, {18, 16}, {36, 16}, {10, 9}, {17, 15}, {8, 7}, {400, 3}, {3, 400}, {1021, 719}};
  std::vector<cv::Mat> pictures;
  for (const cv::Size size : kSizes) pictures.push_back(test::draw_picture(40, size.width, size.height));
  for (const auto& sizes : {std::span<const cv::Size>(kSizes), std::span<const cv::Size>(more)})
    for (const cv::Size size : sizes)
      for (const int colours : {2, 4, 8, 256}) {
        pictures.emplace_back(size, CV_8UC3);
        random.fill(pictures.back(), cv::RNG::UNIFORM, 128 - colours / 2, 128 + colours / 2);
      }
  for (const cv::Mat& shown : pictures)
    for (int orientation = 1; orientation <= 8; ++orientation) {
      cv::Mat gray, cells;
      cv::cvtColor(shown, gray, cv::COLOR_BGR2GRAY);
      cv::resize(gray, cells, cv::Size(9, 8));
      uint64_t expected = 0;
      for (int i = 0; i < 64; ++i)
        if (cells.at<uchar>(i / 8, i % 8 + 1) > cells.at<uchar>(i / 8, i % 8)) expected |= uint64_t{1} << i;
      Picture picture = test::picture_of(test::stored_for(shown, orientation));
      picture.orientation = static_cast<uint8_t>(orientation);
      EXPECT_EQ(tutorial_dhash(view_of(picture)).words[0], expected) << shown.size() << orientation;
    }
}

TEST(Phash, EqualsItsDefinition) {
  AreaSummer summer;
  for (const cv::Size size : {cv::Size(75, 50), cv::Size(33, 31), cv::Size(6, 40)}) {
    const cv::Mat gray = draw_gray(50, size);
    const Picture picture = test::picture_of(gray);
    EXPECT_EQ(phash64(view_of(picture), summer), test::slow_phash(as_double(gray), 32, 8)) << size;
    EXPECT_EQ(phash256(view_of(picture), summer), test::slow_phash(as_double(gray), 64, 16)) << size;
  }
}

TEST(Phash, KeepsTheOriginalsGeometryWhenReducedAndTurned) {
  AreaSummer summer;
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const Picture picture = reduced_picture(51, {77, 51}, 4, orientation);
    EXPECT_EQ(phash64(view_of(picture), summer), test::slow_phash(shown_luma(picture), 32, 8)) << orientation;
  }
}

TEST(Phash, FlatPicturesGiveZero) {
  AreaSummer summer;
  const Picture picture = test::picture_of(cv::Mat(101, 97, CV_8UC1, cv::Scalar(200)));
  EXPECT_EQ(phash64(view_of(picture), summer), Code{});
  EXPECT_EQ(phash256(view_of(picture), summer), Code{});
}

}  // namespace
}  // namespace pairloom::workerproc
