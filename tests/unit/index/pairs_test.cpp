// Stored pairs, how far they are complete, and who carries them when a content is gone.
#include <gmock/gmock.h>

#include <tuple>

#include "index/pairing_store.h"
#include "index/stand_ins.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Triple = std::tuple<uint32_t, uint32_t, uint32_t>;

// Contents 1..n are named by their ids. Their codes are given by the number of low bits set, so that distances are
// plain.
class Pairs : public IndexTest {
 protected:
  Pairs() : writer(open_writer()), run(value(writer.begin_run(RunKind::kAdd, ""))) {
    directory = value(writer.directory("/a", 1)).id;
  }
  static Code low_bits(int count) {
    Code code;
    for (int i = 0; i < count; ++i) code.words[static_cast<size_t>(i / 64)] |= 1ull << (i % 64);
    return code;
  }
  FileResult file(uint64_t id, int bits, Accuracy accuracy = Accuracy::kDefault) {
    FileResult result = image(directory, std::to_string(id), id);
    result.codes[0].code = low_bits(bits);
    result.accuracy = accuracy;
    return result;
  }
  void add(std::vector<int> bits) {
    for (const int b : bits) value(writer.put(run, file(++last_id, b)));
    value(writer.commit());
  }
  void put(std::vector<PairRow> rows) { value(writer.put_pairs(Algorithm::kPdq, rows)); }
  void gone(uint64_t id) { value(writer.mark_gone(run, directory, std::to_string(id))); }
  std::vector<Triple> pairs(uint32_t max_distance = 256) {
    std::vector<Triple> rows;
    value(open_reader().visit_pairs(Algorithm::kPdq, max_distance, [&](const PairRow& pair) -> Result<> {
      rows.emplace_back(pair.a, pair.b, pair.distance);
      return {};
    }));
    return rows;
  }
  PairingState state() { return value(writer.pairing_state(Algorithm::kPdq)); }

  IndexWriter writer;
  RunId run;
  DirectoryId directory;
  uint64_t last_id = 0;
};

TEST_F(Pairs, AreStoredOnceAndReadByDistance) {
  add({0, 3, 10});
  put({{1, 2, 3}, {2, 3, 7}});
  put({{1, 2, 3}});
  value(writer.commit());
  EXPECT_THAT(pairs(), ElementsAre(Triple(1, 2, 3), Triple(2, 3, 7)));
  EXPECT_THAT(pairs(3), ElementsAre(Triple(1, 2, 3)));
  EXPECT_THAT(pairs(2), IsEmpty());
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Pairs, RefusesWhatCannotBeAPair) {
  add({0, 3});
  for (const PairRow& bad :
       {PairRow{2, 1, 3}, PairRow{1, 1, 0}, PairRow{1, 9, 3}, PairRow{0, 1, 3}, PairRow{1, 2, 257}}) {
    EXPECT_EQ(writer.put_pairs(Algorithm::kPdq, std::vector{bad}).error().code, Errc::kInvalidArgument);
  }
  EXPECT_EQ(writer.put_pairs(Algorithm::kDhash, std::vector{PairRow{1, 2, 65}}).error().code, Errc::kInvalidArgument);
}

TEST_F(Pairs, WatermarkIsKept) {
  EXPECT_EQ(state().code_count, 0u);
  add({0, 1, 2, 3});
  EXPECT_EQ(state().radius, 0u);
  EXPECT_EQ(state().position, 0u);
  EXPECT_EQ(state().code_count, 4u);
  value(writer.set_pairing_state(Algorithm::kPdq, 31, 3));
  EXPECT_EQ(state().radius, 31u);
  EXPECT_EQ(state().position, 3u);
  value(writer.set_pairing_state(Algorithm::kPdq, 48, 0));
  EXPECT_EQ(value(open_reader().pairing_state(Algorithm::kPdq)).radius, 48u);
  EXPECT_FALSE(writer.set_pairing_state(Algorithm::kPdq, 31, 5));   // beyond the codes
  EXPECT_FALSE(writer.set_pairing_state(Algorithm::kPdq, 257, 0));  // beyond the bits
}

TEST_F(Pairs, AreKeptAsFarAsWasAskedFor) {
  add({0, 3, 10, 40});
  put({{1, 2, 3}, {2, 3, 7}, {1, 3, 10}, {3, 4, 30}});
  value(writer.set_pairing_state(Algorithm::kPdq, 31, 4));
  EXPECT_EQ(value(writer.wanted_pairings()), 0u);
  value(writer.want_pairs(Algorithm::kPdq, 7));
  EXPECT_THAT(pairs(), ElementsAre(Triple(1, 2, 3), Triple(2, 3, 7)));
  EXPECT_EQ(state().radius, 7u);
  EXPECT_EQ(state().position, 4u) << "nothing nearer is missing";
  EXPECT_EQ(state().wanted, 7u);
  value(writer.want_pairs(Algorithm::kPdq, 48));
  EXPECT_EQ(state().radius, 7u) << "until they have been found";
  EXPECT_EQ(state().wanted, 48u);
  value(writer.set_pairing_state(Algorithm::kPdq, 48, 4));
  EXPECT_EQ(state().wanted, 48u);
  EXPECT_EQ(value(writer.wanted_pairings()), set_of(Algorithm::kPdq));
  EXPECT_EQ(value(open_reader().pairing_state(Algorithm::kPdq)).wanted, 48u);
  value(writer.want_pairs(Algorithm::kPdq, 0));
  EXPECT_EQ(state().radius, 31u);
  EXPECT_EQ(state().wanted, 0u);
  EXPECT_EQ(writer.want_pairs(Algorithm::kPdq, 257).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(state().wanted, 0u);
  EXPECT_THAT(problems(), IsEmpty());
}

// What a plan says is done was stored; when pairs are deleted, that is no longer so.
TEST_F(Pairs, APlanIsForgottenWithThePairsItFound) {
  add({0, 3, 40});
  value(writer.set_pairing_state(Algorithm::kPdq, 4, 3));
  const auto has_plan = [&] { return value(writer.pairing_store().work(Algorithm::kPdq)).has_value(); };
  const auto begin = [&] {
    value(writer.commit());
    value(writer.pairing_store().begin_work(Algorithm::kPdq, {{std::byte{1}}, {{{std::byte{2}}, 1, true}}}));
  };
  begin();
  value(writer.want_pairs(Algorithm::kPdq, info(Algorithm::kPdq).similar));
  EXPECT_TRUE(has_plan()) << "nothing changes";
  value(writer.want_pairs(Algorithm::kPdq, 20));
  EXPECT_FALSE(has_plan());
  begin();
  value(writer.want_pairs(Algorithm::kPdq, 20));
  EXPECT_TRUE(has_plan());
  value(writer.want_pairs(Algorithm::kPdq, 0));
  EXPECT_FALSE(has_plan());
}

TEST_F(Pairs, OfCodesThatHaveNoneByDefaultGoWhenNobodyWantsThemAnyMore) {
  FileResult a = file(1, 0), b = file(2, 3);
  for (FileResult* result : {&a, &b}) {
    result->codes = {{Algorithm::kDhash, result->codes[0].code}};
    value(writer.put(run, *result));
  }
  value(writer.want_pairs(Algorithm::kDhash, 4));
  value(writer.put_pairs(Algorithm::kDhash, std::vector<PairRow>{{1, 2, 3}}));
  value(writer.set_pairing_state(Algorithm::kDhash, 4, 2));
  EXPECT_EQ(sql_value("SELECT count(*) FROM pair"), "1");
  value(writer.want_pairs(Algorithm::kDhash, 0));
  EXPECT_EQ(sql_value("SELECT count(*) FROM pair"), "0");
  EXPECT_EQ(value(writer.pairing_state(Algorithm::kDhash)).position, 0u);
  EXPECT_EQ(value(writer.wanted_pairings()), 0u);
}

TEST_F(Pairs, OfGoneContentsAreNotShownUntilTheyComeBack) {
  add({0, 3, 10});
  put({{1, 2, 3}, {2, 3, 7}});
  gone(1);
  value(writer.commit());
  EXPECT_THAT(pairs(), ElementsAre(Triple(2, 3, 7)));
  value(writer.put(run, file(1, 0)));
  value(writer.commit());
  EXPECT_THAT(pairs(), ElementsAre(Triple(1, 2, 3), Triple(2, 3, 7)));
}

// Contents 1, 2 and 3 have equal codes; 1 represents them, so only it is paired with 4. When 1 goes, 2 and 3 are still
// each other's equals and still near 4, though no stored row says so.
TEST_F(Pairs, ALiveEqualStandsInForAGoneRepresentative) {
  add({0, 0, 0, 5});
  put({{1, 2, 0}, {1, 3, 0}, {1, 4, 5}});
  gone(1);
  value(writer.commit());
  EXPECT_THAT(pairs(), ElementsAre(Triple(2, 3, 0), Triple(2, 4, 5)));
  EXPECT_THAT(pairs(4), ElementsAre(Triple(2, 3, 0)));
  gone(2);
  value(writer.commit());
  EXPECT_THAT(pairs(), ElementsAre(Triple(3, 4, 5)));
  gone(4);
  value(writer.commit());
  EXPECT_THAT(pairs(), IsEmpty());
}

TEST_F(Pairs, StandInsOnBothSides) {
  add({0, 0, 5, 5});
  put({{1, 2, 0}, {1, 3, 5}, {3, 4, 0}});
  gone(1);
  gone(3);
  value(writer.commit());
  EXPECT_THAT(pairs(), ElementsAre(Triple(2, 4, 5)));
}

TEST_F(Pairs, PruneHandsPairsToTheStandIn) {
  add({0, 0, 0, 5, 50});
  put({{1, 2, 0}, {1, 3, 0}, {1, 4, 5}, {4, 5, 45}});
  value(writer.set_pairing_state(Algorithm::kPdq, 60, 5));
  gone(1);
  gone(5);
  EXPECT_EQ(value(writer.prune(false)).contents, 2u);
  EXPECT_THAT(pairs(), ElementsAre(Triple(2, 3, 0), Triple(2, 4, 5)));
  EXPECT_EQ(sql_value("SELECT count(*) FROM pair"), "2");
  EXPECT_EQ(state().position, 3u);
  EXPECT_EQ(state().code_count, 3u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Pairs, AReplacedCodeTakesItsPairsAway) {
  add({0, 0, 5, 7, 9});
  put({{1, 2, 0}, {1, 3, 5}, {3, 4, 2}});
  value(writer.set_pairing_state(Algorithm::kPdq, 31, 4));
  value(writer.put(run, file(1, 200, Accuracy::kFull)));
  value(writer.commit());
  // Before the run has ended: what was near 1 was near 2, and 1 itself is not paired yet.
  EXPECT_THAT(pairs(), ElementsAre(Triple(2, 3, 5), Triple(3, 4, 2)));
  const PairingState seen = value(open_reader().pairing_state(Algorithm::kPdq));
  EXPECT_EQ(seen.position, 3u);
  EXPECT_EQ(seen.code_count, 5u);

  const PairingState settled = state();
  EXPECT_THAT(pairs(), ElementsAre(Triple(2, 3, 5), Triple(3, 4, 2)));
  EXPECT_EQ(settled.position, 3u);
  EXPECT_EQ(settled.code_count, 5u);
  EXPECT_THAT(problems(), IsEmpty());
  // Below the watermark are exactly the contents that were paired and kept their codes.
  EXPECT_THAT(sql("SELECT content FROM code WHERE position < 3 ORDER BY content"), ElementsAre("2", "3", "4"));
}

TEST_F(Pairs, AreReadInPagesWithoutLossOrRepetition) {
  add(std::vector<int>(200, 0));
  std::vector<PairRow> rows;
  for (uint32_t a = 1; a <= 200; ++a) {
    for (uint32_t b = a + 1; b <= 200; ++b) rows.push_back({a, b, 0});
  }
  put(rows);
  gone(1);
  value(writer.commit());
  const auto found = pairs();
  EXPECT_EQ(found.size(), 199u * 198 / 2);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));
  EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
}

// --- StandIns

TEST(StandIns, AreTheLowestPresentOfTheirClass) {
  StandIns stand_ins;
  stand_ins.add_equal(5, 9);
  stand_ins.add_equal(7, 9);
  stand_ins.add_equal(1, 2);
  stand_ins.choose([](ContentId content) { return content == 7 || content == 9; });
  EXPECT_EQ(stand_ins.of(5), 7u);
  EXPECT_EQ(stand_ins.of(1), 0u);   // nobody of its class is present
  EXPECT_EQ(stand_ins.of(77), 0u);  // has no class
}

TEST(StandIns, LongChainsAreOneClass) {
  StandIns stand_ins;
  for (ContentId i = 100; i > 1; --i) stand_ins.add_equal(i - 1, i);
  stand_ins.choose([](ContentId content) { return content == 100; });
  EXPECT_EQ(stand_ins.of(1), 100u);
}

std::vector<std::byte> bytes(std::string_view text) {
  const auto view = std::as_bytes(std::span(text));
  return {view.begin(), view.end()};
}

TEST_F(Pairs, WorkThatWasCutShortIsRemembered) {
  add({0, 3, 10});
  const PairingWork work{bytes("set-up"), {{bytes("one"), 0.25, false}, {bytes(""), 0.75, false}}};
  {
    auto store = writer.pairing_store();
    EXPECT_FALSE(value(store.work(Algorithm::kPdq)));
    value(store.begin_work(Algorithm::kPdq, work));
    put({{1, 2, 3}});
    value(writer.commit());
    value(store.note_done(Algorithm::kPdq, std::vector<uint64_t>{1}, {}));
  }
  const auto found = value(value(PairingStore::open(path())).work(Algorithm::kPdq));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->setup, work.setup);
  ASSERT_EQ(found->tasks.size(), 2u);
  EXPECT_FALSE(found->tasks[0].done);
  EXPECT_TRUE(found->tasks[1].done);
  EXPECT_EQ(found->tasks[0].payload, work.tasks[0].payload);
  EXPECT_EQ(found->tasks[1].share, 0.75);
  EXPECT_THAT(problems(), IsEmpty());
  value(writer.set_pairing_state(Algorithm::kPdq, 31, 3));
  EXPECT_FALSE(value(value(PairingStore::open(path())).work(Algorithm::kPdq))) << "it is finished";
}

TEST_F(Pairs, CrowdedCodesAreNoted) {
  add({0, 3, 10});
  auto store = writer.pairing_store();
  value(store.note_done(Algorithm::kPdq, {}, std::vector<ContentId>{2, 2, 99}));
  value(store.note_done(Algorithm::kPdq, {}, std::vector<ContentId>{2}));
  EXPECT_EQ(value(store.crowded_count(Algorithm::kPdq)), 1u) << "once, and only what has a code";
  gone(2);
  value(writer.prune(false));
  EXPECT_EQ(value(store.crowded_count(Algorithm::kPdq)), 0u);
}

TEST_F(Pairs, GroupsAreThereInSql) {
  add({0, 3, 10, 200});
  value(writer.put(run, image(directory, "copy of 4", 4)));
  value(writer.commit());
  auto store = writer.pairing_store();
  const search::Group group{{{2, 0}, {1, 3}, {3, 7}}, 7};
  value(store.put_groups(run, Algorithm::kPdq, 31, std::vector{group}));
  const std::string question = "SELECT algorithm || ' ' || \"group\" || ' ' || path || ' ' || distance FROM v_groups "
                               "ORDER BY algorithm DESC, path";
  EXPECT_THAT(sql(question), ElementsAre("pdq 1 /a/1 3", "pdq 1 /a/2 0", "pdq 1 /a/3 7", "bytes 4 /a/4 0",
                                         "bytes 4 /a/copy of 4 0"));
  value(store.put_groups(run, Algorithm::kPdq, 31, {}));
  EXPECT_THAT(sql(question), ElementsAre("bytes 4 /a/4 0", "bytes 4 /a/copy of 4 0"));
}

TEST_F(Pairs, ContentsOfARunAndLaterOnes) {
  add({0, 3});
  const RunId second = value(writer.begin_run(RunKind::kAdd, ""));
  value(writer.put(second, file(3, 10)));
  value(writer.put(second, image(directory, "another name of 1", 1)));
  value(writer.commit());
  auto store = value(PairingStore::open(path()));
  EXPECT_THAT(value(store.contents_since(run)), ElementsAre(1u, 2u, 3u));
  EXPECT_THAT(value(store.contents_since(second)), ElementsAre(1u, 3u));
  EXPECT_THAT(value(store.contents_since(second + 1)), IsEmpty());
}

}  // namespace
}  // namespace pairloom::index
