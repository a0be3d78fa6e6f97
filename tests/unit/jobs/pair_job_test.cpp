#include "jobs/pair_job.h"

#include <gtest/gtest.h>

namespace pairloom::jobs {
namespace {

PairSetup some_setup() {
  PairSetup setup{Algorithm::kDhash, 8, 11, 12, 4'000'000'001, 77, 4, {}};
  setup.words[0] = {8, 2};
  return setup;
}

TEST(PairSetup, RoundTrips) {
  const auto back = decode_pair_setup(encode(some_setup())).value();
  EXPECT_EQ(back.algorithm, Algorithm::kDhash);
  EXPECT_EQ(back.radius, 8u);
  EXPECT_EQ(back.index_id, 11u);
  EXPECT_EQ(back.generation, 12u);
  EXPECT_EQ(back.count, 4'000'000'001u);
  EXPECT_EQ(back.known_positions, 77u);
  EXPECT_EQ(back.known_radius, 4);
  EXPECT_EQ(back.words[0].radius, 8);
  EXPECT_EQ(back.words[0].equal_blocks, 2u);
  EXPECT_EQ(back.words[1].radius, -1);
}

TEST(PairSetup, RefusesARadiusBeyondTheCode) {
  PairSetup setup = some_setup();
  setup.radius = 65;
  EXPECT_FALSE(decode_pair_setup(encode(setup)));
  EXPECT_FALSE(decode_pair_setup({}));
}

TEST(PairTask, RoundTripsAndRefusesWhatIsNone) {
  const auto back = decode_pair_task(encode(PairTask{PairTask::Kind::kJoin, 3, 7, 0, 5, 9})).value();
  EXPECT_EQ(back.kind, PairTask::Kind::kJoin);
  EXPECT_EQ(back.word, 3u);
  EXPECT_EQ(back.block, 7u);
  EXPECT_EQ(back.first, 5u);
  EXPECT_EQ(back.last, 9u);
  EXPECT_FALSE(decode_pair_task(encode(PairTask{PairTask::Kind::kScan, 0, 0, 0, 9, 5})));
  EXPECT_FALSE(decode_pair_task(encode(PairTask{PairTask::Kind{4}, 0, 0, 0, 5, 9})));
  EXPECT_FALSE(decode_pair_task(encode(PairTask{PairTask::Kind::kJoin, 4, 0, 0, 5, 9})));
  EXPECT_FALSE(decode_pair_task(encode(PairTask{PairTask::Kind::kJoin, 0, 64, 0, 5, 9})));
}

TEST(PairResult, RoundTrips) {
  const PairResult sent{{{0, 2, 0}, {1, 4'000'000'000u, 8}}, {5}};
  const auto got = decode_pair_result(encode(sent), some_setup()).value();
  ASSERT_EQ(got.pairs.size(), 2u);
  EXPECT_EQ(got.pairs[1].b, 4'000'000'000u);
  EXPECT_EQ(got.crowded, sent.crowded);
  EXPECT_TRUE(decode_pair_result(encode(PairResult{}), some_setup()).value().pairs.empty());
}

TEST(PairResult, RefusesWhatALyingWorkerCouldSend) {
  for (const Pair lie : {Pair{2, 1, 0}, Pair{1, 1, 0}, Pair{0, 4'000'000'001u, 1}, Pair{1, 2, 9}})
    EXPECT_FALSE(decode_pair_result(encode(PairResult{{lie}, {}}), some_setup()));
  EXPECT_FALSE(decode_pair_result(encode(PairResult{{}, {4'000'000'001u}}), some_setup()));
  auto bytes = encode(PairResult{{{0, 2, 0}}, {5}});
  bytes.pop_back();
  EXPECT_FALSE(decode_pair_result(bytes, some_setup()));
  EXPECT_FALSE(decode_pair_result({}, some_setup()));
}

}  // namespace
}  // namespace pairloom::jobs
