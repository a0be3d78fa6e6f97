// What is measured once maxima are known: refinement, neighbours that are too close, background.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/draw_frame.h"
#include "workerproc/locate/background.h"
#include "workerproc/locate/close_pairs.h"
#include "workerproc/locate/disk.h"
#include "workerproc/locate/refine.h"

namespace pairloom::workerproc {
namespace {

TEST(Disk, HoldsThePixelsWithinItsRadius) {
  EXPECT_EQ(Disk(1).pixel_count(), 5u);
  EXPECT_EQ(Disk(2).pixel_count(), 13u);
  EXPECT_EQ(Disk(5).half_width(3), 4) << "3, 4, 5";
  const Disk disk(6);
  uint32_t count = 0;
  uint64_t squares = 0;
  for (int dy = -6; dy <= 6; ++dy)
    for (int dx = -6; dx <= 6; ++dx)
      if (dx * dx + dy * dy <= 36) {
        ++count;
        squares += static_cast<uint64_t>(dy * dy);
      }
  EXPECT_EQ(disk.pixel_count(), count);
  EXPECT_EQ(disk.sum_of_squares(), squares);
}

std::vector<jobs::Particle> refine(const std::vector<uint8_t>& image, uint32_t width, PixelAt start,
                                   uint32_t max_iterations = 10) {
  const Disk disk(3);
  const Frame<uint8_t> frame{image.data(), width, static_cast<uint32_t>(image.size() / width)};
  std::vector<jobs::Particle> particles;
  Refiner(disk, max_iterations, true).refine(frame, frame, std::vector{start}, particles);
  return particles;
}

TEST(Refiner, ACentredSpotStaysAndIsMeasured) {
  std::vector<uint8_t> image(21 * 21, 0);
  for (const size_t at : {9u * 21 + 10, 10u * 21 + 9, 10u * 21 + 11, 11u * 21 + 10}) image[at] = 50;
  image[10 * 21 + 10] = 100;
  const auto particle = refine(image, 21, {10, 10}).at(0);
  EXPECT_EQ(particle.y, 10);
  EXPECT_EQ(particle.x, 10);
  EXPECT_EQ(particle.mass, 300);
  EXPECT_EQ(particle.raw_mass, 300);
  EXPECT_EQ(particle.signal, 100);
  EXPECT_DOUBLE_EQ(particle.size, std::sqrt(200.0 / 300));
  EXPECT_TRUE(std::isnan(particle.ep)) << "needs the background";
}

TEST(Refiner, WalksToASpotThatItsDiskReaches) {
  std::vector<uint8_t> image(31 * 31, 0);
  image[15 * 31 + 20] = 200;
  image[15 * 31 + 21] = 200;
  // From (15, 17) the disk sees the first only, 3 away; it moves a pixel a turn.
  const auto particle = refine(image, 31, {15, 17}).at(0);
  EXPECT_EQ(particle.y, 15);
  EXPECT_EQ(particle.x, 20.5);
  EXPECT_EQ(particle.mass, 400);
  // One turn measures where it stands.
  EXPECT_EQ(refine(image, 31, {15, 17}, 1).at(0).x, 20);
  EXPECT_EQ(refine(image, 31, {15, 17}, 1).at(0).mass, 200);
}

TEST(Refiner, NeverLeavesTheFrame) {
  std::vector<uint8_t> image(11 * 11, 0);
  image[0 * 11 + 3] = image[1 * 11 + 3] = 90;  // at the border, further than the disk can be centred
  const auto particle = refine(image, 11, {3, 3}).at(0);
  EXPECT_EQ(particle.y, 0.5 * (0 + 1)) << "the disk reaches row 0 from row 3";
  const std::vector<uint8_t> black(11 * 11, 0);
  EXPECT_EQ(refine(black, 11, {5, 5}).at(0).y, 5);
}

jobs::Particle particle_at(double y, double x, double mass) {
  jobs::Particle particle;
  particle.y = y;
  particle.x = x;
  particle.mass = mass;
  return particle;
}

TEST(ClosePairs, TheLighterOfTwoGoes) {
  std::vector<jobs::Particle> particles{particle_at(50, 50, 5), particle_at(50, 54, 7), particle_at(50, 59.1, 6)};
  ClosePairs(5).drop_lighter(particles, 100, 100);
  ASSERT_EQ(particles.size(), 2u);
  EXPECT_EQ(particles[0].x, 54);
  EXPECT_EQ(particles[1].x, 59.1) << "more than 5 from the one that stays";
}

TEST(ClosePairs, OneThatGoesStillPushesOutALighterOne) {
  std::vector<jobs::Particle> particles{particle_at(10, 10, 3), particle_at(10, 14, 2), particle_at(10, 18, 1)};
  ClosePairs(5).drop_lighter(particles, 100, 100);
  EXPECT_EQ(particles.size(), 1u);
}

TEST(ClosePairs, OfEqualsTheOneNearerToTheCornerGoes) {
  std::vector<jobs::Particle> particles{particle_at(10, 10, 3), particle_at(10, 12, 3)};
  ClosePairs(5).drop_lighter(particles, 100, 100);
  ASSERT_EQ(particles.size(), 1u);
  EXPECT_EQ(particles[0].x, 12);
}

TEST(ClosePairs, ExactlyTheSeparationIsFarEnough) {
  std::vector<jobs::Particle> particles{particle_at(10, 10, 3), particle_at(10, 15, 2)};
  ClosePairs(5).drop_lighter(particles, 100, 100);
  EXPECT_EQ(particles.size(), 2u);
  ClosePairs(0).drop_lighter(particles, 100, 100);
  EXPECT_EQ(particles.size(), 2u);
}

TEST(ClosePairs, FindsAllPairsOfACrowdedFrame) {
  for (const double separation : {0.7, 3.0, 11.0, 500.0}) {
    std::vector<jobs::Particle> particles;
    for (uint32_t i = 0; i < 600; ++i)
      particles.push_back(particle_at(test::grain_at(i, 1, 9) % 3000 / 10.0, test::grain_at(i, 2, 9) % 2000 / 10.0,
                                      test::grain_at(i, 3, 9) % 50));
    std::vector<bool> goes(particles.size());
    for (size_t i = 0; i < particles.size(); ++i)
      for (size_t j = 0; j < particles.size(); ++j) {
        const auto &a = particles[i], &b = particles[j];
        if (i == j || std::hypot(a.y - b.y, a.x - b.x) > separation * (1 - 1e-7)) continue;
        const double corner_a = a.y / separation + a.x / separation, corner_b = b.y / separation + b.x / separation;
        if (a.mass < b.mass || (a.mass == b.mass && (corner_a < corner_b || (corner_a == corner_b && i < j))))
          goes[i] = true;
      }
    std::vector<jobs::Particle> expected;
    for (size_t i = 0; i < particles.size(); ++i)
      if (!goes[i]) expected.push_back(particles[i]);
    ClosePairs(separation).drop_lighter(particles, 200, 300);
    ASSERT_EQ(particles.size(), expected.size()) << separation;
    for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(particles[i].mass, expected[i].mass);
  }
}

template <class Sample>
void compare_background(uint32_t radius, uint32_t width, uint32_t height, uint32_t bright_of_1000) {
  std::vector<Sample> raw, image;
  for (uint32_t y = 0; y < height; ++y)
    for (uint32_t x = 0; x < width; ++x) {
      raw.push_back(static_cast<Sample>(test::grain_at(x, y, 1)));
      image.push_back(test::grain_at(x, y, 2) % 1000 < bright_of_1000 ? Sample{3} : Sample{0});
    }
  double count = 0, sum = 0, squares = 0;
  const auto r = static_cast<int>(radius), w = static_cast<int>(width), h = static_cast<int>(height);
  for (int y = 0; y < h; ++y)
    for (int x = 0; x < w; ++x) {
      bool covered = false;
      for (int dy = -r; dy <= r; ++dy)
        for (int dx = -r; dx <= r; ++dx)
          covered = covered || (dx * dx + dy * dy <= r * r && x + dx >= 0 && y + dy >= 0 && x + dx < w && y + dy < h &&
                                image[static_cast<size_t>((y + dy) * w + x + dx)] != 0);
      const double value = raw[static_cast<size_t>(y * w + x)];
      if (covered) continue;
      ++count;
      sum += value;
      squares += value * value;
    }
  const Disk disk(radius);
  Background background(disk);
  const auto level =
      background.measure(Frame<Sample>{raw.data(), width, height}, Frame<Sample>{image.data(), width, height});
  ASSERT_GT(count, 1);
  EXPECT_DOUBLE_EQ(level.mean, sum / count);
  EXPECT_NEAR(level.deviation, std::sqrt(squares / count - level.mean * level.mean), 1e-6 * level.deviation);
}

TEST(Background, IsWhatNoDiskReaches) {
  for (const uint32_t radius : {1u, 2u, 3u, 6u, 7u, 15u}) {
    compare_background<uint8_t>(radius, 61, 47, 1);
    compare_background<uint16_t>(radius, 61, 47, 1);
  }
  compare_background<uint8_t>(2, 200, 3, 20);
  compare_background<uint8_t>(60, 150, 150, 0);
}

TEST(Background, UnknownWhereThereIsTooLittle) {
  const Disk disk(1);
  Background background(disk);
  const std::vector<uint8_t> raw(9, 40), bright(9, 1);
  EXPECT_TRUE(
      std::isnan(background.measure(Frame<uint8_t>{raw.data(), 3, 3}, Frame<uint8_t>{bright.data(), 3, 3}).mean));
  std::vector<uint8_t> one_dark(9, 0);  // of a row of nine, the last is not reached
  for (size_t i = 0; i < 8; ++i) one_dark[i] = i == 7 ? 0 : 1;
  const auto level = background.measure(Frame<uint8_t>{raw.data(), 9, 1}, Frame<uint8_t>{one_dark.data(), 9, 1});
  EXPECT_EQ(level.mean, 40);
  EXPECT_TRUE(std::isnan(level.deviation));
}

}  // namespace
}  // namespace pairloom::workerproc
