#include "search/hamming_scan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "test_codes.h"

namespace pairloom::search {

void PrintTo(const Hit& hit, std::ostream* out) {
  *out << "{position " << hit.position << ", id " << hit.content_id << ", distance " << hit.distance << "}";
}

namespace {

// The plain double loop that every kernel must agree with: all codes, nearest first, then by content id.
std::vector<Hit> all_by_distance(const std::vector<Entry>& entries, const Code& query, bool include_low_information) {
  std::vector<Hit> hits;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!include_low_information && (entries[i].flags & kLowInformation) != 0) continue;
    hits.push_back({i, entries[i].content_id, static_cast<uint32_t>(hamming_distance(entries[i].code, query))});
  }
  std::sort(hits.begin(), hits.end(), [](const Hit& a, const Hit& b) {
    return std::tie(a.distance, a.content_id) < std::tie(b.distance, b.content_id);
  });
  return hits;
}

std::vector<Hit> within(std::vector<Hit> sorted, int radius) {
  std::erase_if(sorted, [&](const Hit& hit) { return static_cast<int>(hit.distance) > radius; });
  return sorted;
}

class HammingScanTest : public testing::TestWithParam<std::tuple<Kernel, Algorithm>> {
 protected:
  Kernel kernel() const { return std::get<0>(GetParam()); }
  Algorithm algorithm() const { return std::get<1>(GetParam()); }
  int bits() const { return bits_of(algorithm()); }

  void expect_equal_to_double_loop(const std::vector<Entry>& entries, const std::vector<Code>& queries) const {
    const CodeFile codes = in_memory(entries, algorithm());
    for (const bool low : {false, true}) {
      const ScanOptions options{.include_low_information = low, .kernel = kernel()};
      for (const Code& query : queries) {
        const std::vector<Hit> expected = all_by_distance(entries, query, low);
        for (const int radius : {0, 1, 4, 10, 31, 32, bits() / 2, bits() - 1, bits(), bits() + 1}) {
          ASSERT_EQ(find_within(codes, query, radius, options), within(expected, radius)) << "radius " << radius;
        }
        for (const size_t k : {size_t{1}, size_t{10}, size_t{5000}, entries.size(), entries.size() + 1}) {
          const size_t count = std::min(k, expected.size());
          ASSERT_EQ(find_nearest(codes, query, k, options),
                    std::vector(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(count)))
              << "k " << k;
        }
      }
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Kernels, HammingScanTest,
                         testing::Combine(testing::ValuesIn(available_kernels()),
                                          testing::Values(Algorithm::kDhash, Algorithm::kPdq)),
                         [](const auto& p) {
                           return std::string(name_of(std::get<0>(p.param))) + "_" +
                                  std::string(pairloom::info(std::get<1>(p.param)).name);
                         });

TEST_P(HammingScanTest, EqualsDoubleLoopOnUniformCodes) {
  std::mt19937_64 random(1);
  const auto entries = uniform_entries(20'000, algorithm(), 2);
  expect_equal_to_double_loop(entries, {random_code(random, algorithm()), entries[12'345].code, Code{}});
}

TEST_P(HammingScanTest, ManyQueriesAtOnceAreAnsweredAsOneByOne) {
  const auto entries = clustered_entries(9'000, algorithm(), 4);
  const CodeFile codes = in_memory(entries, algorithm());
  std::vector<ScanQuery> queries;
  for (size_t i = 0; i < 21; ++i) queries.push_back({entries[i * 400].code, i % 3 == 0});
  for (const int radius : {-1, 0, 31}) {
    const auto hits = find_within_each(codes, queries, radius, kernel());
    ASSERT_EQ(hits.size(), queries.size());
    for (size_t i = 0; i < queries.size(); ++i)
      EXPECT_EQ(hits[i], find_within(codes, queries[i].code, radius,
                                     {.include_low_information = queries[i].include_low_information, .kernel = kernel()}));
  }
  for (const size_t k : {size_t{0}, size_t{1}, size_t{50}}) {
    const auto hits = find_nearest_each(codes, queries, k, kernel());
    for (size_t i = 0; i < queries.size(); ++i)
      EXPECT_EQ(hits[i], find_nearest(codes, queries[i].code, k,
                                      {.include_low_information = queries[i].include_low_information, .kernel = kernel()}));
  }
  EXPECT_TRUE(find_within_each(codes, {}, 31, kernel()).empty());
}

TEST_P(HammingScanTest, ThreadsDoNotShowInTheAnswer) {
  const auto entries = clustered_entries(70 * kBlockCodes + 5, algorithm(), 8);
  const CodeFile codes = in_memory(entries, algorithm());
  EXPECT_EQ(useful_threads(codes), 1) << "so few codes are looked through before a thread has started";
  for (const int threads : {0, 2, 3, 100})
    for (size_t i = 0; i < entries.size(); i += 100'000) {
      const ScanOptions one{.kernel = kernel()}, many{.kernel = kernel(), .threads = threads};
      const Code& query = entries[i].code;
      for (const int radius : {0, 4, 31})
        ASSERT_EQ(find_within(codes, query, radius, many), find_within(codes, query, radius, one)) << threads;
      for (const size_t k : {size_t{1}, size_t{100}})
        ASSERT_EQ(find_nearest(codes, query, k, many), find_nearest(codes, query, k, one)) << threads;
    }
}

TEST_P(HammingScanTest, EqualsDoubleLoopOnClusteredCodes) {
  const auto entries = clustered_entries(20'000, algorithm(), 3);
  std::vector<Code> queries = {Code{}};
  for (size_t i = 0; i < entries.size(); i += 2'500) queries.push_back(entries[i].code);
  expect_equal_to_double_loop(entries, queries);
}

TEST_P(HammingScanTest, EqualsDoubleLoopAtBlockBoundaries) {
  const auto entries = clustered_entries(2 * kBlockCodes + 1, algorithm(), 4);
  for (const size_t count :
       {0ul, 1ul, 3ul, 4ul, 7ul, 8ul, 9ul, 63ul, 64ul, 65ul, 4095ul, 4096ul, 4097ul, 8191ul, 8193ul}) {
    const std::vector<Entry> some(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
    expect_equal_to_double_loop(some, {entries[0].code, entries[count / 2].code});
  }
}

// The codes' first 128 bits are equal: the filter lets everything through and the rest must decide.
TEST_P(HammingScanTest, LooksAtAllBits) {
  auto entries = uniform_entries(1'000, algorithm(), 5);
  for (Entry& e : entries) e.code.words[0] = e.code.words[1] = 0;
  expect_equal_to_double_loop(entries, {entries[500].code, Code{}});
}

TEST_P(HammingScanTest, NothingIsWithinANegativeRadiusOrAmongZeroNearest) {
  const auto entries = uniform_entries(10, algorithm(), 6);
  const CodeFile codes = in_memory(entries, algorithm());
  EXPECT_TRUE(find_within(codes, entries[0].code, -1, {.kernel = kernel()}).empty());
  EXPECT_TRUE(find_nearest(codes, entries[0].code, 0, {.kernel = kernel()}).empty());
}

TEST_P(HammingScanTest, TiesAtTheLastPlaceGoToTheLowestContentId) {
  std::vector<Entry> entries = uniform_entries(3 * kBlockCodes, algorithm(), 7);
  for (Entry& e : entries) {
    e.code = entries[0].code;
    e.content_id = static_cast<uint32_t>(entries.size()) - e.content_id;  // the last has the lowest
  }
  const auto nearest = find_nearest(in_memory(entries, algorithm()), entries[0].code, 3, {.kernel = kernel()});
  ASSERT_EQ(nearest.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(nearest[i], (Hit{entries.size() - 1 - i, i, 0}));
}

TEST(Kernels, PortableIsAlwaysThereAndTheBestIsAvailable) {
  const auto kernels = available_kernels();
  EXPECT_EQ(kernels.front(), Kernel::kPortable);
  EXPECT_NE(std::find(kernels.begin(), kernels.end(), best_kernel()), kernels.end());
}

}  // namespace
}  // namespace pairloom::search
