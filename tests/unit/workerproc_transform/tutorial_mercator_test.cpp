#include "workerproc/transform/tutorial_mercator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numbers>
#include <random>
#include <string>

#include "tests/unit/workerproc_transform/pictures.h"
#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {
namespace {

using test::Pixels;

// The C library prints decimals correctly rounded, halves to even, and reads them back: what Python's round() does.
double round_by_printing(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return std::strtod(text, nullptr);
}

TEST(RoundAsPython, EqualsExactDecimalRounding) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> any(-4, 4);
  for (int i = 0; i < 200'000; ++i) {
    const double value = any(random);
    ASSERT_EQ(round_as_python(value, 100), round_by_printing(value, 2)) << value;
    ASSERT_EQ(round_as_python(value, 1000), round_by_printing(value, 3)) << value;
  }
  // Near the halves, where a product rounded once too often goes wrong: 2.675 is a little less, 0.285 a little more.
  for (int i = -4000; i < 4000; ++i)
    for (const double near : {i / 1000.0 + 0.0005, std::nextafter(i / 1000.0 + 0.0005, 9.0),
                              std::nextafter(i / 1000.0 + 0.0005, -9.0), i / 1024.0}) {
      ASSERT_EQ(round_as_python(near, 1000), round_by_printing(near, 3)) << near;
      ASSERT_EQ(round_as_python(near, 100), round_by_printing(near, 2)) << near;
    }
  EXPECT_EQ(round_as_python(2.675, 100), 2.67);
  EXPECT_EQ(round_as_python(0.125, 100), 0.12);
  EXPECT_EQ(round_as_python(0.375, 100), 0.38);
}

// The tutorial's formulas, word for word.
size_t source_of(size_t x, size_t line, size_t width, size_t height) {
  const double w = static_cast<double>(width), h = static_cast<double>(height), pi = std::numbers::pi;
  const double lat_t = round_by_printing((static_cast<double>(line) + 1) / h * (-35 * pi / 18) + 17.5 * pi / 18, 2);
  const double lon_t = round_by_printing(static_cast<double>(x) / w * 2 * pi - pi, 2);
  const double lat = round_by_printing(-std::asin(std::sin(lon_t) / std::cosh(lat_t)), 3);
  double lon = std::atan(std::sinh(lat_t) / std::cos(lon_t));
  if (std::fabs(lon_t) > pi / 2) lon += lat_t >= 0 ? pi : -pi;
  lon = round_by_printing(lon, 3);
  auto src_x = static_cast<int>((lon + pi) / (2 * pi) * w), src_y = static_cast<int>((lat - pi / 2) / -pi * h);
  if (src_x == static_cast<int>(width)) --src_x;
  if (src_y == static_cast<int>(height)) --src_y;
  return static_cast<size_t>(src_y) * width + static_cast<size_t>(src_x);
}

TEST(TutorialMercator, TakesEachPixelFromWhereTheFormulasSay) {
  for (const size_t channels : {size_t{1}, size_t{4}}) {
    const Pixels source = test::noise(211, 97, channels, false);
    TutorialMercator rows(source.view());
    std::vector<uint8_t> row(source.width * channels);
    for (size_t y = source.height; y-- > 0;) {  // in any order
      rows.row(y, row.data());
      for (size_t x = 0; x < source.width; ++x)
        for (size_t c = 0; c < channels; ++c)
          ASSERT_EQ(row[x * channels + c], source.bytes[source_of(x, y, 211, 97) * channels + c]) << x << " " << y;
    }
  }
}

// Above some 15,000 columns the rounded longitude -3.142 lies left of the picture.
TEST(TutorialMercator, NeverLeavesAWidePicture) {
  const Pixels source = test::noise(40'000, 2, 1, false);
  TutorialMercator rows(source.view());
  std::vector<uint8_t> row(source.width);
  for (size_t y = 0; y < 2; ++y) rows.row(y, row.data());
}

Pixels picture_at(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
  Picture picture;
  EXPECT_TRUE(decode(std::as_bytes(std::span(bytes)), {PixelLayout::kRgba, 0}, picture));
  return {picture.width_px, picture.height_px, 4, false, picture.pixels};
}

TEST(TutorialMercator, EqualsTheTutorialsPicturesPixelForPixel) {
  const char* folder = std::getenv("PAIRLOOM_TEST_DATA");
  if (folder == nullptr) GTEST_SKIP() << "PAIRLOOM_TEST_DATA is not set: no pictures to compare with";
  for (const std::string size : {"720x360", "2000x1000"}) {
    const std::string name = std::string(folder) + "/expected/mercator_" + size;
    const Pixels in = picture_at(name + "_in.png"), expected = picture_at(name + "_out.png");
    ASSERT_EQ(in.bytes.size(), expected.bytes.size());
    TutorialMercator rows(in.view());
    std::vector<uint8_t> row(in.width * 4);
    size_t different = 0;
    for (size_t y = 0; y < in.height; ++y) {
      rows.row(y, row.data());
      for (size_t x = 0; x < in.width; ++x) different += !std::equal(&row[4 * x], &row[4 * x] + 4, expected.at(x, y));
    }
    EXPECT_EQ(different, 0u) << size;
  }
}

}  // namespace
}  // namespace pairloom::workerproc
