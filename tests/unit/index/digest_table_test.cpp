#include "index/digest_table.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

Digest digest_of(uint64_t n) {
  std::mt19937_64 random(n);
  return {random(), random()};
}

class DigestTableTest : public IndexTest {
 protected:
  static constexpr uint64_t kIndexId = 0x1234567;
  std::string table_path() const { return path() + "-digests"; }
  DigestTable create(uint64_t expected = 0) { return value(DigestTable::create(table_path(), kIndexId, expected)); }
  std::optional<DigestTable> open(uint64_t token, uint64_t index_id = kIndexId) {
    return value(DigestTable::open(table_path(), index_id, token));
  }
  static ContentId find(DigestTable& table, uint64_t n, ContentId wanted) {
    return value(table.find(digest_of(n), [&](ContentId id) -> Result<bool> { return id == wanted; }));
  }
};

TEST_F(DigestTableTest, FindsWhatWasInsertedWhileItGrowsAndAfterwards) {
  constexpr ContentId kEntries = 60'000;  // from 8,192 slots to 131,072
  auto table = create();
  value(table.begin_session());
  for (ContentId n = 1; n <= kEntries; ++n) {
    ASSERT_EQ(find(table, n, n), 0u) << n;
    value(table.insert(digest_of(n), n));
    if (n % 4096 == 0) value(table.flush());
    ASSERT_EQ(find(table, n, n), n);
    ASSERT_EQ(find(table, n / 2 + 1, n / 2 + 1), n / 2 + 1);
  }
  value(table.end_session());
  auto again = open(table.token());
  ASSERT_TRUE(again);
  for (ContentId n = 1; n <= kEntries; ++n) ASSERT_EQ(find(*again, n, n), n);
  for (ContentId n = kEntries + 1; n <= 2 * kEntries; ++n) ASSERT_EQ(find(*again, n, n), 0u);
}

// Nothing can be missed even if every digest falls on one slot.
TEST_F(DigestTableTest, EqualDigestsAreAllOffered) {
  auto table = create();
  value(table.begin_session());
  for (ContentId n = 1; n <= 1000; ++n) value(table.insert(digest_of(7), n));
  value(table.flush());
  for (const ContentId n : {1u, 500u, 1000u}) EXPECT_EQ(find(table, 7, n), n);
  std::vector<ContentId> offered;
  EXPECT_EQ(value(table.find(digest_of(7),
                             [&](ContentId id) -> Result<bool> {
                               offered.push_back(id);
                               return false;
                             })),
            0u);
  EXPECT_THAT(offered, SizeIs(1000));
}

// Entries of the last slots go on at the table's beginning: growing must find them there.
TEST_F(DigestTableTest, RunsThatWrapAroundTheEndSurviveGrowing) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    auto table = create();
    value(table.begin_session());
    // 5,500 equal digests: a run of two thirds of the table, which wraps around from most places it can begin at.
    for (ContentId n = 1; n <= 5'500; ++n) value(table.insert(digest_of(seed), n));
    value(table.flush());
    for (ContentId n = 5'501; n <= 7'000; ++n) value(table.insert(digest_of(seed + n), n));  // makes it grow
    value(table.flush());
    EXPECT_EQ(find(table, seed, 1), 1u) << seed;
    EXPECT_EQ(find(table, seed, 5'500), 5'500u) << seed;
    for (ContentId n = 5'501; n <= 7'000; n += 37) ASSERT_EQ(find(table, seed + n, n), n) << seed;
  }
}

TEST_F(DigestTableTest, IsBelievedOnlyWithItsTokenAndForItsIndex) {
  auto table = create();
  EXPECT_FALSE(open(0)) << "before its first session";
  value(table.begin_session());
  const uint64_t token = table.token();
  EXPECT_TRUE(open(token)) << "a session that was not ended: the machine has not been down since";
  EXPECT_FALSE(open(token + 1)) << "the index is of another state";
  EXPECT_FALSE(open(token, kIndexId + 1)) << "another index";
  value(table.end_session());
  EXPECT_TRUE(open(token));
  value(table.begin_session());
  EXPECT_FALSE(open(token)) << "insertions that the index may not know of";
}

TEST_F(DigestTableTest, IsNotBelievedAfterAPowerCutOrWhenCut) {
  auto table = create();
  value(table.begin_session());
  const auto spoil = [&](std::streamoff at, const std::string& bytes) {
    std::fstream file(table_path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  };
  spoil(32, std::string(16, 'x'));  // the boot id of a machine that went down in a session
  EXPECT_FALSE(open(table.token()));
  value(table.end_session());
  EXPECT_TRUE(open(table.token()));
  spoil(32, std::string(16, 'x'));  // it does not matter to a table that was closed
  EXPECT_TRUE(open(table.token()));
  std::filesystem::resize_file(table_path(), 10'000);
  EXPECT_FALSE(open(table.token()));
  std::filesystem::resize_file(table_path(), 10);
  EXPECT_FALSE(open(table.token()));
}

TEST_F(DigestTableTest, SaysWhatADeadWriterMayNotHaveWritten) {
  auto table = create();
  value(table.begin_session());
  for (ContentId n = 1; n <= 100; ++n) value(table.insert(digest_of(n), n));
  EXPECT_EQ(open(table.token())->complete_below(), 1u);
  value(table.flush());
  EXPECT_EQ(open(table.token())->complete_below(), 101u);
  for (ContentId n = 101; n <= 110; ++n) value(table.insert(digest_of(n), n));
  value(table.take_back(51));  // of the index, which had committed 50
  EXPECT_EQ(open(table.token())->complete_below(), 51u);
  value(table.flush());
  EXPECT_EQ(open(table.token())->complete_below(), 51u) << "those after 50 are nothing to it";
  for (ContentId n = 51; n <= 60; ++n) value(table.insert(digest_of(1000 + n), n));
  value(table.end_session());
  auto again = open(table.token());
  EXPECT_EQ(again->complete_below(), 61u);
  for (ContentId n = 51; n <= 60; ++n) EXPECT_EQ(find(*again, 1000 + n, n), n);
}

// What the index makes of it.

class DigestsOfIndex : public DigestTableTest {
 protected:
  // A run with images `first` to `last`, and the number of contents after it.
  uint64_t add(uint64_t first, uint64_t last, const std::string& directory) {
    auto writer = open_writer();
    const auto run = value(writer.begin_run(RunKind::kAdd, ""));
    const auto known = value(writer.directory(directory, 1));
    for (uint64_t n = first; n <= last; ++n) value(writer.put(run, image(known.id, std::to_string(n), n)));
    value(writer.finish_run(run, {}, {}));
    return value(open_reader().info()).contents;
  }
  std::vector<std::string> problems() { return value(open_reader().verify()); }
};

TEST_F(DigestsOfIndex, ByteIdenticalFilesShareAContentAcrossRuns) {
  EXPECT_EQ(add(1, 50, "/a"), 50u);
  EXPECT_EQ(add(30, 80, "/b"), 80u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(DigestsOfIndex, ALostOrForeignTableIsMadeAgain) {
  add(1, 50, "/a");
  std::filesystem::remove(table_path());
  EXPECT_EQ(value(open_reader().content_by_digest({.lo = 7, .hi = ~uint64_t{7}}, identity_of(7).size_bytes)), 7u);
  EXPECT_EQ(add(1, 60, "/b"), 60u);
  const auto old = path() + "-copy";
  std::filesystem::copy_file(table_path(), old);
  EXPECT_EQ(add(61, 70, "/c"), 70u);
  std::filesystem::rename(old, table_path());  // put back from a backup: it lacks 61 to 70
  EXPECT_EQ(add(55, 70, "/d"), 70u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(DigestsOfIndex, AWriterThatIsKilledLosesNoEntryOfWhatItCommitted) {
  add(1, 10, "/a");
  const pid_t child = ::fork();
  if (child == 0) {
    auto writer = open_writer();
    const auto run = value(writer.begin_run(RunKind::kAdd, ""));
    const auto known = value(writer.directory("/b", 1));
    for (uint64_t n = 11; n <= 30; ++n) {
      value(writer.put(run, image(known.id, std::to_string(n), n)));
      if (n == 20) value(writer.commit());  // 21 to 30 are lost, and their ids will be others'
    }
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_EQ(add(15, 40, "/c"), 40u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(DigestsOfIndex, ReadersFindWhatTheWriterHasNotPutThereYet) {
  add(1, 10, "/a");
  auto writer = open_writer();
  const auto run = value(writer.begin_run(RunKind::kAdd, ""));
  const auto known = value(writer.directory("/b", 1));
  for (uint64_t n = 11; n <= 20; ++n) value(writer.put(run, image(known.id, std::to_string(n), n)));
  value(writer.commit());
  for (const uint64_t n : {3u, 15u})
    EXPECT_EQ(value(open_reader().content_by_digest({.lo = n, .hi = ~n}, identity_of(n).size_bytes)), n);
  EXPECT_EQ(value(open_reader().content_by_digest({.lo = 21, .hi = ~uint64_t{21}}, identity_of(21).size_bytes)), std::nullopt);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(DigestsOfIndex, WhatWasPrunedCanComeBack) {
  add(1, 20, "/a");
  {
    auto writer = open_writer();
    const auto run = value(writer.begin_run(RunKind::kAdd, ""));
    const auto known = value(writer.directory("/a", 1));
    for (const char* name : {"3", "4"}) value(writer.mark_gone(run, known.id, name));
    value(writer.finish_run(run, {}, {}));
    EXPECT_EQ(value(writer.prune(false)).contents, 2u);
  }
  EXPECT_EQ(add(1, 20, "/b"), 20u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(DigestsOfIndex, VerifyFindsContentsOfTheSameBytes) {
  add(1, 5, "/a");
  sql("UPDATE content SET digest = (SELECT digest FROM content WHERE id = 1), size = (SELECT size FROM content WHERE id = 1) "
      "WHERE id = 2");
  EXPECT_THAT(problems(), ::testing::Contains(::testing::HasSubstr("contents 1 and 2 are of the same bytes")));
}

}  // namespace
}  // namespace pairloom::index
