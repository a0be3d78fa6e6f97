// An index of each older version, with content, opened by this pairloom: nothing is lost, and nothing asks for more.
#include <gmock/gmock.h>

#include "index/schema.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Migrated : public IndexTest, public testing::WithParamInterface<int32_t> {
 protected:
  // A file of each kind, a pair, and a run that ended.
  void fill() {
    IndexWriter writer = open_writer();
    const RunId run = value(writer.begin_run(RunKind::kAdd, "/photos"));
    const DirectoryId photos = value(writer.directory("/photos", 42)).id;
    value(writer.note_root("/photos", 42));
    value(writer.put(run, image(photos, "a.jpg", 1)));
    FileResult near = image(photos, "b.jpg", 2);
    Code code = code_of(1);
    code.words[0] ^= 0x7F;  // seven bits from the first
    near.codes = {{Algorithm::kPdq, code}};
    value(writer.put(run, near));
    value(writer.put(run, image(photos, "copy of a.jpg", 1)));
    value(writer.put(run, failure(photos, "broken.jpg", Outcome::kCorrupt, "premature end")));
    value(writer.put(run, image(photos, "gone.jpg", 3)));
    value(writer.mark_gone(run, photos, "gone.jpg"));
    value(writer.commit());
    value(writer.put_pairs(Algorithm::kPdq, std::vector<PairRow>{{1, 2, 7}}));
    value(writer.set_pairing_state(Algorithm::kPdq, 31, 3));
    value(writer.finish_run(run, {}, std::vector<WorkerTotals>(1)));
  }

  // Takes the index back to an older version: that version's tables, with what they can hold of today's rows.
  void downgrade(int32_t version) {
    const std::string newer = (directory_ / "newer.db").string();
    ASSERT_EQ(sql_value("PRAGMA wal_checkpoint(TRUNCATE)"), "0");
    std::filesystem::rename(path(), newer);
    for (const auto& entry : std::filesystem::directory_iterator(directory_))
      if (entry.path().filename().string().starts_with("index.db")) std::filesystem::remove_all(entry.path());
    {
      auto database = value(Database::open(path(), Database::Mode::kCreate));
      value(migrate(database, migrations().first(static_cast<size_t>(version))));
    }
    const auto tables = sql("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    ASSERT_THAT(tables, Contains("content"));
    for (const std::string& table : tables) {
      const std::string columns = sql_value("SELECT group_concat(name) FROM pragma_table_info('" + table + "')");
      const auto copied = sql("ATTACH '" + newer + "' AS newer; DELETE FROM main." + table + "; INSERT INTO main." +
                              table + " (" + columns + ") SELECT " + columns + " FROM newer." + table);
      ASSERT_THAT(copied, IsEmpty()) << table;
    }
    ASSERT_EQ(sql_value("PRAGMA user_version"), std::to_string(version));
    ASSERT_EQ(sql_value("SELECT count(*) FROM file"), "5");
  }
};

TEST_P(Migrated, HoldsWhatItHeldAndIsCurrent) {
  fill();
  const auto files = sql("SELECT path || ' ' || outcome FROM v_files ORDER BY path");
  const auto codes = sql("SELECT code FROM v_codes ORDER BY position");
  const auto pairs = sql("SELECT path_a || path_b || distance FROM v_pairs");
  ASSERT_EQ(files.size(), 4u);
  ASSERT_EQ(pairs.size(), 1u);
  downgrade(GetParam());

  // Readers cannot migrate: they say who can.
  const auto reader = IndexReader::open(path());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::kRefused);
  EXPECT_THAT(reader.error().message, HasSubstr("run 'pairloom scan' once"));

  open_writer();
  EXPECT_EQ(sql_value("PRAGMA user_version"), std::to_string(kSchemaVersion));
  EXPECT_EQ(sql("SELECT path || ' ' || outcome FROM v_files ORDER BY path"), files);
  EXPECT_EQ(sql("SELECT code FROM v_codes ORDER BY position"), codes);
  EXPECT_EQ(sql("SELECT path_a || path_b || distance FROM v_pairs"), pairs);
  EXPECT_THAT(sql("SELECT message FROM v_failures"), ElementsAre("premature end"));
  EXPECT_THAT(problems(), IsEmpty());

  // And it goes on: known files are known, new ones find their place.
  IndexWriter writer = open_writer();
  const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
  const DirectoryId photos = value(writer.directory("/photos", 42)).id;
  EXPECT_TRUE(value(writer.known_file(photos, "b.jpg", true)));
  value(writer.put(run, image(photos, "c.jpg", 4)));
  value(writer.put(run, image(photos, "copy of b.jpg", 2)));
  value(writer.finish_run(run, {}, {}));
  EXPECT_EQ(sql_value("SELECT copies FROM v_images WHERE path = '/photos/b.jpg'"), "2");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_P(Migrated, HasTheTablesOfANewIndex) {
  fill();
  // What altering a table leaves behind is spelled otherwise than the same table made at once: columns are compared instead.
  const std::string shape =
      "SELECT m.type || ' ' || m.name || ' ' || CASE WHEN m.type <> 'table' THEN ifnull(m.sql, '') ELSE "
      "(SELECT group_concat(name || type || \"notnull\" || ifnull(dflt_value, '-') || pk) FROM pragma_table_info(m.name)) || "
      "(SELECT wr || strict FROM pragma_table_list(m.name)) || "
      "ifnull((SELECT group_concat(\"from\" || \"table\" || \"to\") FROM pragma_foreign_key_list(m.name)), '') END "
      "FROM sqlite_schema m WHERE m.name NOT LIKE 'sqlite_%' ORDER BY 1";
  const auto of_a_new_one = sql(shape);
  ASSERT_THAT(of_a_new_one, Not(IsEmpty()));
  downgrade(GetParam());
  EXPECT_NE(sql(shape), of_a_new_one);
  open_writer();
  EXPECT_EQ(sql(shape), of_a_new_one);
}

INSTANTIATE_TEST_SUITE_P(FromVersion, Migrated, testing::Range(int32_t{1}, kSchemaVersion));

}  // namespace
}  // namespace pairloom::index
