#include "cli/feature_formats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

namespace pairloom::cli {
namespace {

using jobs::FeatureElement;

template <class T>
jobs::FeatureTable table(uint32_t rows, std::vector<T> values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {rows, {bytes.begin(), bytes.end()}};
}

const jobs::FeatureDescription kColor{.name = "color", .parameters = "bins=2", .columns = {"mean", "std"}};
const jobs::FeatureDescription kHash{
    .name = "hash", .element = FeatureElement::kU8, .is_code = true, .columns = {"0", "1"}};
const jobs::FeatureDescription kPoints{
    .name = "points", .element = FeatureElement::kF32, .one_row = false, .columns = {"x", "y"}};

jobs::ExtractResult result(std::vector<jobs::FeatureTable> tables) {
  return {.identity = {}, .digest = {}, .width_px = 640, .height_px = 480, .tables = std::move(tables)};
}

TEST(CsvFeatures, ARowForEachFile) {
  const std::vector descriptions{kColor, kHash};
  const auto csv = csv_features(descriptions).value();
  EXPECT_EQ(csv->begin().value(), "path,path_encoding,width,height,color.mean,color.std,hash\n");
  EXPECT_EQ(csv->add("/a,b", result({table<double>(1, {0.1, 1e-300}), table<uint8_t>(1, {0x0a, 0xff})})).value(),
            "\"/a,b\",text,640,480,0.1,1e-300,0aff\n");
  EXPECT_EQ(csv->finish(1, 0).value(), "");
}

TEST(CsvFeatures, AFeatureOfManyRowsIsATableOfItsOwn) {
  const std::vector alone{kPoints}, mixed{kColor, kPoints};
  const auto csv = csv_features(alone).value();
  EXPECT_EQ(csv->begin().value(), "path,path_encoding,width,height,row,points.x,points.y\n");
  EXPECT_EQ(csv->add("/p", result({table<float>(2, {1, 2.5f, 3, 0.1f})})).value(),
            "/p,text,640,480,0,1,2.5\n/p,text,640,480,1,3,0.1\n");
  EXPECT_EQ(csv->add("/p", result({table<float>(0, {})})).value(), "");
  EXPECT_NE(csv_features(mixed).error().message.find("'points' has any number of rows"), std::string::npos);
}

TEST(JsonlFeatures, AreJsonWithEveryValueExact) {
  const std::vector descriptions{kColor, kHash, kPoints};
  const auto jsonl = jsonl_features(descriptions);
  const auto header = nlohmann::json::parse(jsonl->begin().value());
  EXPECT_EQ(header["schema"], "pairloom.features/1");
  EXPECT_EQ(header["features"][0]["columns"], (std::vector<std::string>{"mean", "std"}));
  EXPECT_EQ(header["features"][2]["one_row"], false);
  const double third = 1.0 / 3;
  const auto record = nlohmann::json::parse(
      jsonl
          ->add("/x\"y", result({table<double>(1, {third, std::nan("")}), table<uint8_t>(1, {1, 2}),
                                 table<float>(2, {1, 2, 3, std::numeric_limits<float>::infinity()})}))
          .value());
  EXPECT_EQ(record["path"]["text"], "/x\"y");
  EXPECT_EQ(record["w"], 640);
  EXPECT_EQ(record["features"]["color"][0], third);
  EXPECT_TRUE(record["features"]["color"][1].is_null());
  EXPECT_EQ(record["features"]["hash"], "0102");
  EXPECT_EQ(record["features"]["points"][0], (std::vector<double>{1, 2}));
  EXPECT_TRUE(record["features"]["points"][1][1].is_null());
  EXPECT_EQ(nlohmann::json::parse(jsonl->failed("/x", Outcome::kCorrupt, "bad"))["outcome"], "corrupt");
  EXPECT_EQ(nlohmann::json::parse(jsonl->finish(3, 1).value())["failed"], 1);
}

TEST(FeatureLabels, HaveTheParametersWhereTheNameIsNotEnough) {
  jobs::FeatureDescription a = kColor, b = kColor;
  a.name = b.name = "lbp";
  a.parameters = "points=8 radius=1";
  b.parameters = "points=16 radius=2";
  EXPECT_EQ(labels_of({a, kColor, b}),
            (std::vector<std::string>{"lbp:points=8:radius=1", "color", "lbp:points=16:radius=2"}));
}

}  // namespace
}  // namespace pairloom::cli
