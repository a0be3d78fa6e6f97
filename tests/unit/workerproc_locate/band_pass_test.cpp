// The band-pass against its definition, written plainly.
#include "workerproc/locate/band_pass.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/draw_frame.h"

namespace pairloom::workerproc {
namespace {

TEST(GaussianKernel, IsSymmetricOfSumOneAndReachesFourSigma) {
  for (const double sigma : {0.3, 1.0, 1.7, 5.0}) {
    const auto kernel = gaussian_kernel(sigma);
    EXPECT_EQ(kernel.size(), 2 * static_cast<size_t>(4 * sigma + 0.5) + 1) << sigma;
    EXPECT_NEAR(std::accumulate(kernel.begin(), kernel.end(), 0.0), 1, 1e-15);
    for (size_t i = 0; i < kernel.size(); ++i) EXPECT_EQ(kernel[i], kernel[kernel.size() - 1 - i]);
    const size_t middle = kernel.size() / 2;
    if (middle > 0) {
      EXPECT_NEAR(kernel[middle] / kernel[middle - 1], std::exp(1 / (2 * sigma * sigma)), 1e-12);
    }
  }
  EXPECT_EQ(gaussian_kernel(0), std::vector<double>{1.0});
}

template <class Sample>
class Plain {
 public:
  Plain(const std::vector<Sample>& frame, int width, int height) : frame_(frame), width_(width), height_(height) {}

  double blurred(int x, int y, const std::vector<double>& kernel) const {
    const int reach = static_cast<int>(kernel.size() / 2);
    double sum = 0;
    for (int dy = -reach; dy <= reach; ++dy)
      for (int dx = -reach; dx <= reach; ++dx) {
        const bool inside = x + dx >= 0 && x + dx < width_ && y + dy >= 0 && y + dy < height_;
        if (inside)
          sum += at(x + dx, y + dy) * kernel[static_cast<size_t>(dy + reach)] * kernel[static_cast<size_t>(dx + reach)];
      }
    return sum;
  }
  int mean(int x, int y, int size) const {
    int sum = 0;
    for (int dx = -size / 2; dx <= size / 2; ++dx) sum += column_mean(std::clamp(x + dx, 0, width_ - 1), y, size);
    return sum / size;
  }

 private:
  int at(int x, int y) const { return frame_[static_cast<size_t>(y * width_ + x)]; }
  int column_mean(int x, int y, int size) const {
    int sum = 0;
    for (int dy = -size / 2; dy <= size / 2; ++dy) sum += at(x, std::clamp(y + dy, 0, height_ - 1));
    return sum / size;
  }

  const std::vector<Sample>& frame_;
  int width_, height_;
};

template <class Sample>
void compare_with_definition(int width, int height, double noise_size, uint32_t smoothing_size, double threshold) {
  SCOPED_TRACE(::testing::Message() << width << "x" << height << " noise " << noise_size << " smoothing "
                                    << smoothing_size << " threshold " << threshold);
  constexpr int kMax = std::numeric_limits<Sample>::max();
  const auto frame = test::draw_frame<Sample>({.seed = 3,
                                               .width = static_cast<uint32_t>(width),
                                               .height = static_cast<uint32_t>(height),
                                               .particles = 5,
                                               .radius = 5,
                                               .peak = kMax / 2,
                                               .grain = kMax / 10,
                                               .ground = kMax / 8});
  std::vector<Sample> out(frame.size());
  BandPass<Sample> band_pass(noise_size, smoothing_size, threshold);
  const double factor = band_pass.run(
      Frame<Sample>{frame.data(), static_cast<uint32_t>(width), static_cast<uint32_t>(height)}, out.data());

  const Plain plain(frame, width, height);
  const auto kernel = gaussian_kernel(noise_size);
  double peak = 0;
  std::vector<double> expected;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double value = plain.blurred(x, y, kernel) - plain.mean(x, y, static_cast<int>(smoothing_size));
      expected.push_back(value >= threshold ? value : 0);
      peak = std::max(peak, expected.back());
    }
  ASSERT_NEAR(factor, peak > 0 ? kMax / peak : 1, 1e-9 * factor);
  for (size_t i = 0; i < out.size(); ++i) {
    const double value = expected[i] * factor;  // cut to a whole number; the sums here are made in another order
    ASSERT_TRUE(out[i] == std::floor(value + 1e-6) || out[i] == std::floor(value - 1e-6)) << "pixel " << i;
  }
}

TEST(BandPass, FollowsItsDefinitionForEitherDepth) {
  for (const auto& [width, height] : {std::pair{67, 41}, {64, 3}, {5, 40}, {1, 1}, {8, 8}})
    for (const uint32_t smoothing_size : {5u, 13u, 31u}) {
      compare_with_definition<uint8_t>(width, height, 1, smoothing_size, 1);
      compare_with_definition<uint16_t>(width, height, 1, smoothing_size, 1);
    }
}

TEST(BandPass, FollowsItsDefinitionForAnyKernel) {
  for (const double noise_size : {0.0, 0.2, 0.7, 1.4, 2.0, 3.3}) {
    compare_with_definition<uint8_t>(50, 44, noise_size, 9, 1);
    compare_with_definition<uint16_t>(50, 44, noise_size, 9, 300);
  }
  compare_with_definition<uint8_t>(50, 44, 1, 9, 0);
  compare_with_definition<uint8_t>(50, 44, 0.5, 1, 1);
}

TEST(BandPass, MeansAreCutToWholeNumbersExactly) {
  // A mean that is a whole number must not fall below it by rounding: nothing is left of an even ground, whatever its
  // height and the size of the mean.
  for (uint32_t size = 1; size <= 255; size += 2) {
    for (const uint32_t ground : {1u, 3u, 7u, 127u, 254u, 255u}) {
      const std::vector<uint8_t> bytes(40 * 20, static_cast<uint8_t>(ground));
      std::vector<uint8_t> out(bytes.size(), 9);
      BandPass<uint8_t> band_pass(0, size, 0.5);
      EXPECT_EQ(band_pass.run({bytes.data(), 40, 20}, out.data()), 1.0) << size << " " << ground;
      EXPECT_EQ(std::count(out.begin(), out.end(), 0), 800);
    }
    const std::vector<uint16_t> words(40 * 20, static_cast<uint16_t>(65535 - size));
    std::vector<uint16_t> out(words.size(), 9);
    BandPass<uint16_t> band_pass(0, size, 0.5);
    EXPECT_EQ(band_pass.run({words.data(), 40, 20}, out.data()), 1.0) << size;
  }
}

TEST(BandPass, ASecondFrameOfAnotherSizeFindsNothingOfTheFirst) {
  BandPass<uint8_t> used(1, 9, 1), fresh(1, 9, 1);
  const test::FrameOfParticles big{
      .seed = 1, .width = 90, .height = 70, .particles = 9, .radius = 5, .peak = 90, .grain = 9, .ground = 30};
  test::FrameOfParticles small = big;
  small.width = 31;
  small.height = 47;
  const auto first = test::draw_frame<uint8_t>(big), second = test::draw_frame<uint8_t>(small);
  std::vector<uint8_t> out(first.size()), a(second.size()), b(second.size());
  used.run({first.data(), big.width, big.height}, out.data());
  EXPECT_EQ(used.run({second.data(), small.width, small.height}, a.data()),
            fresh.run({second.data(), small.width, small.height}, b.data()));
  EXPECT_EQ(a, b);
}

}  // namespace
}  // namespace pairloom::workerproc
