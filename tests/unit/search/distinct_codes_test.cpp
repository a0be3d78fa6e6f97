#include "search/distinct_codes.h"

#include <gtest/gtest.h>

#include <map>

#include "test_codes.h"

namespace pairloom::search {
namespace {

class DistinctCodesTest : public testing::TestWithParam<Algorithm> {};

INSTANTIATE_TEST_SUITE_P(Bits, DistinctCodesTest, testing::Values(Algorithm::kDhash, Algorithm::kPdq),
                         [](const auto& p) { return std::string(pairloom::info(p.param).name); });

TEST_P(DistinctCodesTest, KeepsTheEarliestOfEqualCodesAndNamesTheOthers) {
  const auto entries = clustered_entries(30'000, GetParam(), 1);
  const CodeFile codes = in_memory(entries, GetParam());
  for (const bool low : {false, true}) {
    std::map<Code, uint64_t> earliest;
    std::vector<std::pair<uint64_t, uint64_t>> equal, found;
    for (uint64_t i = 0; i < 29'000; ++i) {
      if (!low && entries[i].flags != 0) continue;
      const auto [it, is_new] = earliest.try_emplace(entries[i].code, i);
      if (!is_new) equal.emplace_back(it->second, i);
    }
    const auto add = [&](uint64_t representative, uint64_t other) { found.emplace_back(representative, other); };
    const auto distinct = DistinctCodes::find(codes, 29'000, low, add, nullptr);
    EXPECT_EQ(found, equal);
    EXPECT_EQ(distinct.count(), 29'000u);
    EXPECT_EQ(distinct.size(), earliest.size());
    for (uint64_t i = 0; i < 29'000; ++i) {
      const auto it = earliest.find(entries[i].code);
      EXPECT_EQ(distinct.contains(i), it != earliest.end() && it->second == i) << i;
    }
  }
}

TEST_P(DistinctCodesTest, NoCodeAndOneCode) {
  const CodeFile codes = in_memory(uniform_entries(1, GetParam(), 2), GetParam());
  EXPECT_EQ(DistinctCodes::find(codes, 0, false, nullptr, nullptr).size(), 0u);
  EXPECT_EQ(DistinctCodes::find(codes, 5, false, nullptr, nullptr).size(), 1u);
}

}  // namespace
}  // namespace pairloom::search
