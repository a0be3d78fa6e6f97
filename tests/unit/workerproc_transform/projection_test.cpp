#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "workerproc/transform/row_map.h"

namespace pairloom::workerproc {
namespace {

using jobs::MapKind;
using jobs::Projection;

constexpr double kPi = std::numbers::pi;

jobs::TransformSetup world(MapKind map, Projection source, uint32_t width = 400, uint32_t height = 400) {
  jobs::TransformSetup setup;
  setup.source = {width, height, jobs::PixelType::kRgba8};
  setup.width_px = width;
  setup.height_px = height;
  setup.map = map;
  setup.source_projection = source;
  return setup;
}

struct Place {
  double x, y;
};
// Where output pixel (x, y) comes from, as a part of the source: 0 to 1 from the left and from the top.
Place source_of(const jobs::TransformSetup& setup, size_t x, size_t y) {
  std::vector<double> xs(setup.width_px), ys(setup.width_px);
  make_projection(setup)->row(y, xs, ys);
  return {(xs[x] + 0.5) / setup.source.width_px, (ys[x] + 0.5) / setup.source.height_px};
}

// Latitude and longitude of a point of a transverse Mercator map with its poles at 90 E and W, from Snyder's formulas
// 8-6 and 8-7 with the central meridian along the equator of the output: an independent way round, by turning the sphere.
Place turned(double across, double up) {
  // The point on an upright Mercator map, as a vector; the turned sphere's pole lies on the equator at 90 degrees.
  const double lat = std::atan(std::sinh(up)), lon = across;
  const double x = std::cos(lat) * std::cos(lon), y = std::cos(lat) * std::sin(lon), z = std::sin(lat);
  // Quarter turn about the x axis: north comes to 90 W, 90 E to south.
  const double turned_y = z, turned_z = -y;
  return {std::atan2(turned_y, x), std::asin(turned_z)};
}

TEST(TransverseMercator, IsTheMercatorMapOfATurnedSphere) {
  const auto setup = world(MapKind::kTransverseMercator, Projection::kEquirectangular);
  for (size_t y = 3; y < 400; y += 29)
    for (size_t x = 1; x < 400; x += 17) {
      const double across = ((static_cast<double>(x) + 0.5) / 400 * 2 - 1) * kPi;
      const double up = (1 - (static_cast<double>(y) + 0.5) / 400 * 2) * kPi;  // a square map reaches to pi
      const Place expected = turned(across, up), is = source_of(setup, x, y);
      ASSERT_NEAR(is.x, (expected.x + kPi) / (2 * kPi), 1e-9) << x << " " << y;
      ASSERT_NEAR(is.y, (kPi / 2 - expected.y) / kPi, 1e-9) << x << " " << y;
    }
}

TEST(TransverseMercator, HasTheNorthPoleAt90WestAndTheSouthPoleAt90East) {
  const auto setup = world(MapKind::kTransverseMercator, Projection::kEquirectangular);
  EXPECT_NEAR(source_of(setup, 100, 200).y, 0, 0.01);
  EXPECT_NEAR(source_of(setup, 300, 200).y, 1, 0.01);
  const Place middle = source_of(setup, 200, 200);
  EXPECT_NEAR(middle.x, 0.5, 0.01);
  EXPECT_NEAR(middle.y, 0.5, 0.01);
}

TEST(TransverseMercator, IsEmptyWhereAMercatorSourceEnds) {
  const auto setup = world(MapKind::kTransverseMercator, Projection::kMercator);
  EXPECT_TRUE(std::isnan(source_of(setup, 100, 200).y));  // the pole itself
  EXPECT_TRUE(std::isnan(source_of(setup, 300, 199).y));
  EXPECT_FALSE(std::isnan(source_of(setup, 200, 200).y));
}

TEST(Mercator, RowsAreThoseOfTheTextbook) {
  auto setup = world(MapKind::kMercator, Projection::kEquirectangular, 100, 1000);
  setup.latitude_limit_deg = 80;
  const double limit = std::log(std::tan(kPi / 4 + 80 * kPi / 360));  // Snyder 7-2
  for (size_t y = 0; y < 1000; y += 37) {
    const double up = limit * (1 - (static_cast<double>(y) + 0.5) / 500);
    const double latitude = kPi / 2 - 2 * std::atan(std::exp(-up));  // Snyder 7-4
    ASSERT_NEAR(source_of(setup, 5, y).y, (kPi / 2 - latitude) / kPi, 1e-9) << y;
    ASSERT_NEAR(source_of(setup, 5, y).x, 0.055, 1e-9);
  }
}

TEST(Equirectangular, UndoesMercatorAndEndsWhereThatEnds) {
  const auto there = world(MapKind::kMercator, Projection::kEquirectangular, 10, 100'000);
  const auto back = world(MapKind::kEquirectangular, Projection::kMercator, 10, 100'000);
  for (size_t y = 500; y < 100'000; y += 9001) {
    const auto on_grid = static_cast<size_t>(source_of(there, 3, y).y * 100'000);
    EXPECT_NEAR(source_of(back, 3, on_grid).y * 100'000, static_cast<double>(y), 8);  // a row is up to 12 degrees/pixel there
  }
  EXPECT_TRUE(std::isnan(source_of(back, 3, 2000).y));    // 86.4 N
  EXPECT_FALSE(std::isnan(source_of(back, 3, 3000).y));   // 84.6 N
  EXPECT_TRUE(std::isnan(source_of(back, 3, 98'000).y));  // 86.4 S
}

TEST(SquareMercatorMap, EndsAt85Point05Degrees) {
  const jobs::TransformSetup setup;
  EXPECT_NEAR(std::asinh(std::tan(setup.latitude_limit_deg * kPi / 180)), kPi, 1e-12);
}

TEST(Rotation, IsExactForQuarterTurns) {
  auto setup = world(MapKind::kRotate, Projection::kMercator, 3, 5);
  setup.width_px = 5;
  setup.height_px = 3;
  std::vector<double> xs(5), ys(5);
  setup.angle_deg = 90;  // counter-clockwise: the output's top row is the source's right column, upside up
  make_rotation(setup)->row(0, xs, ys);
  EXPECT_EQ(xs, (std::vector<double>{2, 2, 2, 2, 2}));
  EXPECT_EQ(ys, (std::vector<double>{0, 1, 2, 3, 4}));
  setup.angle_deg = -90;
  make_rotation(setup)->row(0, xs, ys);
  EXPECT_EQ(xs, (std::vector<double>{0, 0, 0, 0, 0}));
  EXPECT_EQ(ys, (std::vector<double>{4, 3, 2, 1, 0}));
}

TEST(Rotation, TurnsCounterClockwiseToTheEye) {
  auto setup = world(MapKind::kRotate, Projection::kMercator, 101, 101);
  setup.angle_deg = 30;
  std::vector<double> xs(101), ys(101);
  make_rotation(setup)->row(50, xs, ys);  // the middle row
  // The point 40 to the right of the centre was, 30 degrees earlier, 30 degrees clockwise from there: below.
  EXPECT_NEAR(xs[90], 50 + 40 * std::cos(kPi / 6), 1e-12);
  EXPECT_NEAR(ys[90], 50 + 40 * std::sin(kPi / 6), 1e-12);
}

TEST(Angles, MultiplesOf90DegreesAreExact) {
  const double cosines[] = {1, 0, -1, 0};
  for (int quarter = -9; quarter <= 9; ++quarter) {
    EXPECT_EQ(cosine_of_degrees(90 * quarter), cosines[(quarter + 100) % 4]) << quarter;
    EXPECT_EQ(sine_of_degrees(90 * quarter), cosines[(quarter + 99) % 4]) << quarter;
  }
  EXPECT_NEAR(cosine_of_degrees(60), 0.5, 1e-15);
  EXPECT_NEAR(sine_of_degrees(30), 0.5, 1e-15);
}

}  // namespace
}  // namespace pairloom::workerproc
