// Features of drawn pictures whose values can be worked out by hand, or by plain code beside them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <opencv2/imgproc.hpp>

#include "tests/support/draw.h"
#include "workerproc/extract/area.h"
#include "workerproc/extract/dhash.h"
#include "workerproc/features/parameters.h"
#include "workerproc/features/registry.h"

namespace pairloom::workerproc {
namespace {

using ::testing::DoubleEq;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Picture picture_of(const cv::Mat& bgr, uint8_t orientation = 1) {
  Picture picture;
  picture.width_px = picture.full_width_px = static_cast<uint32_t>(bgr.cols);
  picture.height_px = picture.full_height_px = static_cast<uint32_t>(bgr.rows);
  picture.stride_bytes = static_cast<uint32_t>(bgr.step);
  picture.layout = PixelLayout::kBgr;
  picture.orientation = orientation;
  picture.pixels.assign(bgr.data, bgr.data + bgr.step * static_cast<size_t>(bgr.rows));
  return picture;
}

cv::Mat gray_as_bgr(const cv::Mat& gray) {
  cv::Mat bgr;
  cv::cvtColor(gray, bgr, cv::COLOR_GRAY2BGR);
  return bgr;
}

std::unique_ptr<FeatureExtractor> feature(const std::string& spec) {
  return make_feature(spec, Plugins()).value();
}

template <class T>
std::vector<T> values_of(FeatureExtractor& extractor, const Picture& picture) {
  ShownPicture shown;
  shown.show(picture);
  jobs::FeatureTable table;
  EXPECT_TRUE(extractor.extract(shown, table));
  EXPECT_EQ(table.values.size(), table.rows * extractor.description().row_bytes());
  std::vector<T> values(table.values.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), table.values.data(), table.values.size());
  return values;
}

TEST(Color, MomentsAndHistogramAreRedThenGreenThenBlue) {
  // Red: 3/4 at 0, 1/4 at 200: mean 50, variance 7500, third moment 3/4 (-50)^3 + 1/4 150^3 = 750000. Green: flat 64.
  // Blue: half 10, half 250: mean 130, deviation 120, symmetric.
  cv::Mat bgr(4, 4, CV_8UC3, cv::Scalar(10, 64, 0));
  bgr.row(0).setTo(cv::Scalar(10, 64, 200));
  for (int y = 0; y < 4; y += 2)
    for (int x = 0; x < 4; ++x) bgr.at<cv::Vec3b>(y, x)[0] = 250;
  const auto color = feature("color:bins=4");
  const auto v = values_of<double>(*color, picture_of(bgr));
  ASSERT_THAT(v, SizeIs(9 + 3 * 4));
  EXPECT_THAT(
      std::vector(v.begin(), v.begin() + 9),
      ElementsAre(DoubleEq(50), DoubleNear(std::sqrt(7500), 1e-12), DoubleNear(750000 / std::pow(7500, 1.5), 1e-12), 64,
                  0, 0, DoubleEq(130), DoubleEq(120), DoubleNear(0, 1e-15)));
  EXPECT_THAT(std::vector(v.begin() + 9, v.end()), ElementsAre(0.75, 0, 0, 0.25, 0, 1, 0, 0, 0.5, 0, 0, 0.5));
  const auto& columns = color->description().columns;
  EXPECT_EQ(columns.front(), "red_mean");
  EXPECT_EQ(columns[8], "blue_skewness");
  EXPECT_EQ(columns.back(), "blue_hist_3");
  EXPECT_EQ(color->description().parameters, "bins=4");
}

TEST(Color, BinsDivideTheRange) {
  EXPECT_FALSE(make_feature("color:bins=3", Plugins()));
  EXPECT_FALSE(make_feature("color:bins=512", Plugins()));
  EXPECT_EQ(feature("color:bins=256")->description().columns.size(), 9 + 3 * 256u);
}

// The definition, pixel by pixel, with nothing prepared.
std::vector<double> slow_lbp(const cv::Mat& gray, int points, double radius) {
  std::vector<double> histogram(static_cast<size_t>(points) + 2);
  const auto at = [&](int y, int x) {
    return y < 0 || x < 0 || y >= gray.rows || x >= gray.cols ? 0.0 : static_cast<double>(gray.at<uint8_t>(y, x));
  };
  for (int y = 0; y < gray.rows; ++y)
    for (int x = 0; x < gray.cols; ++x) {
      std::vector<int> signs;
      for (int p = 0; p < points; ++p) {
        const double angle = 2 * std::numbers::pi * p / points;
        const double row = y - std::round(radius * std::sin(angle) * 1e5) / 1e5;
        const double column = x + std::round(radius * std::cos(angle) * 1e5) / 1e5;
        const int y0 = static_cast<int>(std::floor(row)), x0 = static_cast<int>(std::floor(column));
        const int y1 = static_cast<int>(std::ceil(row)), x1 = static_cast<int>(std::ceil(column));
        const double dy = row - y0, dx = column - x0;
        const double top = (1 - dx) * at(y0, x0) + dx * at(y0, x1);
        const double bottom = (1 - dx) * at(y1, x0) + dx * at(y1, x1);
        signs.push_back((1 - dy) * top + dy * bottom >= at(y, x));
      }
      int changes = 0, ones = 0;
      for (size_t p = 0; p < signs.size(); ++p) {
        changes += signs[p] != signs[(p + 1) % signs.size()];
        ones += signs[p];
      }
      histogram[static_cast<size_t>(changes <= 2 ? ones : points + 1)] += 1.0 / static_cast<double>(gray.total());
    }
  return histogram;
}

TEST(Lbp, EqualsItsDefinitionOnADrawnPicture) {
  const cv::Mat gray = test::draw_shapes(3, 97, 61);
  for (const auto& [spec, points, radius] :
       {std::tuple{"lbp", 8, 1.0}, {"lbp:points=16:radius=2", 16, 2.0}, {"lbp:points=24:radius=5", 24, 5.0}}) {
    const auto values = values_of<double>(*feature(spec), picture_of(gray_as_bgr(gray)));
    const auto expected = slow_lbp(gray, points, radius);
    ASSERT_EQ(values.size(), expected.size());
    for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-12) << spec << " bin " << i;
  }
}

TEST(Lbp, OneBrightPixelOnBlack) {
  // 5 x 5, centre white. Around it all neighbours are darker: 0. Its 4 axis neighbours and 4 diagonal ones see it, and
  // everything else is equal, hence "not darker": all black pixels have all 8.
  cv::Mat gray(5, 5, CV_8UC1, cv::Scalar(0));
  gray.at<uint8_t>(2, 2) = 255;
  const auto values = values_of<double>(*feature("lbp"), picture_of(gray_as_bgr(gray)));
  EXPECT_THAT(values, ElementsAre(DoubleEq(1 / 25.0), 0, 0, 0, 0, 0, 0, 0, DoubleEq(24 / 25.0), 0));
}

TEST(Lbp, DoesNotChangeWhenThePictureIsTurnedByQuarters) {
  const cv::Mat gray = test::draw_shapes(8, 80, 80);
  const auto lbp = feature("lbp");
  const auto upright = values_of<double>(*lbp, picture_of(gray_as_bgr(gray)));
  for (const auto turn : {cv::ROTATE_90_CLOCKWISE, cv::ROTATE_180}) {
    cv::Mat turned;
    cv::rotate(gray, turned, turn);
    const auto values = values_of<double>(*lbp, picture_of(gray_as_bgr(turned)));
    for (size_t i = 0; i < values.size(); ++i)
      EXPECT_NEAR(values[i], upright[i], 0.01) << i;  // rounding at equal grays
  }
}

TEST(Lbp, PicturesSmallerThanTheCircleWork) {
  const auto values = values_of<double>(*feature("lbp:radius=16"), picture_of(cv::Mat(1, 2, CV_8UC3, cv::Scalar())));
  EXPECT_THAT(std::accumulate(values.begin(), values.end(), 0.0), DoubleEq(1));
}

TEST(CodeFeature, BytesAreTheCodesText) {
  const Picture picture = picture_of(test::draw_picture(2, 200, 150));
  AreaSummer summer;
  const std::string text = to_hex(dhash(view_of(picture), summer), 64);
  std::string bytes;
  for (const uint8_t b : values_of<uint8_t>(*feature("dhash"), picture)) bytes += fmt::format("{:02x}", b);
  EXPECT_EQ(bytes, text);
  EXPECT_EQ(feature("pdq")->description().columns.size(), 32u);
  EXPECT_TRUE(feature("pdq")->description().is_code);
}

TEST(KeypointFeature, ARowForEachKeypointWithItsDescriptor) {
  const auto sift = feature("sift:n=40");
  const auto values = values_of<float>(*sift, picture_of(gray_as_bgr(test::draw_shapes(5, 200, 200))));
  ASSERT_EQ(sift->description().columns.size(), 6u + 128);
  ASSERT_EQ(values.size() % 134, 0u);
  EXPECT_GE(values.size() / 134, 40u);
  double squares = 0;
  for (size_t i = 6; i < 134; ++i) squares += values[i] * values[i];
  EXPECT_NEAR(std::sqrt(squares), 512, 12);  // OpenCV's norm
  EXPECT_LT(values[0], 200);
  EXPECT_TRUE(values_of<float>(*sift, picture_of(cv::Mat(50, 50, CV_8UC3, cv::Scalar(5, 5, 5)))).empty());
}

TEST(ShownPicture, IsUprightWhateverTheFileSays) {
  cv::Mat shown_as = test::draw_picture(6, 40, 30);
  // Orientation 6 lies turned by 90 degrees counter-clockwise in the file.
  cv::Mat stored;
  cv::rotate(shown_as, stored, cv::ROTATE_90_COUNTERCLOCKWISE);
  const Picture picture = picture_of(stored, 6), upright = picture_of(shown_as);
  ShownPicture a, b;
  a.show(picture);
  b.show(upright);
  EXPECT_EQ(a.width_px(), 40u);
  EXPECT_EQ(a.height_px(), 30u);
  EXPECT_EQ(cv::norm(a.bgr(), shown_as, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(a.gray(), b.gray(), cv::NORM_INF), 0);
  a.show(upright);  // keeps nothing of the last
  EXPECT_EQ(cv::norm(a.bgr(), shown_as, cv::NORM_INF), 0);
  EXPECT_EQ(cv::norm(a.gray(), b.gray(), cv::NORM_INF), 0);
}

std::string why_not(const std::string& spec) {
  const auto made = make_feature(spec, Plugins());
  return made ? "" : made.error().message;
}

TEST(Registry, SaysWhatThereIsAndWhatAFeatureTakes) {
  EXPECT_THAT(why_not("nope"), HasSubstr("there is no feature 'nope'; there are color, lbp, sift"));
  EXPECT_THAT(why_not("lbp:bins=3"), HasSubstr("lbp has no 'bins'; it takes points, radius"));
  EXPECT_THAT(why_not("pdq:n=3"), HasSubstr("it takes no parameters"));
  EXPECT_THAT(why_not("lbp:points=3"), HasSubstr("from 4 to 24, not '3'"));
  EXPECT_THAT(why_not("lbp:points=8x"), HasSubstr("not '8x'"));
  EXPECT_THAT(why_not("lbp:points=8:points=9"), HasSubstr("twice"));
  EXPECT_THAT(why_not("lbp:points"), HasSubstr("not key=number"));
  EXPECT_THAT(why_not("lbp:"), HasSubstr("not key=number"));
  EXPECT_THAT(why_not(""), HasSubstr("no feature's name"));
}

TEST(PluginFeature, TheExampleDoesWhatItSays) {
  Plugins plugins;
  plugins.load(PAIRLOOM_EXAMPLE_PLUGIN);
  ASSERT_EQ(plugins.error(), "");
  EXPECT_THAT(plugins.names(), ElementsAre("edge-density", "bright-pixels"));
  cv::Mat bgr(40, 40, CV_8UC3, cv::Scalar());
  bgr.at<cv::Vec3b>(5, 7) = {255, 255, 255};
  const Picture picture = picture_of(bgr);
  const auto density = make_feature("edge-density", plugins).value();
  const auto shares = values_of<double>(*density, picture);
  ASSERT_EQ(shares.size(), 16u);
  EXPECT_DOUBLE_EQ(shares[0], 3 / 100.0);  // the pixel, the one left of it, the one above
  EXPECT_EQ(std::count(shares.begin(), shares.end(), 0.0), 15);
  const auto bright = make_feature("bright-pixels", plugins).value();
  EXPECT_THAT(values_of<int32_t>(*bright, picture), ElementsAre(7, 5));
  EXPECT_THAT(bright->description().columns, ElementsAre("x", "y"));
  EXPECT_TRUE(values_of<int32_t>(*bright, picture_of(cv::Mat(3, 3, CV_8UC3, cv::Scalar()))).empty());
}

TEST(PluginFeature, AFailureSaysWhy) {
  Plugins plugins;
  plugins.load(PAIRLOOM_EXAMPLE_PLUGIN);
  const auto density = make_feature("edge-density", plugins).value();
  const Picture picture = picture_of(cv::Mat(3, 3, CV_8UC3, cv::Scalar()));
  ShownPicture shown;
  shown.show(picture);
  jobs::FeatureTable table;
  const auto failed = density->extract(shown, table);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "edge-density: smaller than the grid of 4 x 4 cells");
}

TEST(Plugins, AreRefusedWithTheReason) {
  Plugins missing, twice, other;
  missing.load("/no/such/plugin.so");
  EXPECT_THAT(missing.error(), HasSubstr("cannot use the plugin '/no/such/plugin.so'"));
  EXPECT_THAT(make_feature("lbp", missing).error().message, HasSubstr("cannot use the plugin"));
  twice.load(PAIRLOOM_EXAMPLE_PLUGIN);
  twice.load(PAIRLOOM_EXAMPLE_PLUGIN);
  EXPECT_THAT(twice.error(), HasSubstr("there is a 'edge-density' already"));
  other.load("libm.so.6");
  EXPECT_THAT(other.error(), HasSubstr("does not export pairloom_extractors"));
}

// Each breaks the interface in one way; the host must notice before anything is extracted.
int extract_nothing(void*, const pairloom_image*, pairloom_values*) {
  return 0;
}
int extract_too_many_rows(void*, const pairloom_image*, pairloom_values* values) {
  return values->rows(values, 2) == nullptr ? 1 : 0;
}
pairloom_extractor sound() {
  return {.size_bytes = sizeof(pairloom_extractor),
          .name = "mine",
          .version = 1,
          .about = "",
          .element = PAIRLOOM_U8,
          .pixels = PAIRLOOM_GRAY,
          .flags = PAIRLOOM_ONE_ROW,
          .columns = 2,
          .column_names = nullptr,
          .create = nullptr,
          .destroy = nullptr,
          .extract = extract_nothing};
}

TEST(PluginFeature, DescriptionsThatBreakTheInterfaceAreRefused) {
  EXPECT_TRUE(make_plugin_feature(sound()));
  const auto refused = [](auto change) {
    pairloom_extractor extractor = sound();
    change(extractor);
    return !make_plugin_feature(extractor);
  };
  EXPECT_TRUE(refused([](auto& e) { e.element = 5; }));
  EXPECT_TRUE(refused([](auto& e) { e.pixels = 2; }));
  EXPECT_TRUE(refused([](auto& e) { e.columns = 0; }));
  EXPECT_TRUE(refused([](auto& e) { e.columns = 1'000'000; }));
  EXPECT_TRUE(refused([](auto& e) { e.flags = 8; }));
  EXPECT_TRUE(refused([](auto& e) { e.name = "my feature"; }));
  EXPECT_TRUE(refused([](auto& e) { e.flags = PAIRLOOM_CODE; }));  // a code of any number of rows
  static const char* const kNames[] = {"x", "a,b"};
  EXPECT_TRUE(refused([](auto& e) { e.column_names = kNames; }));
}

TEST(PluginFeature, RowsThatWereNotAnnouncedAreNoResult) {
  const Picture picture = picture_of(cv::Mat(3, 3, CV_8UC3, cv::Scalar()));
  ShownPicture shown;
  shown.show(picture);
  for (auto* extract : {&extract_nothing, &extract_too_many_rows}) {
    pairloom_extractor extractor = sound();
    extractor.extract = extract;
    jobs::FeatureTable table;
    EXPECT_FALSE(make_plugin_feature(extractor).value()->extract(shown, table));
  }
}

}  // namespace
}  // namespace pairloom::workerproc
