#include "cli/edges.h"

#include <gtest/gtest.h>

namespace pairloom::cli {
namespace {

using search::Edge;
using Triple = std::tuple<uint32_t, uint32_t, uint32_t>;

std::vector<Triple> triples(const std::vector<Edge>& edges) {
  std::vector<Triple> out;
  for (const auto& e : edges) out.emplace_back(e.a, e.b, e.distance);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<bool> all_but(size_t count, std::initializer_list<uint32_t> gone) {
  std::vector<bool> live(count, true);
  for (const auto id : gone) live[id] = false;
  return live;
}

TEST(Edges, LiveEdgesStayAsTheyAre) {
  const std::vector<Edge> edges{{1, 2, 0}, {1, 5, 3}, {3, 4, 9}};
  EXPECT_EQ(triples(between_live(edges, all_but(6, {}))), triples(edges));
}

// A retagged file: its old content is gone, its new one has an equal code and is linked only to the old one.
TEST(Edges, AClassThatLostItsRepresentativeKeepsItsNeighbours) {
  const std::vector<Edge> edges{{1, 2, 0}, {1, 3, 0}, {1, 9, 12}};
  EXPECT_EQ(triples(between_live(edges, all_but(10, {1}))), (std::vector<Triple>{{2, 3, 0}, {2, 9, 12}}));
}

TEST(Edges, TwoClassesThatBothLostTheirs) {
  const std::vector<Edge> edges{{1, 4, 0}, {2, 3, 0}, {1, 2, 5}};
  EXPECT_EQ(triples(between_live(edges, all_but(5, {1, 2}))), (std::vector<Triple>{{3, 4, 5}}));
}

TEST(Edges, ClassesWithoutALiveMemberVanish) {
  const std::vector<Edge> edges{{1, 2, 0}, {1, 7, 3}, {5, 7, 4}, {6, 7, 2}};
  EXPECT_EQ(triples(between_live(edges, all_but(8, {1, 2, 5}))), (std::vector<Triple>{{6, 7, 2}}));
  EXPECT_TRUE(between_live({{1, 2, 0}}, {}).empty());
}

TEST(Edges, TheSamePairTwiceIsOneEdge) {
  const std::vector<Edge> edges{{1, 2, 0}, {1, 9, 12}, {2, 9, 12}, {9, 1, 12}};
  EXPECT_EQ(triples(between_live(edges, all_but(10, {}))), (std::vector<Triple>{{1, 2, 0}, {1, 9, 12}}));
}

// Union-find must not lose members whatever way chains of equal codes are spelled.
TEST(Edges, ChainsOfEqualCodesAreOneClass) {
  std::vector<Edge> edges;
  for (uint32_t i = 1; i < 50; ++i) edges.push_back({i % 2 ? i : i + 1, i % 2 ? i + 1 : i, 0});
  const auto got = between_live(edges, all_but(60, {1}));
  EXPECT_EQ(got.size(), 48u);
  for (const auto& e : got) EXPECT_EQ(e.a, 2u);
}

}  // namespace
}  // namespace pairloom::cli
