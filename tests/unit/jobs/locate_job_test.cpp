#include "jobs/locate_job.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>

namespace pairloom::jobs {
namespace {

TEST(LocateSetup, DefaultsFollowFromTheDiameter) {
  const auto setup = LocateSetup::for_diameter(13);
  EXPECT_TRUE(check(setup));
  EXPECT_EQ(setup.separation_px, 14);
  EXPECT_EQ(setup.smoothing_size_px, 13u);
}

TEST(LocateSetup, SurvivesTheWire) {
  auto setup = LocateSetup::for_diameter(9);
  setup.separation_px = 7.5;
  setup.noise_size_px = 2.25;
  setup.smoothing_size_px = 21;
  setup.threshold = 0.5;
  setup.percentile = 90.5;
  setup.minmass = 123.5;
  setup.maxsize_px = 4.5;
  setup.topn = 7;
  setup.max_iterations = 3;
  setup.channel = 2;
  setup.invert = true;
  setup.preprocess = false;
  setup.characterize = false;
  setup.digest = true;
  setup.max_file_bytes = 1001;
  setup.max_pixels = 1002;
  const auto decoded = decode_locate_setup(encode(setup));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(encode(*decoded), encode(setup));
  EXPECT_EQ(decoded->separation_px, 7.5);
  EXPECT_EQ(decoded->topn, 7u);
  EXPECT_TRUE(decoded->invert);
  EXPECT_FALSE(decoded->preprocess);
  EXPECT_FALSE(decoded->characterize);
  EXPECT_TRUE(decoded->digest);
  EXPECT_EQ(decoded->max_pixels, 1002u);
}

TEST(LocateSetup, WhatCannotBeIsNamed) {
  const auto message = [](const std::function<void(LocateSetup&)>& change) {
    auto setup = LocateSetup::for_diameter(13);
    change(setup);
    const auto checked = check(setup);
    EXPECT_FALSE(decode_locate_setup(encode(setup)) && !checked) << "the worker checks as well";
    return checked ? std::string() : checked.error().message;
  };
  constexpr double kInfinite = HUGE_VAL, kNone = NAN;
  EXPECT_NE(message([](auto& s) { s.diameter_px = 12; }).find("--diameter 12 is not an odd number"), std::string::npos);
  for (const uint32_t diameter : {0u, 1u, 257u}) EXPECT_NE(message([=](auto& s) { s.diameter_px = diameter; }), "");
  for (const double separation : {-1.0, kInfinite, kNone})
    EXPECT_NE(message([=](auto& s) { s.separation_px = separation; }), "");
  for (const uint32_t smoothing : {0u, 12u, 4097u})
    EXPECT_NE(message([=](auto& s) { s.smoothing_size_px = smoothing; }), "");
  for (const double noise : {-1.0, 13.0, kNone}) EXPECT_NE(message([=](auto& s) { s.noise_size_px = noise; }), "");
  for (const double threshold : {-1.0, kInfinite, kNone})
    EXPECT_NE(message([=](auto& s) { s.threshold = threshold; }), "");
  for (const double percentile : {-1.0, 100.5, kNone})
    EXPECT_NE(message([=](auto& s) { s.percentile = percentile; }), "");
  for (const double mass : {-1.0, kInfinite, kNone}) EXPECT_NE(message([=](auto& s) { s.minmass = mass; }), "");
  for (const double size : {-1.0, 0.0, kNone}) EXPECT_NE(message([=](auto& s) { s.maxsize_px = size; }), "");
  EXPECT_NE(message([](auto& s) { s.max_iterations = 0; }), "");
  EXPECT_NE(message([](auto& s) { s.channel = 4; }), "");
  EXPECT_EQ(message([](auto& s) { s.separation_px = 0; }), "");
}

LocateResult two_particles() {
  LocateResult result{100, 80, 16, {}};
  result.particles.push_back({10.5, 20.25, 300, 2.5, 0.1, 40, 9000, 0.05});
  result.particles.push_back({79.4, 99.4, 1, NAN, NAN, NAN, NAN, NAN});
  return result;
}

TEST(LocateResult, SurvivesTheWire) {
  auto result = two_particles();
  result.digest = {.lo = 7, .hi = 9};
  const auto decoded = decode_locate_result(encode(result));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->width_px, 100u);
  EXPECT_EQ(decoded->height_px, 80u);
  EXPECT_EQ(decoded->bits_per_sample, 16u);
  EXPECT_EQ(decoded->digest, result.digest);
  ASSERT_EQ(decoded->particles.size(), 2u);
  EXPECT_EQ(decoded->particles[0].x, 20.25);
  EXPECT_EQ(decoded->particles[0].ep, 0.05);
  EXPECT_TRUE(std::isnan(decoded->particles[1].size));
  EXPECT_TRUE(decode_locate_result(encode(LocateResult{1, 1, 8, {}})));
}

TEST(LocateResult, ALyingWorkerIsCaught) {
  const auto is_lie = [](const std::function<void(LocateResult&)>& change) {
    auto result = two_particles();
    change(result);
    const auto decoded = decode_locate_result(encode(result));
    return !decoded && decoded.error().code == Errc::kProtocol;
  };
  EXPECT_TRUE(is_lie([](auto& r) { r.width_px = 0; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.height_px = 1u << 31; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.bits_per_sample = 12; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.particles[0].y = 80; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.particles[0].x = -1; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.particles[0].x = NAN; }));
  for (const double mass : {0.0, -3.0, double{NAN}, HUGE_VAL})
    EXPECT_TRUE(is_lie([=](auto& r) { r.particles[1].mass = mass; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.particles[0].size = -1; }));
  EXPECT_TRUE(is_lie([](auto& r) { r.particles[0].raw_mass = HUGE_VAL; }));
  EXPECT_FALSE(is_lie([](auto& r) { r.particles[0].ep = -1; })) << "the background may be brighter than the particle";

  const auto bytes = encode(two_particles());
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_locate_result(std::span(bytes).first(length))) << length;
  auto longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_locate_result(longer));
  auto many = bytes;  // a count whose product would wrap around in 32 bits
  const uint32_t count = (1u << 26) + 2;
  std::memcpy(many.data() + 12, &count, sizeof count);
  EXPECT_FALSE(decode_locate_result(many));
}

}  // namespace
}  // namespace pairloom::jobs
