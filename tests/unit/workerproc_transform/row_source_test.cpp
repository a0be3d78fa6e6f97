#include "workerproc/transform/row_source.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/workerproc_transform/pictures.h"

namespace pairloom::workerproc {
namespace {

using jobs::Channels;
using jobs::Interpolation;
using jobs::MapKind;
using test::Pixels;

jobs::TransformSetup setup_for(const Pixels& source, MapKind map) {
  jobs::TransformSetup setup;
  setup.source = {static_cast<uint32_t>(source.width), static_cast<uint32_t>(source.height),
                  source.channels == 1 ? jobs::PixelType::kGray8 : jobs::PixelType::kRgba8};
  setup.source_has_alpha = source.has_alpha;
  setup.map = map;
  setup.width_px = setup.source.width_px;
  setup.height_px = setup.source.height_px;
  setup.channels = source.channels == 1 ? Channels::kGray : source.has_alpha ? Channels::kRgba : Channels::kRgb;
  setup.angle_deg = 33;
  return setup;
}

std::vector<uint8_t> row_of(RowSource& rows, const jobs::TransformSetup& setup, size_t y) {
  std::vector<uint8_t> row(setup.width_px * static_cast<size_t>(setup.channels));
  rows.row(y, row.data());
  return row;
}

TEST(RowSource, ARowIsTheSameWhateverWasComputedBefore) {
  for (const auto& source : {test::noise(37, 23, 1, false), test::noise(37, 23, 4, false), test::noise(37, 23, 4, true)})
    for (const auto map : {MapKind::kTransverseMercator, MapKind::kMercator, MapKind::kEquirectangular, MapKind::kRotate,
                           MapKind::kResize})
      for (const auto precision : {jobs::Precision::kFull, jobs::Precision::kTutorial}) {
        if (precision == jobs::Precision::kTutorial && map != MapKind::kTransverseMercator) continue;
        auto setup = setup_for(source, map);
        setup.precision = precision;
        const TransformInput input{source.view(), {}, {}};
        const auto downwards = make_row_source(setup, input).value();
        std::vector<std::vector<uint8_t>> rows;
        for (size_t y = 0; y < setup.height_px; ++y) rows.push_back(row_of(*downwards, setup, y));
        const auto upwards = make_row_source(setup, input).value();
        for (size_t y = setup.height_px; y-- > 0;) ASSERT_EQ(row_of(*upwards, setup, y), rows[y]) << y;
      }
}

TEST(RowSource, RemapTakesThePixelsItsGridsName) {
  const Pixels source = test::counted(4, 3, 4);
  auto setup = setup_for(source, MapKind::kRemap);
  setup.width_px = 2;
  setup.height_px = 2;
  setup.fill = {77, 77, 77, 255};
  const std::vector<float> x = {3, 0, 1.5f, 9}, y = {2, 0, 1, 0};
  const auto rows = make_row_source(setup, {source.view(), x, y}).value();
  EXPECT_EQ(row_of(*rows, setup, 0), (std::vector<uint8_t>{11, 11, 11, 0, 0, 0}));
  EXPECT_EQ(row_of(*rows, setup, 1), (std::vector<uint8_t>{6, 6, 6, 77, 77, 77}));  // 5.5, rounded up
}

TEST(RowSource, RefusesWhatCannotGoTogether) {
  const Pixels source = test::counted(4, 3, 4);
  const TransformInput input{source.view(), {}, {}};
  const auto refused = [&](const jobs::TransformSetup& setup) {
    const auto made = make_row_source(setup, input);
    return !made && made.error().code == Errc::kInvalidArgument;
  };
  auto setup = setup_for(source, MapKind::kRotate);
  EXPECT_FALSE(refused(setup));
  setup.precision = jobs::Precision::kTutorial;
  EXPECT_TRUE(refused(setup));
  setup = setup_for(source, MapKind::kRotate);
  setup.channels = Channels::kGray;
  EXPECT_TRUE(refused(setup));
  setup = setup_for(source, MapKind::kRotate);
  setup.interpolation = Interpolation::kArea;
  EXPECT_TRUE(refused(setup));
  EXPECT_TRUE(refused(setup_for(source, MapKind::kRemap)));  // without grids
  setup = setup_for(source, MapKind::kTransverseMercator);
  setup.precision = jobs::Precision::kTutorial;
  setup.width_px = 5;
  EXPECT_TRUE(refused(setup));
}

}  // namespace
}  // namespace pairloom::workerproc
