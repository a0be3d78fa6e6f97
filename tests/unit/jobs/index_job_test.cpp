#include "jobs/index_job.h"

#include <gtest/gtest.h>

#include <random>

namespace pairloom::jobs {
namespace {

constexpr AlgorithmSet kAsked = set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash);

IndexResult honest_result() {
  IndexResult result;
  result.outcome = Outcome::kIndexed;
  result.message = "Premature end of JPEG file";
  result.identity = {1, 2, 3000, 4, 5};
  result.digest = {6, 7};
  result.image = {ImageFormat::kJpeg, 640, 480, 6, 99, 2, true, false, true};
  Code pdq, dhash;
  pdq.words = {1, 2, 3, 4};
  dhash.words = {5, 0, 0, 0};
  result.codes = {{Algorithm::kPdq, pdq}, {Algorithm::kDhash, dhash}};
  return result;
}

void expect_refused(const IndexResult& result, const char* why, AlgorithmSet asked = kAsked) {
  const auto decoded = decode_index_result(encode(result), asked);
  ASSERT_FALSE(decoded) << why;
  EXPECT_EQ(decoded.error().code, Errc::kProtocol) << why;
}

TEST(IndexSetup, RoundTrips) {
  const auto back = decode_index_setup(encode(IndexSetup{kAsked, Accuracy::kFull, {123, 456, 7, 8}})).value();
  EXPECT_EQ(back.algorithms, kAsked);
  EXPECT_EQ(back.accuracy, Accuracy::kFull);
  EXPECT_EQ(back.limits, (ReadLimits{123, 456, 7, 8}));
  EXPECT_FALSE(decode_index_setup({}));
}

TEST(IndexResult, RoundTrips) {
  const IndexResult sent = honest_result();
  const auto got = decode_index_result(encode(sent), kAsked).value();
  EXPECT_EQ(got.outcome, sent.outcome);
  EXPECT_EQ(got.message, sent.message);
  EXPECT_EQ(got.identity, sent.identity);
  EXPECT_EQ(got.digest, sent.digest);
  EXPECT_EQ(got.image.width_px, 640u);
  EXPECT_EQ(got.image.orientation, 6);
  EXPECT_TRUE(got.image.animated);
  EXPECT_FALSE(got.image.has_alpha);
  EXPECT_TRUE(got.image.damaged);
  ASSERT_EQ(got.codes.size(), 2u);
  EXPECT_EQ(got.codes[0].code, sent.codes[0].code);
  EXPECT_EQ(got.codes[1].algorithm, Algorithm::kDhash);
}

TEST(IndexResult, FailureCarriesItsReasonOnly) {
  IndexResult sent;
  sent.outcome = Outcome::kCorrupt;
  sent.message = std::string(2000, 'x');
  const auto got = decode_index_result(encode(sent), kAsked).value();
  EXPECT_EQ(got.outcome, Outcome::kCorrupt);
  EXPECT_EQ(got.message, std::string(500, 'x')) << "long reasons are cut, not refused";
}

TEST(IndexResult, RefusesWhatALyingWorkerCouldSend) {
  IndexResult lie = honest_result();
  lie.codes.pop_back();
  expect_refused(lie, "a code is missing");
  lie = honest_result();
  lie.codes.push_back(lie.codes[1]);
  expect_refused(lie, "a code twice");
  lie = honest_result();
  std::swap(lie.codes[0], lie.codes[1]);
  expect_refused(lie, "out of order");
  expect_refused(honest_result(), "not asked for", set_of(Algorithm::kPdq));
  lie = honest_result();
  lie.codes[1].code.words[3] = 1;
  expect_refused(lie, "bits beyond a 64-bit code");
  lie = honest_result();
  lie.outcome = Outcome::kCorrupt;
  expect_refused(lie, "codes of a failure");
  lie = honest_result();
  lie.outcome = static_cast<Outcome>(200);
  expect_refused(lie, "unknown outcome");
  lie = honest_result();
  lie.image.format = ImageFormat::kUnknown;
  expect_refused(lie, "indexed without a format");
  lie = honest_result();
  lie.image.format = static_cast<ImageFormat>(77);
  expect_refused(lie, "unknown format");
  lie = honest_result();
  lie.image.orientation = 9;
  expect_refused(lie, "orientation");
  lie = honest_result();
  lie.image.quality = 101;
  expect_refused(lie, "quality");
  lie = honest_result();
  lie.image.width_px = 0;
  expect_refused(lie, "no pixels");
  lie = honest_result();
  lie.image.reduction = 0;
  expect_refused(lie, "reduction");
}

TEST(IndexResult, RefusesEveryTruncationAndExtension) {
  std::vector<std::byte> bytes = encode(honest_result());
  for (size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode_index_result(std::span(bytes).first(n), kAsked)) << n;
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(decode_index_result(bytes, kAsked));
}

TEST(IndexResult, SurvivesRandomBytes) {
  std::mt19937 random(1);
  std::vector<std::byte> bytes = encode(honest_result());
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> mutated = bytes;
    for (int i = 0; i < 4; ++i) mutated[random() % mutated.size()] = static_cast<std::byte>(random());
    const auto got = decode_index_result(mutated, kAsked);
    if (got && got->outcome == Outcome::kIndexed) {
      EXPECT_EQ(got->codes.size(), 2u);
    }
  }
}

}  // namespace
}  // namespace pairloom::jobs
