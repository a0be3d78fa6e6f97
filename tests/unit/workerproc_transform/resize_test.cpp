#include "workerproc/transform/resize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/unit/workerproc_transform/pictures.h"

namespace pairloom::workerproc {
namespace {

using jobs::Interpolation;
using test::Pixels;

constexpr Interpolation kAll[] = {Interpolation::kAuto, Interpolation::kNearest, Interpolation::kBilinear,
                                  Interpolation::kBicubic, Interpolation::kArea};

std::vector<uint8_t> resized(const Pixels& source, size_t width, size_t height, Interpolation how) {
  std::vector<uint8_t> out(width * height * source.channels);
  ResizeRows rows(source.view(), width, height, how);
  for (size_t y = 0; y < height; ++y) rows.row(y, &out[y * width * source.channels]);
  return out;
}

TEST(AxisWeights, AddUpToOneAndStayInside) {
  for (const auto how : kAll)
    for (const auto& [source, output] : {std::pair<size_t, size_t>{1, 1}, {1, 5}, {5, 1}, {7, 3}, {3, 7}, {1000, 333}})
      for (size_t i = 0; i < output; ++i) {
        const AxisWeights weights(source, output, how);
        const auto taps = weights.at(i);
        double sum = 0;
        for (const float w : taps.weights) sum += static_cast<double>(w);
        ASSERT_NEAR(sum, 1, 1e-5);
        ASSERT_LE(taps.first + taps.weights.size(), source);
      }
}

TEST(ResizeRows, TheSameSizeIsTheSamePicture) {
  for (const auto& source : {test::noise(9, 5, 1, false), test::noise(9, 5, 4, false)})
    for (const auto how : kAll) EXPECT_EQ(resized(source, 9, 5, how), source.bytes);
}

TEST(ResizeRows, SmallerIsTheMeanOfWhatAPixelCovers) {
  Pixels source = test::counted(4, 2, 1);
  source.bytes = {10, 20, 100, 101, 30, 41, 102, 103};
  EXPECT_EQ(resized(source, 2, 1, Interpolation::kAuto), (std::vector<uint8_t>{25, 102}));  // 25.25, 101.5
  source = test::counted(3, 1, 1);
  source.bytes = {0, 90, 240};
  // 1.5 pixels each: (0 + 90 / 2) / 1.5 and (90 / 2 + 240) / 1.5.
  EXPECT_EQ(resized(source, 2, 1, Interpolation::kArea), (std::vector<uint8_t>{30, 190}));
}

TEST(ResizeRows, LargerGoesSmoothlyThroughARamp) {
  Pixels ramp{64, 1, 1, false, {}};
  for (size_t x = 0; x < 64; ++x) ramp.bytes.push_back(static_cast<uint8_t>(3 * x));
  for (const auto how : {Interpolation::kAuto, Interpolation::kBilinear, Interpolation::kBicubic}) {
    const auto large = resized(ramp, 256, 1, how);
    for (size_t x = 8; x < 248; ++x) ASSERT_NEAR(large[x], 3 * ((static_cast<double>(x) + 0.5) / 4 - 0.5), 0.51) << x;
  }
}

TEST(ResizeRows, AnEvenPictureStaysEven) {
  for (const size_t channels : {size_t{1}, size_t{4}})
    for (const bool alpha : {false, true}) {
      if (alpha && channels == 1) continue;
      Pixels flat{13, 11, channels, alpha, std::vector<uint8_t>(13 * 11 * channels, uint8_t{255})};
      for (const auto how : kAll)
        for (const auto& [w, h] : {std::pair<size_t, size_t>{40, 3}, {5, 31}, {1, 1}}) {
          const auto out = resized(flat, w, h, how);
          EXPECT_EQ(out, std::vector<uint8_t>(w * h * channels, uint8_t{255}));
        }
    }
}

TEST(ResizeRows, TransparentPixelsLendNoColour) {
  Pixels source{2, 1, 4, true, {255, 0, 0, 0, 0, 0, 200, 255}};
  EXPECT_EQ(resized(source, 1, 1, Interpolation::kArea), (std::vector<uint8_t>{0, 0, 200, 128}));
}

TEST(ResizeRows, NearestRepeatsPixels) {
  EXPECT_EQ(resized(test::counted(2, 1, 1), 4, 1, Interpolation::kNearest), (std::vector<uint8_t>{0, 0, 1, 1}));
}

}  // namespace
}  // namespace pairloom::workerproc
