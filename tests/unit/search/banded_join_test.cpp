#include "search/banded_join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <set>

#include "search/join_plan.h"
#include "test_codes.h"

namespace pairloom::search {
namespace {

struct Found {
  std::vector<PairHit> pairs;  // sorted; those of distance 0 as well
  std::vector<uint32_t> crowded;
};

Found join(const CodeFile& codes, const PairingPlan& plan, const PairingRequest& request,
           uint32_t max_neighbours = 254) {
  Found found;
  PairVisitor visitor = collect_into(found.pairs);
  visitor.crowded = [&](uint32_t position) { found.crowded.push_back(position); };
  const auto distinct = DistinctCodes::find(
      codes, request.count, false,
      [&](uint64_t representative, uint64_t equal) {
        if (equal < request.known.positions && request.known.radius >= 0) return;
        found.pairs.push_back({static_cast<uint32_t>(representative), static_cast<uint32_t>(equal), 0});
      },
      nullptr);
  BandedJoin banded(codes, distinct, plan.join,
                    {.known = request.known, .max_neighbours = max_neighbours, .kernel = request.kernel});
  for (const JoinPiece& piece : plan.pieces) banded.run(piece, visitor);
  std::sort(found.pairs.begin(), found.pairs.end());
  return found;
}

std::vector<PairHit> joined_pairs(const CodeFile& codes, const PairingRequest& request) {
  return join(codes, plan_join(codes, request), request).pairs;
}

// Codes that were named as crowded lack pairs; all others have theirs exactly.
void expect_all_but_of_crowds(Found found, std::vector<PairHit> expected, const std::string& what) {
  const std::set<uint32_t> crowded(found.crowded.begin(), found.crowded.end());
  const auto of_crowded = [&](const PairHit& pair) { return crowded.contains(pair.b); };
  EXPECT_TRUE(std::includes(expected.begin(), expected.end(), found.pairs.begin(), found.pairs.end())) << what;
  std::erase_if(expected, of_crowded);
  std::erase_if(found.pairs, of_crowded);
  EXPECT_TRUE(found.pairs == expected) << what << ": " << found.pairs.size() << " pairs, not " << expected.size();
}

PairingRequest request_for(const CodeFile& codes, int radius) {
  PairingRequest request;
  request.count = codes.size();
  request.radius = static_cast<uint32_t>(radius);
  return request;
}

// Few different values in each block, as in pictures of one kind: most buckets are empty and some hold very many.
std::vector<Entry> skewed_entries(size_t count, Algorithm algorithm, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Entry> entries = clustered_entries(count, algorithm, seed);
  for (Entry& entry : entries) {
    if (random() % 4 == 0) continue;
    for (uint64_t& word : entry.code.words) word &= random() & random() & 0x0f0f0f0f0f0f0f0f;
    if (bits_of(algorithm) == 64) std::fill(entry.code.words.begin() + 1, entry.code.words.end(), 0);
  }
  return entries;
}

class BandedJoinTest : public testing::TestWithParam<Algorithm> {
 protected:
  Algorithm algorithm() const { return GetParam(); }
  int bits() const { return bits_of(algorithm()); }
  std::vector<int> radii() const { return bits() == 64 ? std::vector{1, 2, 4, 8, 10} : std::vector{1, 3, 10, 31, 48}; }
};

INSTANTIATE_TEST_SUITE_P(Bits, BandedJoinTest, testing::Values(Algorithm::kDhash, Algorithm::kPdq),
                         [](const auto& p) { return std::string(pairloom::info(p.param).name); });

TEST_P(BandedJoinTest, EqualsTheDoubleLoop) {
  for (const auto& entries : {uniform_entries(20'000, algorithm(), 1), clustered_entries(20'000, algorithm(), 2)}) {
    const CodeFile codes = in_memory(entries, algorithm());
    const auto expected = expected_pairs(entries, 0, codes.size(), radii().back(), false);
    for (const int radius : radii()) {
      const auto request = request_for(codes, radius);
      const Found found = join(codes, plan_join(codes, request), request);
      EXPECT_LT(found.crowded.size(), 6'000u);
      expect_all_but_of_crowds(found, up_to(expected, radius), "radius " + std::to_string(radius));
    }
  }
}

TEST_P(BandedJoinTest, EveryKernelGivesTheSame) {
  const auto entries = clustered_entries(3'000, algorithm(), 3);
  const CodeFile codes = in_memory(entries, algorithm());
  PairingRequest request = request_for(codes, radii()[3]);
  for (const Kernel kernel : available_kernels()) {
    request.kernel = kernel;
    EXPECT_EQ(joined_pairs(codes, request), expected_pairs(entries, 0, 3'000, radii()[3], false)) << name_of(kernel);
  }
}

TEST_P(BandedJoinTest, EqualsTheDoubleLoopOfSkewedCodesUpToCrowds) {
  const auto entries = skewed_entries(8'000, algorithm(), 4);
  const CodeFile codes = in_memory(entries, algorithm());
  const int radius = bits() == 64 ? 4 : 20;
  const auto request = request_for(codes, radius);
  expect_all_but_of_crowds(join(codes, plan_join(codes, request), request),
                           expected_pairs(entries, 0, codes.size(), radius, false), "");
}

TEST_P(BandedJoinTest, EveryNumberOfEqualBlocksAndEveryCutIntoPiecesGivesTheSame) {
  const auto entries = clustered_entries(5'000, algorithm(), 5);
  const CodeFile codes = in_memory(entries, algorithm());
  const int radius = bits() == 64 ? 6 : 27;  // 6 of each word
  const auto request = request_for(codes, radius);
  const auto expected = expected_pairs(entries, 0, codes.size(), radius, false);
  for (uint8_t equal = 1; equal <= 5; ++equal) {
    PairingPlan plan = plan_join(codes, request);
    plan.pieces.clear();
    std::mt19937_64 random(equal);
    for (uint8_t w = 0; w < bits() / 64; ++w) {
      plan.join.words[w].equal = equal;
      const int blocks = plan.join.words[w].blocks();
      for (uint8_t b = 0; b <= plan.join.words[w].radius; ++b) {
        const uint32_t end = 1u << (first_bit(b + 1, blocks) - first_bit(b, blocks));
        for (uint32_t first = 0; first < end;) {
          const auto last = static_cast<uint32_t>(std::min<uint64_t>(end, first + 1 + random() % end));
          plan.pieces.push_back({w, b, first, last});
          first = last;
        }
      }
    }
    ASSERT_TRUE(is_complete(plan.join, bits()));
    std::shuffle(plan.pieces.begin(), plan.pieces.end(), random);
    EXPECT_EQ(join(codes, plan, request).pairs, expected) << "equal blocks: " << int{equal};
  }
}

TEST_P(BandedJoinTest, WithLittleMemoryThereAreMorePiecesAndTheSamePairs) {
  const auto entries = uniform_entries(250'000, algorithm(), 6);
  const CodeFile codes = in_memory(entries, algorithm());
  auto request = request_for(codes, bits() == 64 ? 3 : 15);
  const PairingPlan roomy = plan_join(codes, request);
  request.memory_bytes = 1;
  const PairingPlan narrow = plan_join(codes, request);
  EXPECT_GE(narrow.pieces.size(), 2 * roomy.pieces.size());
  EXPECT_NEAR(std::accumulate(narrow.shares.begin(), narrow.shares.end(), 0.0), 1, 1e-6);
  EXPECT_EQ(join(codes, narrow, request).pairs, join(codes, roomy, request).pairs);
}

TEST_P(BandedJoinTest, LeavesOutWhatIsKnown) {
  const auto entries = clustered_entries(10'000, algorithm(), 7);
  const CodeFile codes = in_memory(entries, algorithm());
  const int radius = radii()[3];
  const auto all = expected_pairs(entries, 0, codes.size(), radius, false);
  auto request = request_for(codes, radius);
  for (const uint64_t positions : {0u, 1u, 4'711u, 9'990u, 10'000u}) {
    for (const int known_radius : {radius / 2, radius, radius + 1}) {
      request.known = {positions, known_radius};
      auto missing = all;
      std::erase_if(missing, [&](const PairHit& pair) {
        return pair.b < positions && static_cast<int>(pair.distance) <= known_radius;
      });
      EXPECT_EQ(joined_pairs(codes, request), missing) << positions << " known within " << known_radius;
    }
  }
}

TEST_P(BandedJoinTest, LooksOnlyAtTheCodesAskedFor) {
  const auto entries = clustered_entries(6'000, algorithm(), 8);
  const CodeFile codes = in_memory(entries, algorithm());
  auto request = request_for(codes, radii()[2]);
  for (const uint64_t count : {0u, 1u, 2u, 63u, 64u, 4'096u, 5'999u}) {
    request.count = count;
    EXPECT_EQ(joined_pairs(codes, request), expected_pairs(entries, 0, count, radii()[2], false)) << count;
  }
}

TEST_P(BandedJoinTest, OfACrowdEveryCodeKeepsEnoughPairsAndIsNamed) {
  constexpr uint32_t kMax = 30;
  const auto entries = crowd_of(3'000, algorithm(), 9);
  const CodeFile codes = in_memory(entries, algorithm());
  const auto request = request_for(codes, radii()[3]);
  const Found found = join(codes, plan_join(codes, request), request, kMax);
  std::vector<uint32_t> earlier(3'000);
  for (const PairHit& pair : found.pairs) ++earlier[pair.b];
  for (uint32_t i = 0; i < 3'000; ++i) EXPECT_GE(earlier[i], std::min(i, kMax)) << i;
  EXPECT_EQ(std::adjacent_find(found.pairs.begin(), found.pairs.end()), found.pairs.end());
  const std::set<uint32_t> crowded(found.crowded.begin(), found.crowded.end());
  for (uint32_t i = 0; i < 3'000; ++i) EXPECT_TRUE(crowded.contains(i) || earlier[i] == i) << i;
  EXPECT_LT(found.pairs.size(), 3'000u * kMax * 4);  // and not 4.5 million
}

TEST_P(BandedJoinTest, NearIdenticalAndBlackPicturesTakeLinearTime) {
  std::vector<Entry> entries = crowd_of(100'000, algorithm(), 10);  // near-identical: 5 * 10^9 pairs
  for (size_t i = 0; i < 100'000; ++i) entries.push_back({static_cast<uint32_t>(100'001 + i), Code{}, 0});  // equal
  for (size_t i = 0; i < 100'000; ++i) entries.push_back({static_cast<uint32_t>(200'001 + i), Code{}, kLowInformation});
  const CodeFile codes = in_memory(entries, algorithm());
  uint64_t pairs = 0, comparisons_16m = 0;
  std::set<uint32_t> crowded;
  const PairVisitor visitor{[&](std::span<const PairHit> some) { return pairs += some.size(), true; },
                            [&](uint32_t position) { crowded.insert(position); }, [&] { ++comparisons_16m; }};
  const auto request = request_for(codes, radii()[3]);
  const auto distinct = DistinctCodes::find(codes, codes.size(), false, nullptr, nullptr);
  EXPECT_EQ(distinct.size(), 100'001u);
  const PairingPlan plan = plan_join(codes, request);
  BandedJoin banded(codes, distinct, plan.join, {});
  for (const JoinPiece& piece : plan.pieces) banded.run(piece, visitor);
  EXPECT_GE(pairs, 99'900u * kMaxNeighbours);
  EXPECT_LT(pairs, 100'000u * kMaxNeighbours * 4);
  EXPECT_GT(crowded.size(), 99'000u);
  EXPECT_LT(comparisons_16m, 300u);  // comparing all with all would be 300
}

TEST_P(BandedJoinTest, StopsWhenTheVisitorSaysSo) {
  const auto entries = crowd_of(5'000, algorithm(), 11);
  const CodeFile codes = in_memory(entries, algorithm());
  const auto request = request_for(codes, radii()[3]);
  const auto plan = plan_join(codes, request);
  const auto distinct = DistinctCodes::find(codes, codes.size(), false, nullptr, nullptr);
  BandedJoin banded(codes, distinct, plan.join, {});
  int visits = 0;
  banded.run(plan.pieces.front(), {[&](auto) { return ++visits < 2; }, nullptr, nullptr});
  EXPECT_EQ(visits, 2);
}

// Codes of real pictures, as bench/make_codes.cpp makes them.
TEST_P(BandedJoinTest, EqualsTheScanOfRealCodes) {
  const char* const data = std::getenv("PAIRLOOM_TEST_CODES");
  if (data == nullptr) GTEST_SKIP() << "PAIRLOOM_TEST_CODES is not set: a directory written by make_codes";
  std::ifstream file(std::string(data) + "/" + std::string(info(algorithm()).name) + ".codes", std::ios::binary);
  std::vector<Entry> entries;
  for (Entry entry{1, {}, 0}; entries.size() < 20'000; ++entry.content_id) {
    ASSERT_TRUE(file.read(reinterpret_cast<char*>(entry.code.words.data()), bits() / 8));
    entries.push_back(entry);
  }
  const CodeFile codes = in_memory(entries, algorithm());
  const auto expected = expected_pairs(entries, 0, codes.size(), radii().back(), false);
  for (const int radius : radii()) {
    const auto request = request_for(codes, radius);
    expect_all_but_of_crowds(join(codes, plan_join(codes, request), request), up_to(expected, radius),
                             "radius " + std::to_string(radius));
  }
}

TEST(JoinPlan, IsDeterministic) {
  const CodeFile codes = in_memory(clustered_entries(30'000, Algorithm::kPdq, 12), Algorithm::kPdq);
  const PairingPlan one = plan_join(codes, request_for(codes, 31)), other = plan_join(codes, request_for(codes, 31));
  EXPECT_EQ(one.join, other.join);
  EXPECT_EQ(one.pieces, other.pieces);
}

TEST(JoinPlan, FewQueriesAreScannedAndManyCodesAreJoined) {
  const CodeFile codes = in_memory(uniform_entries(200'000, Algorithm::kPdq, 13), Algorithm::kPdq);
  auto request = request_for(codes, 31);
  EXPECT_TRUE(plan_pairing(codes, request).by_join);
  request.known = {codes.size() - 3, 31};
  const PairingPlan scan = plan_pairing(codes, request);
  EXPECT_FALSE(scan.by_join);
  EXPECT_EQ(scan.first_scanned, codes.size() - 3);
}

TEST(JoinPlan, ChecksSayWhatCannotBe) {
  JoinPlan plan{31, {WordPlan{7, 2}, WordPlan{7, 2}, WordPlan{7, 2}, WordPlan{7, 2}}};
  EXPECT_TRUE(is_complete(plan, 256));
  EXPECT_FALSE(is_complete(plan, 64));
  plan.radius = 32;
  EXPECT_FALSE(is_complete(plan, 256));
  plan.radius = 31;
  EXPECT_TRUE(is_valid({0, 7, 0, 128}, plan));
  EXPECT_FALSE(is_valid({0, 7, 0, 257}, plan));
  EXPECT_FALSE(is_valid({0, 8, 0, 128}, plan));
  EXPECT_FALSE(is_valid({4, 0, 0, 128}, plan));
  EXPECT_FALSE(is_valid({0, 0, 5, 5}, plan));
  plan.words[1].equal = 0;
  EXPECT_FALSE(is_complete(plan, 256));
  plan.words[1] = {-2, 2};
  EXPECT_FALSE(is_complete(plan, 256));
}

}  // namespace
}  // namespace pairloom::search
