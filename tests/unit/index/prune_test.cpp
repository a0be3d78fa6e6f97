#include <gmock/gmock.h>

#include <random>
#include <set>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Prune : public IndexTest {
 protected:
  Prune() : writer(open_writer()), run(value(writer.begin_run(RunKind::kAdd, ""))) {
    value(writer.note_root("/photos", 1));
    keep = value(writer.directory("/photos/keep", 1)).id;
    drop = value(writer.directory("/photos/drop/deep", 1)).id;
  }

  IndexWriter writer;
  RunId run;
  DirectoryId keep, drop;
};

TEST_F(Prune, ForgetsTombstonesAndWhatOnlyTheyHeld) {
  value(writer.put(run, image(keep, "a", 1)));
  value(writer.put(run, image(drop, "copy of a", 1)));
  value(writer.put(run, image(drop, "b", 2)));
  value(writer.put(run, failure(drop, "c", Outcome::kCorrupt, "broken")));
  value(writer.mark_directory_gone(run, drop));
  value(writer.commit());
  const uint64_t generation = writer.generation();

  const auto would = value(writer.prune(true));
  EXPECT_EQ(would.files, 3u);
  EXPECT_EQ(would.contents, 1u);
  EXPECT_EQ(would.directories, 2u);  // deep, and drop above it
  EXPECT_EQ(value(open_reader().info()).gone, 3u);
  EXPECT_EQ(writer.generation(), generation);

  const auto did = value(writer.prune(false));
  EXPECT_EQ(did.files, 3u);
  EXPECT_EQ(did.contents, 1u);
  EXPECT_EQ(did.directories, 2u);
  EXPECT_EQ(writer.generation(), generation + 1);
  EXPECT_THAT(sql("SELECT CAST(path AS TEXT) FROM directory ORDER BY path"),
              ElementsAre("/", "/photos", "/photos/keep"));
  EXPECT_EQ(sql_value("SELECT count(*) FROM failure"), "0");
  EXPECT_EQ(value(open_reader().codes(Algorithm::kPdq)).size(), 1u);
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_EQ(value(writer.prune(false)).files, 0u);
}

TEST_F(Prune, KeepsRootsThatAreEmpty) {
  value(writer.note_root("/photos/drop/deep", 1));
  EXPECT_EQ(value(writer.prune(false)).directories, 1u);  // only /photos/keep
}

TEST_F(Prune, DoesNotUseContentIdsAgain) {
  value(writer.put(run, image(drop, "a", 1)));
  value(writer.mark_gone(run, drop, "a"));
  value(writer.prune(false));
  drop = value(writer.directory("/photos/drop/deep", 1)).id;
  value(writer.put(run, image(drop, "b", 2)));
  EXPECT_EQ(value(writer.known_file(drop, "b", false))->content, 2u);
}

TEST_F(Prune, OfEverythingLeavesAnEmptyIndexThatWorks) {
  for (uint64_t i = 0; i < 100; ++i) value(writer.put(run, image(drop, std::to_string(i), i)));
  value(writer.mark_directory_gone(run, drop));
  EXPECT_EQ(value(writer.prune(false)).contents, 100u);
  EXPECT_EQ(value(open_reader().codes(Algorithm::kPdq)).size(), 0u);
  EXPECT_THAT(problems(), IsEmpty());
  keep = value(writer.directory("/photos/keep", 1)).id;
  value(writer.put(run, image(keep, "new", 500)));
  value(writer.commit());
  EXPECT_EQ(value(open_reader().codes(Algorithm::kPdq)).size(), 1u);
  EXPECT_THAT(problems(), IsEmpty());
}

// Whatever is removed, and wherever the watermark stands: codes stay dense, and below the watermark are exactly the
// contents that were there before and are left.
TEST_F(Prune, WatermarkKeepsItsMeaning) {
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    const RunId next = value(writer.begin_run(RunKind::kAdd, ""));
    keep = value(writer.directory("/photos/keep", 1)).id;
    for (uint64_t i = 0; i < 6000; i += 1 + random() % 300) {
      const uint64_t seed = static_cast<uint64_t>(round) * 10'000 + i;
      value(writer.put(next, image(keep, std::to_string(seed), seed)));
    }
    value(writer.commit());
    const uint64_t count = value(writer.pairing_state(Algorithm::kPdq)).code_count;
    const uint64_t watermark = random() % (count + 1);
    value(writer.set_pairing_state(Algorithm::kPdq, 31, watermark));

    std::multiset<uint32_t> paired, unpaired;
    std::vector<KnownFile> files;
    value(writer.known_files(keep, false, files));
    std::set<uint32_t> dead;
    for (const KnownFile& file : files) {
      if (random() % 3 != 0) continue;
      value(writer.mark_gone(next, keep, file.name));
      dead.insert(file.content);
    }
    {
      const auto codes = value(open_reader().codes(Algorithm::kPdq));
      for (uint64_t i = 0; i < codes.size(); ++i) {
        if (!dead.contains(codes.content_id(i))) (i < watermark ? paired : unpaired).insert(codes.content_id(i));
      }
    }
    value(writer.prune(false));

    const PairingState state = value(writer.pairing_state(Algorithm::kPdq));
    EXPECT_EQ(state.position, paired.size());
    EXPECT_EQ(state.code_count, paired.size() + unpaired.size());
    const auto codes = value(open_reader().codes(Algorithm::kPdq));
    ASSERT_EQ(codes.size(), state.code_count);
    for (uint64_t i = 0; i < codes.size(); ++i) {
      EXPECT_TRUE((i < state.position ? paired : unpaired).contains(codes.content_id(i)));
    }
    EXPECT_THAT(problems(), IsEmpty());
  }
}

}  // namespace
}  // namespace pairloom::index
