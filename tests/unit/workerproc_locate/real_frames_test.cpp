// Against trackpy's result on real frames (docs/testing.md). They are not part of the project; without them these tests
// are skipped.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "workerproc/locate/locate.h"

namespace pairloom::workerproc {
namespace {

using jobs::Particle;

std::map<int, std::vector<Particle>> read_expected(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::map<int, std::vector<Particle>> frames;
  std::string line, field;
  std::getline(file, line);
  EXPECT_EQ(line, "y,x,mass,size,ecc,signal,raw_mass,ep,frame");
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::vector<double> values;
    while (std::getline(fields, field, ',')) values.push_back(std::stod(field));
    frames[static_cast<int>(values.at(8))].push_back(
        {values[0], values[1], values[2], values[3], values[4], values[5], values[6], values[7]});
  }
  return frames;
}

TEST(RealFrames, BulkWaterEqualsTrackpyParticleForParticle) {
  const char* folder = getenv("PAIRLOOM_TEST_DATA");
  if (folder == nullptr) GTEST_SKIP() << "PAIRLOOM_TEST_DATA is not set: no real frames to compare with";
  const auto frames = read_expected(std::string(folder) + "/expected/bulk_water_locate.csv");
  ASSERT_EQ(frames.size(), 32u);
  auto setup = jobs::LocateSetup::for_diameter(13);
  setup.invert = true;
  Locator locator(setup);
  Picture picture;
  std::vector<Particle> particles;
  size_t total = 0;
  for (const auto& [number, expected] : frames) {
    std::ifstream file(fmt::format("{}/bulk_water/bulk_water_{:03}.png", folder, number), std::ios::binary);
    const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
    ASSERT_TRUE(decode(std::as_bytes(std::span(bytes)), {.layout = PixelLayout::kChannel}, picture));
    locator.locate(picture, particles);
    ASSERT_EQ(particles.size(), expected.size()) << "frame " << number;
    for (size_t i = 0; i < particles.size(); ++i) {
      const Particle &p = particles[i], &e = expected[i];
      ASSERT_NEAR(p.y, e.y, 1e-5);
      ASSERT_NEAR(p.x, e.x, 1e-5);
      ASSERT_NEAR(p.mass, e.mass, 1e-5 * e.mass);
      ASSERT_NEAR(p.size, e.size, 1e-5);
      ASSERT_NEAR(p.ecc, e.ecc, 1e-5);
      ASSERT_NEAR(p.signal, e.signal, 1e-5 * e.signal);
      ASSERT_EQ(p.raw_mass, e.raw_mass);
      // ep has a pole where a particle is as bright as the background: its reciprocal is linear in what is measured.
      // Later versions of trackpy and its libraries differ in the noise level by some 3e-4.
      ASSERT_NEAR(1 / p.ep, 1 / e.ep, 1e-3 * (1 + std::abs(1 / e.ep)));
    }
    total += particles.size();
  }
  EXPECT_EQ(total, 14004u);
}

}  // namespace
}  // namespace pairloom::workerproc
