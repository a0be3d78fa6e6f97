#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <tuple>

#include "search/hamming_scan.h"
#include "test_codes.h"

namespace pairloom::search {

bool operator==(const PairHit& x, const PairHit& y) {
  return std::tie(x.a, x.b, x.distance) == std::tie(y.a, y.b, y.distance);
}
bool operator<(const PairHit& x, const PairHit& y) {
  return std::tie(x.a, x.b, x.distance) < std::tie(y.a, y.b, y.distance);
}
void PrintTo(const PairHit& p, std::ostream* out) {
  *out << "{" << p.a << ", " << p.b << ": " << p.distance << "}";
}

namespace {

PairHit make_pair_hit(const Entry& x, const Entry& y) {
  return {std::min(x.content_id, y.content_id), std::max(x.content_id, y.content_id),
          static_cast<uint32_t>(hamming_distance(x.code, y.code))};
}

bool is_within(const Code& x, const Code& y, int radius) {
  for (size_t w = 0; w < x.words.size() && radius >= 0; ++w) radius -= __builtin_popcountll(x.words[w] ^ y.words[w]);
  return radius >= 0;
}

// What the header says, word by word: representatives first, then a plain double loop over them.
std::vector<PairHit> expected_pairs(const std::vector<Entry>& entries, size_t first, size_t last, int radius,
                                    bool low) {
  std::map<Code, size_t> earliest;
  std::vector<size_t> representatives;
  std::vector<PairHit> pairs;
  for (size_t i = 0; i < last; ++i) {
    if (!low && (entries[i].flags & kLowInformation) != 0) continue;
    const auto [it, is_representative] = earliest.try_emplace(entries[i].code, i);
    if (i >= first && !is_representative) pairs.push_back(make_pair_hit(entries[it->second], entries[i]));
    if (i >= first && is_representative) {
      for (const size_t r : representatives) {
        if (is_within(entries[r].code, entries[i].code, radius)) pairs.push_back(make_pair_hit(entries[r], entries[i]));
      }
    }
    if (is_representative) representatives.push_back(i);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::vector<PairHit> found_pairs(const CodeFile& codes, uint64_t first, uint64_t last, int radius,
                                 const ScanOptions& options = {}) {
  std::vector<PairHit> pairs;
  pairs_of_range(
      codes, first, last, radius,
      [&](std::span<const PairHit> some) {
        pairs.insert(pairs.end(), some.begin(), some.end());
        return true;
      },
      nullptr, options);
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

std::vector<PairHit> up_to(std::vector<PairHit> pairs, int radius) {
  std::erase_if(pairs, [&](const PairHit& pair) { return static_cast<int>(pair.distance) > radius; });
  return pairs;
}

class HammingPairsTest : public testing::TestWithParam<Algorithm> {
 protected:
  Algorithm algorithm() const { return GetParam(); }
  int bits() const { return bits_of(algorithm()); }
  static ScanOptions with(Kernel kernel, bool low = false) {
    return {.include_low_information = low, .kernel = kernel};
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

// Every pair is a hit, more than a batch can hold: batches shrink. What their dropped queries had seen was then taken
// for earlier equals of themselves.
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
  entries[7'000].code.words[0] ^= 3;
  std::reverse(entries.begin(), entries.end());  // the representative has the highest content id
  const auto pairs = found_pairs(in_memory(entries, algorithm()), 0, entries.size(), 10);
  ASSERT_EQ(pairs.size(), 9'999u);
  for (const PairHit& pair : pairs) {
    EXPECT_EQ(pair.b, 10'000u);
    EXPECT_EQ(pair.distance, pair.a == 7'001 ? 2u : 0u);
  }
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
  pairs_of_range(
      in_memory(entries, Algorithm::kPdq), 0, 5'000, 31, [&](auto) { return ++visits < 2; }, nullptr);
  EXPECT_EQ(visits, 2);
}

TEST(HammingPairs, ProgressRisesToTheLengthOfTheRange) {
  const auto entries = clustered_entries(20'000, Algorithm::kPdq, 10);
  std::vector<uint64_t> done;
  pairs_of_range(
      in_memory(entries, Algorithm::kPdq), 5'000, 20'000, 31, [](auto) { return true; },
      [&](uint64_t positions) { done.push_back(positions); });
  EXPECT_GT(done.size(), 20u);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), 15'000u);
}

}  // namespace
}  // namespace pairloom::search
