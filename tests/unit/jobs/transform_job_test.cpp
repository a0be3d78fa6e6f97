#include "jobs/transform_job.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace pairloom::jobs {
namespace {

TransformSetup good_setup() {
  TransformSetup setup;
  setup.source = {300, 200, PixelType::kRgba8};
  setup.width_px = 400;
  setup.height_px = 100;
  setup.strip_rows = 7;
  return setup;
}

TEST(TransformJob, SetupRoundTrip) {
  TransformSetup setup = good_setup();
  setup.angle_deg = -12.5;
  setup.fill = {1, 2, 3, 4};
  setup.container = Container::kPnm;
  const auto decoded = decode_transform_setup(encode(setup));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::memcmp(&*decoded, &setup, sizeof setup), 0);
}

TEST(TransformJob, ImpossibleSetupsAreRefused) {
  const auto refused = [](auto change) {
    TransformSetup setup = good_setup();
    change(setup);
    return !decode_transform_setup(encode(setup));
  };
  EXPECT_FALSE(refused([](TransformSetup&) {}));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.width_px = 0; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.height_px = kMaxRasterSidePx + 1; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.source.width_px = 0; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.source.type = PixelType::kF32; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.strip_rows = 0; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.strip_rows = 101; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.map = MapKind{0}; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.map = MapKind{7}; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.channels = Channels{2}; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.interpolation = Interpolation{5}; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.precision = Precision{3}; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.container = Container{3}; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.source_has_alpha = 2; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.latitude_limit_deg = 90; }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.latitude_limit_deg = std::nan(""); }));
  EXPECT_TRUE(refused([](TransformSetup& s) { s.angle_deg = std::numeric_limits<double>::infinity(); }));
  EXPECT_FALSE(decode_transform_setup({}));
}

TEST(TransformJob, BandsLieWithinThePicture) {
  const auto band = decode_band_task(encode(BandTask{90, 10}), 100);
  ASSERT_TRUE(band);
  EXPECT_EQ(band->first_row, 90u);
  EXPECT_EQ(band->row_count, 10u);
  EXPECT_FALSE(decode_band_task(encode(BandTask{90, 11}), 100));
  EXPECT_FALSE(decode_band_task(encode(BandTask{100, 1}), 100));
  EXPECT_FALSE(decode_band_task(encode(BandTask{5, 0}), 100));
  EXPECT_FALSE(decode_band_task(encode(BandTask{5, UINT32_MAX}), 100));
  EXPECT_FALSE(decode_band_task(std::vector<std::byte>(7), 100));
}

TEST(TransformJob, PartsMustBeOfTheirBandAndInOrder) {
  const BandPart part{8, 4, 2, 77};
  const auto bytes = std::as_bytes(std::span(&part, 1));
  ASSERT_TRUE(decode_band_part(bytes, {8, 4}, 2));
  EXPECT_EQ(decode_band_part(bytes, {8, 4}, 2)->adler32, 77u);
  for (const auto& refused : {decode_band_part(bytes, {8, 4}, 1), decode_band_part(bytes, {8, 3}, 2),
                              decode_band_part(bytes, {7, 4}, 2), decode_band_part(bytes.first(15), {8, 4}, 2)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kProtocol);
  }
}

}  // namespace
}  // namespace pairloom::jobs
