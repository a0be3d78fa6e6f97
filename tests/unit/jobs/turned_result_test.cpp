#include "jobs/turned_result.h"

#include <gtest/gtest.h>

#include <utility>

namespace pairloom::jobs {
namespace {

constexpr AlgorithmSet kAsked = set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash) | kTurnedCodes;

TurnedResult honest_result() {
  TurnedResult sent;
  sent.result.outcome = Outcome::kIndexed;
  sent.result.message = "a warning";
  sent.result.image = {ImageFormat::kJpeg, 640, 480, 6, 99, 2, true, false, true};
  sent.result.codes = {{Algorithm::kPdq, Code{{1, 2, 3, 4}}}, {Algorithm::kDhash, Code{{5, 0, 0, 0}}}};
  for (const auto& of : sent.result.codes)
    for (uint8_t orientation = 2; orientation <= 8; ++orientation)
      sent.turned.push_back({of.algorithm, orientation, Code{{orientation, 0, 0, 0}}});
  return sent;
}

TEST(TurnedResult, RoundTrips) {
  const auto got = decode_turned_result(encode(honest_result()), kAsked).value();
  EXPECT_EQ(got.result.message, "a warning");
  EXPECT_EQ(got.result.codes.size(), 2u);
  ASSERT_EQ(got.turned.size(), 14u);
  EXPECT_EQ(got.turned[8].algorithm, Algorithm::kDhash);
  EXPECT_EQ(got.turned[8].orientation, 3);
  EXPECT_EQ(got.turned[8].code.words[0], 3u);
}

TEST(TurnedResult, AFailureHasNone) {
  TurnedResult sent;
  sent.result.outcome = Outcome::kCorrupt;
  EXPECT_EQ(decode_turned_result(encode(sent), kAsked).value().result.outcome, Outcome::kCorrupt);
  sent.turned = honest_result().turned;
  EXPECT_FALSE(decode_turned_result(encode(sent), kAsked));
}

TEST(TurnedResult, LiesAreRefused) {
  TurnedResult lie = honest_result();
  std::swap(lie.turned[0], lie.turned[1]);
  EXPECT_FALSE(decode_turned_result(encode(lie), kAsked)) << "out of order";
  lie = honest_result();
  lie.turned.pop_back();
  EXPECT_FALSE(decode_turned_result(encode(lie), kAsked)) << "too few";
  lie = honest_result();
  lie.turned[13].code.words[3] = 1;
  EXPECT_FALSE(decode_turned_result(encode(lie), kAsked)) << "bits beyond the code";
  std::vector<std::byte> bytes = encode(honest_result());
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(decode_turned_result(std::span(bytes).first(n), kAsked)) << n;
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(decode_turned_result(bytes, kAsked));
}

}  // namespace
}  // namespace pairloom::jobs
