// New images wait in memory before they go into the database: nobody may notice.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "index/writer_state.h"
#include "index_fixture.h"
#include "syscall_faults.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WaitingImages : public IndexTest {
 protected:
  WaitingImages() {
    run = value(writer.begin_run(RunKind::kAdd, "/photos"));
    photos = value(writer.directory("/photos", 42)).id;
    value(writer.commit());
  }
  void put(const std::string& name, uint64_t seed) { value(writer.put(run, image(photos, name, seed))); }
  // Live files and the digests of their contents, as stored.
  std::vector<std::string> stored() {
    value(writer.commit());
    return sql("SELECT CAST(name AS TEXT) || ' ' || substr(digest, 32) FROM v_images ORDER BY name");
  }

  IndexWriter writer = open_writer();
  RunId run = 0;
  DirectoryId photos = 0;
};

TEST_F(WaitingImages, OfManyStatementsAreAllStored) {
  const size_t count = 3 * kMaxNewImages + 10;
  for (size_t i = 0; i < count; ++i) {
    FileResult result = image(photos, fmt::format("{:05}", i), i);
    result.codes.push_back({Algorithm::kDhash, code_of(i)});
    result.image.damaged = i == 7;
    result.message = "a line of the decoder";
    value(writer.put(run, result));
  }
  EXPECT_EQ(writer.counts().files, count);
  EXPECT_EQ(writer.counts().contents, count);
  value(writer.commit());
  EXPECT_EQ(sql_value("SELECT count(*) FROM v_images"), std::to_string(count));
  EXPECT_EQ(sql_value("SELECT count(*) FROM v_codes"), std::to_string(2 * count));
  EXPECT_THAT(sql("SELECT name || warning FROM v_images WHERE damaged"), ElementsAre("00007a line of the decoder"));
  EXPECT_EQ(sql_value("SELECT lower(hex(code)) FROM code WHERE content = 5 AND algorithm = 1"),
            sql_value("SELECT code FROM v_codes WHERE content = 5 AND algorithm = 'pdq'"));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, AreSeenByEveryQuestion) {
  put("a.jpg", 1);
  EXPECT_TRUE(value(writer.has_content()));
  put("b.jpg", 2);
  EXPECT_TRUE(value(writer.known_file(photos, "b.jpg", false)));
  put("c.jpg", 3);
  std::vector<KnownFile> known;
  value(writer.known_files(photos, true, known));
  EXPECT_EQ(known.size(), 3u);
  put("d.jpg", 4);
  std::vector<std::string> names;
  value(writer.visit_known_names(photos, [&](const std::string& name) -> Result<> {
    names.push_back(name);
    return {};
  }));
  EXPECT_THAT(names, ElementsAre("a.jpg", "b.jpg", "c.jpg", "d.jpg"));
  put("e.jpg", 5);
  EXPECT_TRUE(value(writer.find_by_inode(42, identity_of(5), false)));
  put("f.jpg", 6);
  EXPECT_TRUE(value(writer.indexed_content("/photos/f.jpg", identity_of(6))));
  const DirectoryId other = value(writer.directory("/other", 42)).id;
  EXPECT_FALSE(value(writer.has_live_files_below(other)));
  value(writer.put(run, image(other, "g.jpg", 7)));
  EXPECT_TRUE(value(writer.has_live_files_below(other)));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, TheSameFileTwiceIsTheSecond) {
  put("a", 1);
  put("a", 2);
  put("b", 3);
  EXPECT_THAT(stored(), ElementsAre("a 2", "b 3"));
  EXPECT_EQ(writer.counts().files, 2u);
  EXPECT_EQ(writer.counts().contents, 2u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, EqualBytesAreOneContent) {
  put("a", 1);
  put("b", 1);
  EXPECT_EQ(stored().size(), 2u);
  EXPECT_EQ(writer.counts().contents, 1u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, ChangedFilesAndThoseThatComeBackAreFoundAmongThem) {
  put("changed", 1);
  put("gone", 2);
  value(writer.put(run, failure(photos, "mended", Outcome::kCorrupt, "premature end")));
  value(writer.mark_gone(run, photos, "gone"));
  value(writer.commit());
  put("new", 3);
  put("changed", 4);
  put("gone", 5);
  put("mended", 6);
  put("newer", 7);
  EXPECT_THAT(stored(), ElementsAre("changed 4", "gone 5", "mended 6", "new 3", "newer 7"));
  EXPECT_EQ(writer.counts().files, 5u);
  EXPECT_EQ(writer.counts().failures, 0u);
  EXPECT_EQ(writer.counts().gone, 0u);
  EXPECT_EQ(writer.counts().contents, 5u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, AFailureOfAFileThatWaitsTakesItsPlace) {
  put("a", 1);
  value(writer.put(run, failure(photos, "a", Outcome::kCorrupt, "premature end")));
  put("b", 2);
  EXPECT_THAT(stored(), ElementsAre("b 2"));
  EXPECT_EQ(writer.counts().failures, 1u);
  EXPECT_EQ(writer.counts().contents, 1u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, AreStoredWhileOthersGather) {
  const size_t count = 4 * kMinNewImages + 3;
  for (size_t i = 0; i < count; ++i) put(fmt::format("{:05}", i), i);
  for (size_t i = 0; i < count; ++i) put(fmt::format("{:05}", i), i % 2 == 0 ? i : count + i);  // half have changed
  EXPECT_EQ(writer.counts().files, count);
  EXPECT_EQ(writer.counts().contents, count);
  value(writer.commit());
  EXPECT_EQ(sql_value("SELECT count(*) FROM v_images"), std::to_string(count));
  EXPECT_EQ(sql_value("SELECT count(*) FROM content WHERE live_files = 0"), std::to_string(count / 2));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, GatherDuringACommit) {
  for (size_t i = 0; i < 300; ++i) put(fmt::format("{:05}", i), i);
  value(writer.begin_commit());
  EXPECT_EQ(writer.uncommitted_changes(), 0u);
  for (size_t i = 300; i < 310; ++i) put(fmt::format("{:05}", i), i);
  EXPECT_EQ(writer.uncommitted_changes(), 10u);
  value(writer.begin_commit());  // of these
  value(writer.begin_commit());  // of nothing
  EXPECT_EQ(sql_value("SELECT count(*) FROM v_images"), "310");
  EXPECT_EQ(value(open_reader().codes(Algorithm::kPdq)).size(), 310u);
  put("a copy", 3);
  put("last", 1000);
  value(writer.begin_commit());
  value(writer.commit());
  EXPECT_EQ(sql_value("SELECT count(*) FROM v_images"), "312");
  EXPECT_EQ(writer.counts().contents, 311u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, AreTakenBackWithACommitThatFails) {
  put("before", 1);
  value(writer.commit());
  for (size_t i = 10; i < 400; ++i) put(fmt::format("{:05}", i), i);
  faults::arm(faults::Effect::kFail, 1, ENOSPC);
  const auto begun = writer.begin_commit();
  const auto put_meanwhile = writer.put(run, image(photos, "meanwhile", 500));
  const auto committed = writer.commit();
  EXPECT_TRUE(faults::disarm());
  ASSERT_FALSE(begun && put_meanwhile && committed);
  value(writer.commit());
  EXPECT_THAT(stored(), ElementsAre("before 1"));
  EXPECT_EQ(writer.counts().files, 1u);
  put("after", 9);
  EXPECT_THAT(stored(), ElementsAre("after 9", "before 1"));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, AFailureWhileOthersGatherIsSaid) {
  put("before", 1);
  value(writer.commit());
  sql("CREATE TRIGGER refuse BEFORE INSERT ON content WHEN NEW.id = 100 BEGIN SELECT RAISE(ABORT, 'not this one'); END");
  Result<> done;
  for (size_t i = 10; done && i < 1000; ++i) done = writer.put(run, image(photos, fmt::format("{:05}", i), i));
  if (done) done = writer.commit();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, testing::HasSubstr("not this one"));
  sql("DROP TRIGGER refuse");
  EXPECT_THAT(stored(), ElementsAre("before 1"));
  for (size_t i = 10; i < 1000; ++i) put(fmt::format("{:05}", i), i);
  value(writer.commit());
  EXPECT_EQ(writer.counts().files, 991u);
  EXPECT_EQ(sql_value("SELECT count(*) FROM v_images"), "991");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(WaitingImages, MoreCodesThanAreKeptAtHandReachTheCodeFile) {
  for (size_t i = 0; i <= kMaxLatestCodes; ++i) put(std::to_string(i), i);
  value(writer.commit());
  put("last", kMaxLatestCodes + 1);
  value(writer.commit());
  EXPECT_EQ(value(open_reader().codes(Algorithm::kPdq)).size(), kMaxLatestCodes + 2);
  EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace pairloom::index
