#include "jobs/pair_job.h"

#include <gtest/gtest.h>

namespace pairloom::jobs {
namespace {

TEST(PairSetup, RoundTrips) {
  const auto back = decode_pair_setup(encode(PairSetup{Algorithm::kDhash, 8, 11, 12, "/x/in dex-codes.dhash"})).value();
  EXPECT_EQ(back.algorithm, Algorithm::kDhash);
  EXPECT_EQ(back.radius, 8u);
  EXPECT_EQ(back.index_id, 11u);
  EXPECT_EQ(back.generation, 12u);
  EXPECT_EQ(back.code_file, "/x/in dex-codes.dhash");
}

TEST(PairSetup, RefusesARadiusBeyondTheCode) {
  EXPECT_FALSE(decode_pair_setup(encode(PairSetup{Algorithm::kDhash, 65, 0, 0, ""})));
  EXPECT_FALSE(decode_pair_setup({}));
}

TEST(PairTask, RoundTripsAndRefusesBackwardRanges) {
  const auto back = decode_pair_task(encode(PairTask{5, 9})).value();
  EXPECT_EQ(back.first, 5u);
  EXPECT_EQ(back.last, 9u);
  EXPECT_FALSE(decode_pair_task(encode(PairTask{9, 5})));
}

TEST(Pairs, RoundTrip) {
  const std::vector<Pair> sent = {{1, 2, 0}, {1, 4'000'000'000u, 31}};
  const auto got = decode_pairs(encode(std::span<const Pair>(sent)), 31).value();
  ASSERT_EQ(got.size(), 2u);
  EXPECT_EQ(got[1].b, 4'000'000'000u);
  EXPECT_TRUE(decode_pairs({}, 31).value().empty());
}

TEST(Pairs, RefuseWhatALyingWorkerCouldSend) {
  for (const Pair lie : {Pair{2, 1, 0}, Pair{1, 1, 0}, Pair{0, 1, 0}, Pair{1, 2, 32}})
    EXPECT_FALSE(decode_pairs(encode(std::span<const Pair>(&lie, 1)), 31));
  EXPECT_FALSE(decode_pairs(std::vector<std::byte>(11), 31));
}

}  // namespace
}  // namespace pairloom::jobs
