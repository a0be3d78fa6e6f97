#include "cli/path_text.h"

#include <gtest/gtest.h>

#include "tests/unit/cli/decode.h"

namespace pairloom::cli {
namespace {

TEST(PathText, HostileNamesComeBackFromJson) {
  for (const auto& name : test::hostile_names()) {
    const std::string line = json_line({{"path", json_path(name)}});
    EXPECT_EQ(line.find('\n'), line.size() - 1) << name;
    EXPECT_EQ(test::from_json_path(nlohmann::json::parse(line).at("path")), name);
  }
}

TEST(PathText, InvalidUtf8IsBytesInJson) {
  EXPECT_EQ(json_path("a\xff").dump(), R"({"bytes":"Yf8="})");
  EXPECT_EQ(json_path("a").dump(), R"({"text":"a"})");
}

TEST(PathText, MessagesThatAreNotUtf8DoNotThrow) {
  EXPECT_EQ(json_line({{"message", "bad \xff"}}), "{\"message\":\"bad \xef\xbf\xbd\"}\n");
}

TEST(PathText, HostileNamesComeBackFromLines) {
  for (const auto& name : test::hostile_names()) {
    const std::string line = line_path("/d/" + name);
    for (const char c : line) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7F) << line;
    EXPECT_EQ(test::from_line(line), "/d/" + name);
    EXPECT_EQ(test::from_line(line_path(name)), name);
  }
}

TEST(PathText, OrdinaryNamesAreLinesAsTheyAre) {
  EXPECT_EQ(line_path("/a b/\xff\\c.jpg"), "/a b/\xff\\c.jpg");
  EXPECT_EQ(line_path("/a\nb\\"), "\\/a\\nb\\\\");
}

TEST(PathText, HostileNamesComeBackFromCsv) {
  for (const auto& name : test::hostile_names()) {
    const auto column = csv_path(name);
    const auto rows = test::from_csv(csv_row({"1", column.path, column.encoding, "x"}));
    ASSERT_EQ(rows.size(), 1u) << name;
    ASSERT_EQ(rows[0].size(), 4u) << name;
    EXPECT_EQ(test::from_csv_path(rows[0][1], rows[0][2]), name);
    EXPECT_EQ(rows[0][3], "x");
  }
}

TEST(PathText, CsvQuotesOnlyWhatMustBe) {
  EXPECT_EQ(csv_row({"a", "b c", "d,e", "f\"g", "h\ni", ""}), "a,b c,\"d,e\",\"f\"\"g\",\"h\ni\",\n");
}

TEST(PathText, TimesAreUtcWithNanoseconds) {
  EXPECT_EQ(utc_time(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(utc_time(1'714'564'800'123'456'789), "2024-05-01T12:00:00.123456789Z");
  EXPECT_EQ(utc_time(-1), "1969-12-31T23:59:59.999999999Z");
}

TEST(PathText, CanonicalPathsLoseDotsAndSlashes) {
  EXPECT_EQ(canonical_path("/"), "/");
  EXPECT_EQ(canonical_path("/usr/../usr//"), "/usr");
  EXPECT_EQ(canonical_path("/no/such/./directory/../x/"), "/no/such/x");
  EXPECT_TRUE(canonical_path("here").starts_with('/'));
}

}  // namespace
}  // namespace pairloom::cli
