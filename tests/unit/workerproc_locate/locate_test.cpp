// The whole of locating, on frames that are drawn in whole numbers. The golden values are trackpy's own (0.7,
// numpy 2.4, scipy 1.17), on the same frames drawn by the same formulas in Python.
#include "workerproc/locate/locate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/support/draw_frame.h"
#include "tests/unit/workerproc_locate/picture_of.h"

namespace pairloom::workerproc {
namespace {

using jobs::LocateSetup;
using jobs::Particle;

constexpr test::FrameOfParticles kBytes{
    .seed = 7, .width = 203, .height = 151, .particles = 40, .radius = 6, .peak = 120, .grain = 9, .ground = 40};
constexpr test::FrameOfParticles kWords{
    .seed = 8, .width = 203, .height = 151, .particles = 40, .radius = 6, .peak = 24000, .grain = 900, .ground = 3000};

Picture byte_frame() {
  return test::picture_of(test::draw_frame<uint8_t>(kBytes), kBytes.width, kBytes.height);
}
Picture word_frame() {
  return test::picture_of(test::draw_frame<uint16_t>(kWords), kWords.width, kWords.height);
}
std::vector<Particle> locate(const LocateSetup& setup, const Picture& picture) {
  EXPECT_TRUE(check(setup));
  std::vector<Particle> particles;
  Locator(setup).locate(picture, particles);
  return particles;
}

struct Golden {
  const char* name;
  int bits;
  uint32_t diameter;
  std::function<void(LocateSetup&)> change;
  // How many, and the sums over them; of 1 / ep, which is linear in what is measured.
  size_t count;
  double y, x, mass, size, ecc, signal, raw_mass, reciprocal_ep;
};

// clang-format off
const Golden kGolden[] = {
  {"defaults", 8, 9, {}, 106, 8063.31639, 10061.25641, 36383.89619, 242.1623152, 22.79413335, 1591.767146, 426109, 793.1105742},
  {"inverted", 8, 9, [](auto& s) { s.invert = true; }, 76, 5517.579346, 7419.231594, 14588.041, 176.9457467, 22.0324463, 701.6049571, 689500, 65.73327373},
  {"16 bits", 16, 9, {}, 98, 7668.020731, 9767.724323, 6762747.694, 209.7763153, 21.15585268, 288553.7831, 43736318, 2269.054226},
  {"16 bits inverted", 16, 9, [](auto& s) { s.invert = true; }, 48, 3562.697775, 5055.293364, 2173778.696, 113.9321151, 16.49431783, 99237.50476, 137744137, 54.73702183},
  {"diameter 13", 8, 13, {}, 59, 4205.130555, 6004.129868, 52184.34951, 190.1473703, 9.597933745, 1842.876546, 526581, 220.1311904},
  {"separation 6", 8, 9, [](auto& s) { s.separation_px = 6; }, 269, 20153.32205, 27381.96839, 44716.45116, 606.6329053, 67.70112196, 2120.510668, 951224, 960.7526015},
  {"separation 7.5", 8, 9, [](auto& s) { s.separation_px = 7.5; }, 196, 14403.6583, 20123.41193, 42367.68234, 444.5651791, 47.2908679, 1945.101703, 721773, 931.9398977},
  {"separation 0", 8, 9, [](auto& s) { s.separation_px = 0; }, 3532, 266220.52, 365386.771, 1990885.959, 8120.081569, 572.2769129, 86532.48866, 16799056, 47451.71084},
  {"no Gaussian", 8, 9, [](auto& s) { s.noise_size_px = 0; }, 102, 7749.620615, 10224.4735, 47568.43922, 266.0613769, 13.48005864, 2152.792157, 414577, 0},
  {"wide Gaussian", 8, 9, [](auto& s) { s.noise_size_px = 2.2; s.smoothing_size_px = 15; }, 70, 5189.293053, 6685.058815, 39360.29597, 175.1213688, 8.973511178, 1368.059412, 311087, 296.6830438},
  {"threshold 6", 8, 9, [](auto& s) { s.threshold = 6; }, 32, 2386.449966, 3285.528178, 32753.66044, 73.15000893, 1.597271403, 1391.946891, 196609, 794.2384517},
  {"percentile 20", 8, 9, [](auto& s) { s.percentile = 20; }, 106, 8063.31639, 10061.25641, 36383.89619, 242.1623152, 22.79413335, 1591.767146, 426109, 793.1105742},
  {"percentile 97.5", 8, 9, [](auto& s) { s.percentile = 97.5; }, 24, 1868.920228, 2803.798739, 27261.87504, 55.56239496, 1.28654948, 1143.052392, 157257, 670.9122511},
  {"minmass 700", 8, 9, [](auto& s) { s.minmass = 700; }, 29, 2212.599229, 3127.135018, 31285.96305, 67.24377361, 1.456844317, 1307.136531, 182770, 752.085893},
  {"maxsize 2.4", 8, 9, [](auto& s) { s.maxsize_px = 2.4; }, 83, 6502.694234, 8116.802926, 35313.07101, 184.6801246, 16.283434, 1533.884704, 356573, 806.3183537},
  {"no preprocessing", 8, 9, [](auto& s) { s.preprocess = false; }, 43, 3295.346878, 5113.508001, 228531, 116.6066446, 1.151492644, 5861, 228531, 0},
  {"one iteration", 8, 9, [](auto& s) { s.max_iterations = 1; }, 106, 8028.944387, 10184.02001, 36245.73331, 242.6042151, 21.98152995, 1593.277123, 426433, 795.729783},
  {"diameter 3", 8, 3, {}, 608, 45427.58484, 61997.41059, 2536.172048, 372.6593236, 1.092300055e+10, 1134.10694, 197506, -806.3908764},
  {"diameter 31", 8, 31, [](auto& s) { s.separation_px = 20; }, 15, 1054.084179, 1715.668139, 80676.07065, 89.88892959, 5.788984396, 1335.698315, 795988, -360.0710266},
  {"topn 5", 8, 9, [](auto& s) { s.topn = 5; }, 5, 334.457435, 643.2707531, 6635.592781, 11.67175024, 0.2924529885, 275.0674293, 35838, 164.6407115},
};
// clang-format on

void expect_near(double value, double expected, const char* what) {
  EXPECT_NEAR(value, expected, 2e-9 * std::abs(expected) + 1e-12) << what;
}

TEST(Locator, AgreesWithTrackpyForEveryParameter) {
  for (const Golden& golden : kGolden) {
    SCOPED_TRACE(golden.name);
    auto setup = LocateSetup::for_diameter(golden.diameter);
    if (golden.change) golden.change(setup);
    const auto particles = locate(setup, golden.bits == 8 ? byte_frame() : word_frame());
    EXPECT_EQ(particles.size(), golden.count);
    Particle sum;
    for (const Particle& p : particles) {
      sum.y += p.y;
      sum.x += p.x;
      sum.mass += p.mass;
      sum.size += p.size;
      sum.ecc += p.ecc;
      sum.signal += p.signal;
      sum.raw_mass += p.raw_mass;
      if (std::isfinite(1 / p.ep)) sum.ep += 1 / p.ep;
    }
    expect_near(sum.y, golden.y, "y");
    expect_near(sum.x, golden.x, "x");
    expect_near(sum.mass, golden.mass, "mass");
    expect_near(sum.size, golden.size, "size");
    expect_near(sum.ecc, golden.ecc, "ecc");
    expect_near(sum.signal, golden.signal, "signal");
    expect_near(sum.raw_mass, golden.raw_mass, "raw_mass");
    expect_near(sum.ep, golden.reciprocal_ep, "1 / ep");
  }
}

TEST(Locator, FirstParticleEqualsTrackpysInEveryColumn) {
  const Particle p = locate(LocateSetup::for_diameter(9), byte_frame()).at(0);
  expect_near(p.y, 4.174242424242424, "y");
  EXPECT_NEAR(p.x, 120.5984848, 1e-7);
  EXPECT_NEAR(p.mass, 33.21948827, 1e-8);
  EXPECT_NEAR(p.size, 2.370909556, 1e-9);
  EXPECT_NEAR(p.ecc, 0.3318300117, 1e-10);
  EXPECT_NEAR(p.signal, 2.264965109, 1e-9);
  EXPECT_EQ(p.raw_mass, 2875);
  EXPECT_NEAR(p.ep, -0.5639711581, 1e-9);
}

TEST(Locator, TopnGivesTheLightestFirst) {
  auto setup = LocateSetup::for_diameter(9);
  setup.topn = 3;
  const auto particles = locate(setup, byte_frame());
  ASSERT_EQ(particles.size(), 3u);
  EXPECT_NEAR(particles[0].mass, 1276.43367, 1e-5);
  EXPECT_NEAR(particles[1].mass, 1285.745194, 1e-5);
  EXPECT_NEAR(particles[2].mass, 1553.011076, 1e-5);
}

TEST(Locator, FindsACentreBetweenPixels) {
  // One particle, nothing else: a cone whose centre is known.
  for (const double dx : {0.0, 0.25, 0.5})
    for (const double dy : {0.0, 0.4}) {
      std::vector<uint8_t> frame(64 * 64, 10);
      for (int y = 0; y < 64; ++y)
        for (int x = 0; x < 64; ++x) {
          const double r2 = std::pow(x - 30 - dx, 2) + std::pow(y - 33 - dy, 2);
          frame[static_cast<size_t>(64 * y + x)] = static_cast<uint8_t>(10 + 200 * std::exp(-r2 / 8));
        }
      const auto particles = locate(LocateSetup::for_diameter(11), test::picture_of(frame, 64, 64));
      ASSERT_EQ(particles.size(), 1u);
      EXPECT_NEAR(particles[0].x, 30 + dx, 0.03);
      EXPECT_NEAR(particles[0].y, 33 + dy, 0.03);
      EXPECT_LT(particles[0].ecc, 0.1);
    }
}

TEST(Locator, WithoutCharacterizeThePlacesAndMassesAreTheSame) {
  auto setup = LocateSetup::for_diameter(9);
  const auto whole = locate(setup, byte_frame());
  setup.characterize = false;
  const auto bare = locate(setup, byte_frame());
  ASSERT_EQ(bare.size(), whole.size());
  for (size_t i = 0; i < bare.size(); ++i) {
    EXPECT_EQ(bare[i].y, whole[i].y);
    EXPECT_EQ(bare[i].x, whole[i].x);
    EXPECT_EQ(bare[i].mass, whole[i].mass);
    EXPECT_TRUE(std::isnan(bare[i].ep));
  }
  setup.maxsize_px = 2.4;  // which needs the size all the same
  EXPECT_EQ(locate(setup, byte_frame()).size(), 83u);
}

TEST(Locator, NothingInEvenAndTinyFrames) {
  Locator locator(LocateSetup::for_diameter(13));
  std::vector<Particle> particles;
  for (const uint32_t side : {1u, 2u, 12u, 13u, 14u, 40u}) {
    locator.locate(test::picture_of(std::vector<uint8_t>(size_t{side} * side, 77), side, side), particles);
    EXPECT_TRUE(particles.empty()) << side;
    locator.locate(test::picture_of(std::vector<uint16_t>(size_t{side} * side, 777), side, side), particles);
    EXPECT_TRUE(particles.empty()) << side;
  }
}

TEST(Locator, OneFrameLeavesNothingForTheNext) {
  Locator used(LocateSetup::for_diameter(9));
  std::vector<Particle> particles, again;
  used.locate(word_frame(), again);
  used.locate(test::picture_of(std::vector<uint8_t>(300 * 200, 255), 300, 200), again);
  used.locate(byte_frame(), again);
  particles = locate(LocateSetup::for_diameter(9), byte_frame());
  ASSERT_EQ(again.size(), particles.size());
  EXPECT_EQ(again[50].mass, particles[50].mass);
}

}  // namespace
}  // namespace pairloom::workerproc
