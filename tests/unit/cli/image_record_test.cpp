// Rows of an export come back as they were, and what is no such row is refused.
#include "cli/image_record.h"

#include <gtest/gtest.h>

#include "cli/group_filter.h"

namespace pairloom::cli {
namespace {

ImageRecord record(const std::string& path) {
  ImageRecord r;
  r.path = path;
  r.identity = {0, UINT64_MAX, 12'345, -1'500'000'001, 1'714'564'800'123'456'789};
  r.content.digest = {7, UINT64_MAX};
  r.content.size_bytes = 12'345;
  r.content.image = {ImageFormat::kWebp, 640, 480, 6, 77, 4, true, true, true};
  r.content.warning = "cut \"short\",\nat the end";
  r.content.accuracy = Accuracy::kFull;
  r.codes[Algorithm::kPdq] = {{1, 2, 3, UINT64_MAX}};
  r.codes[Algorithm::kDhash] = {{42, 0, 0, 0}};
  return r;
}
const std::vector<Algorithm> kBoth = {Algorithm::kPdq, Algorithm::kDhash};

void expect_equal(const ImageRecord& a, const ImageRecord& b) {
  EXPECT_EQ(a.path, b.path);
  EXPECT_EQ(a.identity, b.identity);
  EXPECT_EQ(a.content.digest, b.content.digest);
  EXPECT_EQ(a.content.size_bytes, b.content.size_bytes);
  EXPECT_EQ(json_row(a, kBoth), json_row(b, kBoth)) << "everything else";
}

const char* const kNames[] = {"/a.jpg", "/with\nnewline/and\ttab", "/not \xff\xfe utf-8", "/quote\"d, and comma", "/\\back"};

TEST(ImageRecord, ComesBackFromJson) {
  for (const char* name : kNames) expect_equal(image_from_json(json_row(record(name), kBoth)).value().value(), record(name));
}

TEST(ImageRecord, ComesBackFromCsv) {
  const auto columns = parse_csv_row(csv_head(kBoth)).value();
  for (const char* name : kNames) {
    const auto fields = parse_csv_row(csv_line(record(name), kBoth));
    ASSERT_TRUE(fields);
    expect_equal(image_from_csv(columns, *fields).value(), record(name));
  }
}

TEST(ImageRecord, RowsWithOpenQuotesGoOn) {
  EXPECT_FALSE(parse_csv_row("a,\"b"));
  EXPECT_EQ(parse_csv_row("a,\"b\nc\"\"d\",\r\n").value(), (std::vector<std::string>{"a", "b\nc\"d", ""}));
}

TEST(ImageRecord, OtherRecordsArePassedOver) {
  EXPECT_FALSE(image_from_json(R"({"type":"header"})").value());
  EXPECT_FALSE(image_from_json("{}").value());
}

TEST(ImageRecord, NonsenseIsRefused) {
  const std::string good = json_row(record("/a"), kBoth);
  ASSERT_TRUE(image_from_json(good));
  const std::pair<const char*, const char*> lies[] = {
      {"\"text\":\"/a\"", "\"text\":\"a\""},
      {"\"text\":\"/a\"", "\"text\":\"/x/../a\""},
      {"\"text\":\"/a\"", "\"text\":\"/a/\""},
      {"\"bytes\":12345", "\"bytes\":0"},
      {"\"w\":640", "\"w\":0"},
      {"\"orientation\":6", "\"orientation\":9"},
      {"\"quality\":77", "\"quality\":101"},
      {"\"format\":\"webp\"", "\"format\":\"exe\""},
      {"\"accuracy\":\"full\"", "\"accuracy\":\"perfect\""},
      {"\"reduction\":4", "\"reduction\":0"},
      {"\"inode\":18446744073709551615", "\"inode\":-1"},
      {"\"dhash\":\"000000000000002a\"", "\"dhash\":\"2a\""},
      {"\"dhash\"", "\"sha1\""},
      {"\"digest\":\"ffff", "\"digest\":\"ff"},
      {".123456789Z", "Z"},
  };
  for (const auto& [from, to] : lies) {
    std::string bad = good;
    const size_t at = bad.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    bad.replace(at, std::string(from).size(), to);
    EXPECT_FALSE(image_from_json(bad)) << to;
  }
  for (size_t n = 0; n + 1 < good.size(); ++n) EXPECT_FALSE(image_from_json(good.substr(0, n))) << n;
}

TEST(GroupFilter, TimesAreDatesOrAgo) {
  constexpr int64_t kSecond = 1'000'000'000, kNow = 1'000'000 * kSecond;
  EXPECT_EQ(time_from_text("1970-01-02", kNow).value(), 86'400 * kSecond);
  EXPECT_EQ(time_from_text("1970-01-02T00:01", kNow).value(), 86'460 * kSecond);
  EXPECT_EQ(time_from_text("1970-01-02T00:01:05Z", kNow).value(), 86'465 * kSecond);
  EXPECT_GT(time_from_text("2999-01-01", kNow).value(), int64_t{9'000'000'000} * kSecond) << "beyond 64 bits of nanoseconds";
  EXPECT_EQ(time_from_text("2d", kNow).value(), kNow - 2 * 86'400 * kSecond);
  EXPECT_EQ(time_from_text("30m", kNow).value(), kNow - 1'800 * kSecond);
  for (const char* bad : {"", "d", "-1d", "yesterday", "2026-13-01", "2026-02-30", "2026-05-01 x", "1e3d"})
    EXPECT_FALSE(time_from_text(bad, kNow)) << bad;
}

}  // namespace
}  // namespace pairloom::cli
