#include "index/schema.h"

#include <gmock/gmock.h>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Schema = IndexTest;

TEST_F(Schema, CreatesAnIndexThatOpensAgain) {
  uint64_t id = 0;
  {
    auto writer = open_writer();
    id = writer.index_id();
    EXPECT_EQ(writer.path(), path());
  }
  EXPECT_EQ(open_writer().index_id(), id);
  EXPECT_EQ(sql_value("PRAGMA application_id"), std::to_string(kApplicationId));
  EXPECT_EQ(sql_value("PRAGMA user_version"), std::to_string(kSchemaVersion));
  EXPECT_EQ(sql_value("PRAGMA journal_mode"), "wal");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Schema, MakesTheDirectoryOfTheIndex) {
  const std::string deep = (directory_ / "a" / "b" / "index.db").string();
  EXPECT_TRUE(IndexWriter::open(deep, "test").has_value());
}

TEST_F(Schema, TwoIndexesHaveDifferentIds) {
  auto other = value(IndexWriter::open((directory_ / "other.db").string(), "test"));
  EXPECT_NE(open_writer().index_id(), other.index_id());
}

TEST_F(Schema, RefusesANewerVersion) {
  open_writer();
  sql("PRAGMA user_version = 99");
  const auto writer = IndexWriter::open(path(), "test");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Errc::kIndexTooNew);
  EXPECT_THAT(writer.error().message, HasSubstr("update pairloom"));
  const auto reader = IndexReader::open(path());
  ASSERT_FALSE(reader);
  EXPECT_EQ(reader.error().code, Errc::kIndexTooNew);
}

TEST_F(Schema, RefusesGarbage) {
  std::ofstream(path()) << std::string(10000, 'x');
  for (const Errc code : {IndexWriter::open(path(), "test").error().code, IndexReader::open(path()).error().code}) {
    EXPECT_EQ(code, Errc::kIndexCorrupt);
  }
  EXPECT_EQ(std::filesystem::file_size(path()), 10000u);  // untouched
}

TEST_F(Schema, RefusesAnotherProgramsDatabaseAndLeavesItAlone) {
  sql("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
  const auto writer = IndexWriter::open(path(), "test");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Errc::kIndexCorrupt);
  EXPECT_THAT(writer.error().message, HasSubstr("another program"));
  EXPECT_EQ(IndexReader::open(path()).error().code, Errc::kIndexCorrupt);
  EXPECT_THAT(sql("SELECT name FROM sqlite_schema"), ElementsAre("theirs"));
  EXPECT_EQ(sql_value("PRAGMA journal_mode"), "delete");
}

TEST_F(Schema, ReaderSaysWhenThereIsNothing) {
  const auto missing = IndexReader::open(path());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::kIndexMissing);
  EXPECT_THAT(missing.error().message, HasSubstr("pairloom scan"));
  std::ofstream(path()).close();
  EXPECT_EQ(IndexReader::open(path()).error().code, Errc::kIndexMissing);  // an empty file
}

TEST_F(Schema, ADirectoryIsNotAnIndex) {
  std::filesystem::create_directory(path());
  EXPECT_FALSE(IndexWriter::open(path(), "test"));
  EXPECT_FALSE(IndexReader::open(path()));
}

// --- the migration mechanism, with steps made up for the test

const Migration kSteps[] = {{1, "CREATE TABLE one (x); INSERT INTO one VALUES (1)"},
                                {2, "ALTER TABLE one ADD COLUMN y; UPDATE one SET y = x + 1"},
                                {3, "CREATE TABLE three AS SELECT y + 1 AS z FROM one"}};

class Migrations : public IndexTest {
 protected:
  Result<> migrate_to(size_t steps) {
    auto database = value(Database::open(path(), Database::Mode::kCreate));
    return migrate(database, std::span(kSteps).first(steps));
  }
};

TEST_F(Migrations, RunTheMissingStepsInOrder) {
  value(migrate_to(1));
  EXPECT_EQ(sql_value("PRAGMA user_version"), "1");
  value(migrate_to(3));
  EXPECT_EQ(sql_value("SELECT z FROM three"), "3");
  EXPECT_EQ(sql_value("PRAGMA user_version"), "3");
}

TEST_F(Migrations, DoNothingToACurrentIndex) {
  value(migrate_to(3));
  value(migrate_to(3));
  EXPECT_EQ(sql_value("SELECT count(*) FROM one"), "1");
}

TEST_F(Migrations, AllOrNothing) {
  value(migrate_to(1));
  const Migration kBroken[] = {
      kSteps[0], kSteps[1], {3, "CREATE TABLE three (z); INSERT INTO no_such_table VALUES (1)"}};
  auto database = value(Database::open(path(), Database::Mode::kCreate));
  EXPECT_FALSE(migrate(database, kBroken));
  EXPECT_EQ(sql_value("PRAGMA user_version"), "1");
  EXPECT_EQ(sql_value("SELECT count(*) FROM pragma_table_info('one')"), "1");  // step 2 was undone as well
  EXPECT_EQ(sql_value("SELECT count(*) FROM sqlite_schema WHERE name = 'three'"), "0");
  value(migrate(database, kSteps));  // and it works once the step does
}

TEST_F(Migrations, RefuseToGoBack) {
  value(migrate_to(3));
  EXPECT_EQ(migrate_to(2).error().code, Errc::kIndexTooNew);
}

TEST(MigrationList, EndsAtTheSchemaVersionWithoutGaps) {
  int32_t version = 0;
  for (const Migration& step : migrations()) EXPECT_EQ(step.to_version, ++version);
  EXPECT_EQ(version, kSchemaVersion);
}

}  // namespace
}  // namespace pairloom::index
