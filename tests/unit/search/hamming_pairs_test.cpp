#include <gtest/gtest.h>

#include <algorithm>

#include "search/hamming_scan.h"
#include "test_codes.h"

namespace pairloom::search {

namespace {

std::vector<PairHit> found_pairs(const CodeFile& codes, uint64_t first, uint64_t last, int radius,
                                 const ScanOptions& options = {.max_neighbours = kNoLimit}) {
  std::vector<PairHit> pairs;
  pairs_of_range(codes, first, last, radius, collect_into(pairs), options);
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

class HammingPairsTest : public testing::TestWithParam<Algorithm> {
 protected:
  Algorithm algorithm() const { return GetParam(); }
  int bits() const { return bits_of(algorithm()); }
  static ScanOptions with(Kernel kernel, bool low = false) {
    return {.include_low_information = low, .kernel = kernel, .max_neighbours = kNoLimit};
  }
};

INSTANTIATE_TEST_SUITE_P(Bits, HammingPairsTest, testing::Values(Algorithm::kDhash, Algorithm::kPdq),
                         [](const auto& p) { return std::string(pairloom::info(p.param).name); });

TEST_P(HammingPairsTest, EveryKernelEqualsTheDoubleLoop) {
  const std::vector<int> radii = bits() == 64 ? std::vector{4, 12} : std::vector{31, 90};
  for (const auto& entries : {uniform_entries(20'000, algorithm(), 1), clustered_entries(20'000, algorithm(), 2)}) {
    const CodeFile codes = in_memory(entries, algorithm());
    const uint64_t first = 15'000;  // AnyCut... has whole ranges
    const auto expected = expected_pairs(entries, first, codes.size(), radii.back(), false);
    EXPECT_GT(expected.size(), 10u);
    for (const Kernel kernel : available_kernels()) {
      for (const int radius : radii) {
        EXPECT_EQ(found_pairs(codes, first, codes.size(), radius, with(kernel)), up_to(expected, radius))
            << name_of(kernel) << ", radius " << radius;
      }
    }
  }
}

TEST_P(HammingPairsTest, EveryKernelEqualsTheDoubleLoopAtTheEdges) {
  const auto entries = clustered_entries(kBlockCodes + 1, algorithm(), 3);
  for (const size_t count : {0ul, 1ul, 2ul, 511ul, 513ul, 1025ul, 4095ul, 4096ul, 4097ul}) {
    const std::vector<Entry> some(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
    const CodeFile codes = in_memory(some, algorithm());
    for (const bool low : {false, true}) {
      const auto expected = expected_pairs(some, 0, count, 10, low);
      for (const Kernel kernel : available_kernels()) {
        EXPECT_EQ(found_pairs(codes, 0, count, 10, with(kernel, low)), expected) << name_of(kernel) << ", " << count;
      }
    }
  }
}

TEST_P(HammingPairsTest, EqualsTheDoubleLoopWhenEverythingIsWithinTheRadius) {
  const auto entries = clustered_entries(4'000, algorithm(), 4);
  const auto found = found_pairs(in_memory(entries, algorithm()), 3'300, entries.size(), bits());
  EXPECT_GT(found.size(), size_t{1} << 20);
  EXPECT_TRUE(found == expected_pairs(entries, 3'300, entries.size(), bits(), false));  // too many to print
}

TEST_P(HammingPairsTest, AnyCutOfTheRangeGivesTheSamePairs) {
  const auto entries = clustered_entries(10'000, algorithm(), 5);
  const CodeFile codes = in_memory(entries, algorithm());
  const auto whole = found_pairs(codes, 0, codes.size(), 12);
  EXPECT_EQ(whole, expected_pairs(entries, 0, entries.size(), 12, false));
  std::mt19937_64 random(6);
  for (const uint64_t longest : {50ul, 1'000ul, 4'096ul, 9'000ul}) {
    std::vector<PairHit> together;
    for (uint64_t first = 0; first < codes.size();) {
      const uint64_t last = std::min(first + 1 + random() % longest, codes.size());
      const auto part = found_pairs(codes, first, last, 12);
      together.insert(together.end(), part.begin(), part.end());
      first = last;
    }
    std::sort(together.begin(), together.end());
    EXPECT_EQ(together, whole);
  }
}

TEST_P(HammingPairsTest, EqualCodesMakeOnePairEachAndOneWithANeighbour) {
  std::vector<Entry> entries = uniform_entries(10'000, algorithm(), 7);
  for (Entry& e : entries) e.code = entries[0].code;
  entries[2'999].code.words[0] ^= 3;
  const auto pairs = found_pairs(in_memory(entries, algorithm()), 0, entries.size(), 10);
  ASSERT_EQ(pairs.size(), 9'999u);
  for (const PairHit& pair : pairs) {
    EXPECT_EQ(pair.a, 0u);
    EXPECT_EQ(pair.distance, pair.b == 2'999 ? 2u : 0u);
  }
}

TEST_P(HammingPairsTest, ACrowdedCodeKeepsItsFirstNeighboursAndIsNamed) {
  const auto entries = crowd_of(300, algorithm(), 11);
  std::vector<PairHit> pairs;
  std::vector<uint32_t> crowded;
  PairVisitor visitor = collect_into(pairs);
  visitor.crowded = [&](uint32_t position) { crowded.push_back(position); };
  pairs_of_range(in_memory(entries, algorithm()), 0, 300, 10, visitor, {.max_neighbours = 20});
  for (const PairHit& pair : pairs) EXPECT_LT(pair.a, 20u);
  EXPECT_EQ(pairs.size(), 20u * 19 / 2 + 280 * 20);
  ASSERT_EQ(crowded.size(), 279u);
  EXPECT_EQ(crowded.front(), 21u);
}

// What is equal to an earlier code is paired with that one only, also if 20 others come in between.
TEST_P(HammingPairsTest, ACrowdedCodeIsStillCollapsedWithItsEqual) {
  auto entries = crowd_of(300, algorithm(), 12);
  entries[299].code = entries[150].code;
  std::vector<PairHit> pairs;
  pairs_of_range(in_memory(entries, algorithm()), 299, 300, 10, collect_into(pairs), {.max_neighbours = 20});
  EXPECT_EQ(pairs, (std::vector<PairHit>{{150, 299, 0}}));
}

TEST(HammingPairs, LastBeyondTheEndAndEmptyRangesAreHarmless) {
  const auto entries = clustered_entries(100, Algorithm::kPdq, 8);
  const CodeFile codes = in_memory(entries, Algorithm::kPdq);
  EXPECT_EQ(found_pairs(codes, 0, 1'000, 31), expected_pairs(entries, 0, 100, 31, false));
  EXPECT_TRUE(found_pairs(codes, 50, 50, 31).empty());
  EXPECT_TRUE(found_pairs(codes, 100, 200, 31).empty());
  EXPECT_TRUE(found_pairs(codes, 0, 100, -1).empty());
}

TEST(HammingPairs, StopsWhenTheVisitorSaysSo) {
  const auto entries = clustered_entries(5'000, Algorithm::kPdq, 9);
  int visits = 0;
  const PairVisitor visitor{[&](auto) { return ++visits < 2; }, nullptr, nullptr};
  pairs_of_range(in_memory(entries, Algorithm::kPdq), 0, 5'000, 31, visitor);
  EXPECT_EQ(visits, 2);
}

TEST(HammingPairs, GivesSignsOfLife) {
  const auto entries = clustered_entries(20'000, Algorithm::kPdq, 10);
  int signs = 0;
  const PairVisitor visitor{[](auto) { return true; }, nullptr, [&] { ++signs; }};
  pairs_of_range(in_memory(entries, Algorithm::kPdq), 5'000, 20'000, 31, visitor);
  EXPECT_GT(signs, 20);
}

}  // namespace
}  // namespace pairloom::search
