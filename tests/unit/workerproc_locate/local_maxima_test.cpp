#include "workerproc/locate/local_maxima.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/draw_frame.h"

namespace pairloom::workerproc {
namespace {

TEST(PercentileOf, InterpolatesBetweenTheSortedValuesThatAreNotZero) {
  std::vector<uint32_t> histogram(256);
  EXPECT_LT(percentile_of(histogram, 50), 0);
  histogram[0] = 1000;
  EXPECT_LT(percentile_of(histogram, 50), 0);
  histogram[10] = 1;
  for (const double p : {0.0, 37.0, 100.0}) EXPECT_EQ(percentile_of(histogram, p), 10);
  histogram[20] = 2;
  histogram[50] = 1;  // 10, 20, 20, 50
  EXPECT_DOUBLE_EQ(percentile_of(histogram, 0), 10);
  EXPECT_DOUBLE_EQ(percentile_of(histogram, 10), 13);
  EXPECT_DOUBLE_EQ(percentile_of(histogram, 100 / 3.0), 20);
  EXPECT_DOUBLE_EQ(percentile_of(histogram, 50), 20);
  EXPECT_DOUBLE_EQ(percentile_of(histogram, 90), 41);
  EXPECT_DOUBLE_EQ(percentile_of(histogram, 100), 50);
}

template <class Sample>
std::vector<std::pair<uint32_t, uint32_t>> plain_maxima(const std::vector<Sample>& image, int width, int height,
                                                        double separation, double percentile, int margin) {
  std::vector<Sample> bright;
  std::copy_if(image.begin(), image.end(), std::back_inserter(bright), [](Sample s) { return s != 0; });
  std::sort(bright.begin(), bright.end());
  const double place = static_cast<double>(bright.size() - 1) * percentile / 100;
  const auto below = static_cast<size_t>(place);
  const double low = bright[below], high = bright[std::min(below + 1, bright.size() - 1)];
  const double threshold = low + (high - low) * (place - static_cast<double>(below));
  const int window = std::max(1, static_cast<int>(separation * std::sqrt(2.0)));
  std::vector<std::pair<uint32_t, uint32_t>> found;
  for (int y = margin; y < height - margin; ++y)
    for (int x = margin; x < width - margin; ++x) {
      const auto at = [&](int column, int row) { return image[static_cast<size_t>(row * width + column)]; };
      bool greatest = at(x, y) > threshold;
      for (int dy = -(window - 1) / 2; dy <= window / 2; ++dy)
        for (int dx = -(window - 1) / 2; dx <= window / 2; ++dx)
          if (x + dx >= 0 && y + dy >= 0 && x + dx < width && y + dy < height)
            greatest = greatest && at(x + dx, y + dy) <= at(x, y);
      if (greatest) found.emplace_back(y, x);
    }
  return found;
}

template <class Sample>
void compare_with_plain(int64_t peak, double separation, double percentile, uint32_t margin) {
  const auto image = test::draw_frame<Sample>(
      {.seed = 5, .width = 93, .height = 71, .particles = 40, .radius = 6, .peak = peak, .grain = 3, .ground = 1});
  LocalMaxima<Sample> local_maxima(separation, percentile, margin);
  std::vector<PixelAt> maxima;
  local_maxima.find({image.data(), 93, 71}, maxima);
  std::vector<std::pair<uint32_t, uint32_t>> found;
  for (const PixelAt& at : maxima) found.emplace_back(at.y, at.x);
  EXPECT_EQ(found, plain_maxima(image, 93, 71, separation, percentile, static_cast<int>(margin)))
      << separation << " " << percentile << " " << margin;
  EXPECT_FALSE(found.empty());
}

TEST(LocalMaxima, AreThoseOfTheDefinition) {
  for (const double separation : {0.0, 0.6, 1.0, 1.5, 2.2, 3.0, 4.7, 6.0, 9.3, 14.0, 30.0})
    for (const uint32_t margin : {0u, 1u, 7u}) {
      compare_with_plain<uint8_t>(60, separation, 30, margin);
      compare_with_plain<uint16_t>(9000, separation, 30, margin);
    }
  for (const double percentile : {0.0, 5.5, 64.0, 97.0}) compare_with_plain<uint8_t>(200, 5, percentile, 3);
}

TEST(LocalMaxima, FlatPeaksAreFoundOften) {
  std::vector<uint8_t> image(20 * 20, 1);
  for (const size_t at : {209u, 210u, 229u, 230u}) image[at] = 9;
  LocalMaxima<uint8_t> local_maxima(5, 50, 2);
  std::vector<PixelAt> maxima;
  local_maxima.find({image.data(), 20, 20}, maxima);
  EXPECT_EQ(maxima.size(), 4u);
}

TEST(LocalMaxima, NoneInBlackEvenOrTinyFrames) {
  std::vector<PixelAt> maxima(3);
  const std::vector<uint8_t> black(400, 0), white(400, 255);
  LocalMaxima<uint8_t> local_maxima(5, 64, 3);
  local_maxima.find({black.data(), 20, 20}, maxima);
  EXPECT_TRUE(maxima.empty());
  local_maxima.find({white.data(), 20, 20}, maxima);
  EXPECT_TRUE(maxima.empty()) << "nothing is brighter than the percentile";
  local_maxima.find({white.data(), 6, 20}, maxima);
  EXPECT_TRUE(maxima.empty());
  local_maxima.find({white.data(), 1, 1}, maxima);
  EXPECT_TRUE(maxima.empty());
}

}  // namespace
}  // namespace pairloom::workerproc
