#include "workerproc/transform/sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/unit/workerproc_transform/pictures.h"

namespace pairloom::workerproc {
namespace {

using jobs::Interpolation;
using test::Pixels;

constexpr std::array<uint8_t, 4> kFill = {9, 8, 7, 6};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<uint8_t> sampled(const PictureView& source, Interpolation how, bool wraps, const std::vector<double>& x,
                             const std::vector<double>& y) {
  std::vector<uint8_t> out(x.size() * source.bytes_per_pixel());
  Sampler(source, how, wraps, kFill).sample(x, y, out.data());
  return out;
}

// Weights of a point's neighbours along one axis, far beyond what the kernels reach.
double weight(Interpolation how, double distance) {
  const double d = std::fabs(distance);
  if (how == Interpolation::kBilinear) return std::max(0.0, 1 - d);
  if (d < 1) return 1.5 * d * d * d - 2.5 * d * d + 1;  // Keys 1981, a = -1/2
  return d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
}

// The definition, in double: a weighted mean of premultiplied pixels, edges repeated or wrapped around.
std::array<double, 4> by_definition(const Pixels& source, Interpolation how, bool wraps, double x, double y) {
  std::array<double, 4> sum{};
  const auto w = static_cast<long>(source.width), h = static_cast<long>(source.height);
  for (long j = -3; j < h + 3; ++j)
    for (long i = -3; i < w + 3; ++i) {
      const double share = weight(how, static_cast<double>(i) - x) * weight(how, static_cast<double>(j) - y);
      const long column = wraps ? (i + w) % w : std::clamp(i, 0L, w - 1), row = std::clamp(j, 0L, h - 1);
      const uint8_t* p = source.at(static_cast<size_t>(column), static_cast<size_t>(row));
      if (source.channels == 1) {
        sum[0] += share * p[0];
        continue;
      }
      const double alpha = source.has_alpha ? p[3] : 255;
      for (size_t c = 0; c < 3; ++c) sum[c] += share * p[c] * alpha / 255;
      sum[3] += share * alpha;
    }
  if (source.channels == 4)
    for (size_t c = 0; c < 3; ++c) sum[c] = sum[3] > 0 ? sum[c] * 255 / sum[3] : 0;
  for (double& value : sum) value = std::clamp(value, 0.0, 255.0);
  return sum;
}

TEST(Sampler, EqualsTheDefinitionForEveryKindOfPixel) {
  for (const auto& source : {test::noise(11, 7, 1, false), test::noise(11, 7, 4, false), test::noise(11, 7, 4, true)})
    for (const auto how : {Interpolation::kBilinear, Interpolation::kBicubic})
      for (const bool wraps : {false, true}) {
        std::vector<double> x, y;
        for (double row = -0.5; row < 6.5; row += 0.37)
          for (double column = -0.5; column < 10.5; column += 0.29) {
            x.push_back(column);
            y.push_back(row);
          }
        const auto out = sampled(source.view(), how, wraps, x, y);
        for (size_t i = 0; i < x.size(); ++i) {
          const auto expected = by_definition(source, how, wraps, x[i], y[i]);
          for (size_t c = 0; c < source.channels; ++c)
            ASSERT_NEAR(out[i * source.channels + c], expected[c], 0.51) << x[i] << " " << y[i] << " channel " << c;
        }
      }
}

TEST(Sampler, PixelCentresGiveThePixelsThemselves) {
  for (const auto how : {Interpolation::kNearest, Interpolation::kBilinear, Interpolation::kBicubic}) {
    const Pixels source = test::noise(5, 4, 4, false);
    std::vector<double> x, y;
    for (size_t i = 0; i < 20; ++i) {
      x.push_back(static_cast<double>(i % 5));
      y.push_back(static_cast<double>(i / 5));
    }
    EXPECT_EQ(sampled(source.view(), how, false, x, y), source.bytes);
  }
}

TEST(Sampler, NearestTakesThePixelThatThePointLiesIn) {
  const Pixels source = test::counted(3, 2, 1);  // 0 1 2 / 3 4 5
  EXPECT_EQ(sampled(source.view(), Interpolation::kNearest, false, {-0.5, 0.49, 0.5, 2.49}, {0, 0.49, 0.5, 1.49}),
            (std::vector<uint8_t>{0, 0, 4, 5}));
}

TEST(Sampler, NowhereIsFilled) {
  const Pixels gray = test::counted(3, 2, 1), colour = test::counted(3, 2, 4);
  const std::vector<double> x = {-0.51, 2.5, 0, 0, kNan, 0, 1e300}, y = {0, 0, -0.51, 1.5, 0, kNan, 0};
  for (const auto how : {Interpolation::kNearest, Interpolation::kBilinear, Interpolation::kBicubic}) {
    EXPECT_EQ(sampled(gray.view(), how, true, x, y), std::vector<uint8_t>(x.size(), kFill[0]));
    std::vector<uint8_t> filled;
    for (size_t i = 0; i < x.size(); ++i) filled.insert(filled.end(), kFill.begin(), kFill.end());
    EXPECT_EQ(sampled(colour.view(), how, false, x, y), filled);
  }
}

// What is transparent has some colour all the same; it must not shine through at the edges.
TEST(Sampler, TransparentPixelsLendNoColour) {
  Pixels source = test::counted(2, 1, 4);
  source.has_alpha = true;
  source.bytes = {255, 0, 0, 0, 0, 0, 200, 255};
  const auto middle = sampled(source.view(), Interpolation::kBilinear, false, {0.5}, {0});
  EXPECT_EQ(middle, (std::vector<uint8_t>{0, 0, 200, 128}));
}

TEST(Sampler, OnePixelIsEnough) {
  const Pixels source = test::counted(1, 1, 4);
  for (const auto how : {Interpolation::kNearest, Interpolation::kBilinear, Interpolation::kBicubic})
    for (const bool wraps : {false, true})
      EXPECT_EQ(sampled(source.view(), how, wraps, {0.4}, {-0.4}), source.bytes);
}

}  // namespace
}  // namespace pairloom::workerproc
