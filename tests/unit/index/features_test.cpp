// Features of extractors: kept by content, one version at a time.
#include <gmock/gmock.h>

#include "index/schema.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Features : public IndexTest {
 protected:
  Features() {
    auto writer = open_writer();
    const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
    const DirectoryId directory = value(writer.directory("/a", 1)).id;
    for (uint64_t seed = 1; seed <= 3; ++seed) value(writer.put(run, image(directory, std::to_string(seed), seed)));
    value(writer.commit());
  }

  static ExtractorRow lbp(uint32_t version = 1) {
    return {.name = "lbp",
            .parameters = "points=8",
            .version = version,
            .element = "u8",
            .one_row = true,
            .columns = {"x", "y"},
            .row_bytes = 2};
  }
  static Digest digest_of(uint64_t seed) { return {.lo = seed, .hi = ~seed}; }
  static bool put(IndexWriter& writer, uint64_t seed, ExtractorId extractor, const char (&text)[3]) {
    const auto content = value(writer.indexed_content("/a/" + std::to_string(seed), identity_of(seed)));
    const FeatureRow row{extractor, 1, std::as_bytes(std::span(text).first(2))};
    return value(writer.put_features(content.value(), digest_of(seed), std::span(&row, 1)));
  }
  std::vector<std::string> stored() const {
    return sql("SELECT content || ' ' || name || ' ' || version || ' ' || hex(data) FROM v_features ORDER BY 1");
  }
};

TEST_F(Features, AreKeptByContentAndReplacedByNewOnes) {
  auto writer = open_writer();
  const ExtractorId id = value(writer.extractor(lbp()));
  EXPECT_TRUE(put(writer, 1, id, "AB"));
  EXPECT_TRUE(put(writer, 2, id, "CD"));
  EXPECT_TRUE(put(writer, 1, id, "EF"));
  value(writer.commit());
  EXPECT_THAT(stored(), ElementsAre("1 lbp 1 4546", "2 lbp 1 4344"));
  EXPECT_THAT(sql("SELECT parameters || ' ' || element || ' ' || columns || ' ' || rows FROM v_features LIMIT 1"),
              ElementsAre("points=8 u8 x,y 1"));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Features, SayWhichContentsHaveThem) {
  auto writer = open_writer();
  const ExtractorId a = value(writer.extractor(lbp()));
  ExtractorRow other = lbp();
  other.parameters = "points=16";
  const ExtractorId b = value(writer.extractor(other));
  EXPECT_NE(a, b);
  put(writer, 1, a, "AB");
  put(writer, 2, a, "AB");
  put(writer, 2, b, "AB");
  EXPECT_FALSE(value(writer.has_features(1, std::vector{a, b})));
  EXPECT_TRUE(value(writer.has_features(2, std::vector{a, b})));
  EXPECT_TRUE(value(writer.has_features(1, std::vector{a})));
}

TEST_F(Features, AnExtractorIsFoundAgainByNameAndParameters) {
  const ExtractorId first = value(open_writer().extractor(lbp()));
  EXPECT_EQ(value(open_writer().extractor(lbp())), first);
}

TEST_F(Features, ANewerVersionForgetsTheOlderOnes) {
  auto writer = open_writer();
  put(writer, 1, value(writer.extractor(lbp(1))), "AB");
  const ExtractorId newer = value(writer.extractor(lbp(2)));
  EXPECT_FALSE(value(writer.has_features(1, std::vector{newer})));
  put(writer, 2, newer, "CD");
  value(writer.commit());
  EXPECT_THAT(stored(), ElementsAre("2 lbp 2 4344"));
  const auto older = writer.extractor(lbp(1));
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Errc::kRefused);
  EXPECT_THAT(older.error().message, HasSubstr("version 2, newer than this one's 1"));
}

TEST_F(Features, OtherColumnsNeedAnotherVersion) {
  auto writer = open_writer();
  value(writer.extractor(lbp()));
  ExtractorRow changed = lbp();
  changed.columns = {"x", "z"};
  EXPECT_THAT(writer.extractor(changed).error().message, HasSubstr("needs a higher version"));
}

TEST_F(Features, AreOnlyTakenForTheBytesThatTheIndexKnows) {
  auto writer = open_writer();
  const ExtractorId id = value(writer.extractor(lbp()));
  EXPECT_FALSE(value(writer.indexed_content("/a/1", identity_of(2))));  // changed since
  EXPECT_FALSE(value(writer.indexed_content("/a/9", identity_of(9))));
  const FeatureRow row{id, 1, {}};
  EXPECT_FALSE(value(writer.put_features(1, digest_of(2), std::span(&row, 1))));
  EXPECT_THAT(stored(), IsEmpty());
}

TEST_F(Features, GoWithTheirContentWhenItIsPruned) {
  {
    auto writer = open_writer();
    const ExtractorId id = value(writer.extractor(lbp()));
    put(writer, 1, id, "AB");
    put(writer, 2, id, "CD");
    const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
    const auto directory = value(writer.find_directory("/a")).value().id;
    value(writer.mark_gone(run, directory, "1"));
    value(writer.commit());
    value(writer.prune(false));
  }
  EXPECT_THAT(stored(), ElementsAre("2 lbp 1 4344"));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Features, OfTheWrongLengthAreFoundByVerify) {
  {
    auto writer = open_writer();
    put(writer, 1, value(writer.extractor(lbp())), "AB");
    value(writer.commit());
  }
  sql("UPDATE feature SET data = x'00'");
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("feature lbp of content 1")));
}

// An index of schema 1 had everything but the tables of features.
TEST_F(Features, AnIndexOfSchema2IsBroughtUpToDateAndKeepsWhatItHas) {
  ASSERT_THAT(sql("DROP VIEW v_groups; DROP TABLE group_member; DROP TABLE grouping; DROP TABLE crowded; "
                  "DROP TABLE pairing_task; DROP TABLE pairing_plan; "
                  "DROP VIEW v_features; DROP TABLE feature; DROP TABLE extractor; ALTER TABLE pairing DROP COLUMN wanted; "
                  "ALTER TABLE algorithm DROP COLUMN next_position; "
                  "PRAGMA user_version = 2"),
              IsEmpty());
  EXPECT_EQ(IndexReader::open(path()).error().code, Errc::kRefused);
  auto writer = open_writer();
  EXPECT_TRUE(put(writer, 3, value(writer.extractor(lbp())), "AB"));
  value(writer.commit());
  EXPECT_EQ(sql_value("PRAGMA user_version"), std::to_string(kSchemaVersion));
  EXPECT_THAT(stored(), ElementsAre("3 lbp 1 4142"));
  EXPECT_EQ(live_paths(*std::make_unique<IndexReader>(open_reader())).size(), 3u);
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace pairloom::index
