#include "jobs/extract_job.h"

#include <gtest/gtest.h>

#include "jobs/wire.h"

namespace pairloom::jobs {
namespace {

const std::vector<FeatureDescription> kTwo = {
    {.name = "lbp", .version = 3, .parameters = "points=8 radius=1", .columns = {"a", "b"}},
    {.name = "sift", .element = FeatureElement::kF32, .one_row = false, .columns = {"x", "y", "z"}}};

std::vector<std::byte> bytes(size_t count) {
  return std::vector<std::byte>(count, std::byte{7});
}

TEST(ExtractSetup, RoundTrips) {
  const auto back =
      decode_extract_setup(encode(ExtractSetup{.features = {"lbp", "sift:n=5"}, .max_file_bytes = 1, .max_pixels = 2}))
          .value();
  EXPECT_EQ(back.features, (std::vector<std::string>{"lbp", "sift:n=5"}));
  EXPECT_EQ(back.max_file_bytes, 1u);
  EXPECT_EQ(back.max_pixels, 2u);
}

TEST(ExtractSetup, RefusesNoFeaturesAndCutOffBytes) {
  EXPECT_FALSE(decode_extract_setup(encode(ExtractSetup{})));
  const auto whole = encode(ExtractSetup{.features = {"lbp"}});
  for (size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(decode_extract_setup(std::span(whole).first(size)));
}

TEST(FeatureDescriptions, RoundTrip) {
  EXPECT_EQ(decode_feature_descriptions(encode(kTwo), 2).value(), kTwo);
}

TEST(FeatureDescriptions, RefuseWhatALyingWorkerCouldSend) {
  const auto refused = [](auto change) {
    auto lie = kTwo;
    change(lie);
    return !decode_feature_descriptions(encode(lie), 2);
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& d) { d[0].name = "../../etc"; }));  // becomes a file's name with -o npy
  EXPECT_TRUE(refused([](auto& d) { d[0].name = ""; }));
  EXPECT_TRUE(refused([](auto& d) { d[0].columns[1] = "a\nb"; }));
  EXPECT_TRUE(refused([](auto& d) { d[0].columns[1] = "a\"b"; }));
  EXPECT_TRUE(refused([](auto& d) { d[0].columns.clear(); }));
  EXPECT_TRUE(refused([](auto& d) { d[0].parameters = "\x1b[2J"; }));
  EXPECT_TRUE(refused([](auto& d) { d[0].element = static_cast<FeatureElement>(9); }));
  EXPECT_TRUE(refused([](auto& d) { d[1].is_code = true; }));
  EXPECT_TRUE(refused([](auto& d) { d[1] = d[0]; }));
  EXPECT_TRUE(refused([](auto& d) { d.pop_back(); }));
  EXPECT_TRUE(refused([](auto& d) { d.push_back({.name = "third", .columns = {"c"}}); }));
}

ExtractResult sound() {
  return {.identity = {1, 2, 3, -4, 5},
          .digest = {6, 7},
          .width_px = 8,
          .height_px = 9,
          .tables = {{1, bytes(16)}, {2, bytes(24)}}};
}

TEST(ExtractResult, RoundTrips) {
  const auto back = decode_extract_result(encode(sound()), kTwo).value();
  EXPECT_EQ(back.identity, sound().identity);
  EXPECT_EQ(back.digest, sound().digest);
  EXPECT_EQ(back.width_px, 8u);
  EXPECT_EQ(back.height_px, 9u);
  EXPECT_EQ(back.tables[1].rows, 2u);
  EXPECT_EQ(back.tables[1].values, bytes(24));
}

TEST(ExtractResult, RefusesWhatALyingWorkerCouldSend) {
  const auto refused = [](auto change) {
    auto lie = sound();
    change(lie);
    return !decode_extract_result(encode(lie), kTwo);
  };
  EXPECT_FALSE(refused([](auto& r) { r.tables[1] = {0, {}}; }));
  EXPECT_TRUE(refused([](auto& r) { r.tables[0] = {2, bytes(32)}; }));  // one row was announced
  EXPECT_TRUE(refused([](auto& r) { r.tables[1].rows = 3; }));
  EXPECT_TRUE(refused([](auto& r) { r.tables[1].rows = 0xffffffff; }));
  EXPECT_TRUE(refused([](auto& r) { r.tables[0].values.pop_back(); }));
  EXPECT_TRUE(refused([](auto& r) { r.tables[0].values.push_back({}); }));
  EXPECT_TRUE(refused([](auto& r) { r.tables.pop_back(); }));
  EXPECT_TRUE(refused([](auto& r) { r.tables.push_back({1, bytes(4)}); }));
  const auto whole = encode(sound());
  for (size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_extract_result(std::span(whole).first(size), kTwo));
}

TEST(WireReader, BelievesNoLength) {
  WireWriter out;
  out.put(uint64_t{1} << 60);
  const auto lie = out.take();
  EXPECT_FALSE(WireReader(lie, "x").take_bytes(UINT64_MAX));
  EXPECT_FALSE(WireReader(lie, "x").take_bytes(100));
  EXPECT_FALSE(WireReader({}, "x").take<uint32_t>());
  EXPECT_FALSE(WireReader(lie, "x").end());
  EXPECT_EQ(WireReader(lie, "thing").end().error().message, "thing: more than was announced");
}

}  // namespace
}  // namespace pairloom::jobs
