#include "search/groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <queue>
#include <random>
#include <set>
#include <tuple>

namespace pairloom::search {

bool operator==(const GroupMember& x, const GroupMember& y) {
  return x.node == y.node && x.distance_to_centre == y.distance_to_centre;
}
bool operator==(const Group& x, const Group& y) {
  return x.members == y.members && x.max_distance == y.max_distance;
}
void PrintTo(const Group& group, std::ostream* out) {
  for (const GroupMember& m : group.members) *out << m.node << "@" << m.distance_to_centre << " ";
}

namespace {

using Members = std::vector<GroupMember>;

// All edges that the given ones stand for: shortest of several, and equal codes (distance 0) share all edges.
std::map<uint32_t, std::map<uint32_t, uint32_t>> expanded(const std::vector<Edge>& edges) {
  std::map<uint32_t, std::map<uint32_t, uint32_t>> graph;
  const auto add = [&](uint32_t a, uint32_t b, uint32_t distance) {
    if (a == b) return false;
    const auto [it, is_new] = graph[a].try_emplace(b, distance);
    if (!is_new && it->second <= distance) return false;
    graph[b][a] = it->second = distance;
    return true;
  };
  for (const Edge& e : edges) add(e.a, e.b, e.distance);
  for (bool changed = true; changed;) {
    changed = false;
    const auto before = graph;
    for (const auto& [a, neighbours] : before) {
      for (const auto& [twin, zero] : neighbours) {
        if (zero != 0) continue;
        for (const auto& [b, distance] : neighbours) {
          if (b != twin) changed |= add(twin, b, distance);
        }
      }
    }
  }
  return graph;
}

// Random sparse graphs with clusters, several edges between the same nodes, and equal codes.
std::vector<Edge> random_edges(uint64_t seed, uint32_t nodes, size_t count) {
  std::mt19937_64 random(seed);
  std::vector<Edge> edges;
  for (size_t i = 0; i < count; ++i) {
    const auto a = static_cast<uint32_t>(random() % nodes);
    const auto b = random() % 3 == 0 ? static_cast<uint32_t>(random() % nodes)
                                     : (a + 1 + static_cast<uint32_t>(random() % 4)) % nodes;
    edges.push_back({100 + a * 7, 100 + b * 7, random() % 6 == 0 ? 0 : 1 + static_cast<uint32_t>(random() % 12)});
  }
  return edges;
}

// The greedy of the header, on the expanded graph, as slowly as it reads.
std::vector<Group> slow_groups(const std::vector<Edge>& edges, Linkage linkage) {
  const auto graph = expanded(edges);
  std::set<uint32_t> left;
  for (const auto& [node, neighbours] : graph) left.insert(node);
  std::vector<Group> groups;
  while (true) {
    std::tuple<size_t, int64_t, int64_t> densest{};  // neighbours, -sum, -node
    for (const uint32_t node : left) {
      size_t count = 0;
      int64_t sum = 0;
      for (const auto& [other, distance] : graph.at(node)) {
        if (left.contains(other)) ++count, sum += distance;
      }
      if (count > 0) densest = std::max(densest, {count, -sum, -int64_t{node}});
    }
    if (std::get<0>(densest) == 0) break;
    const auto centre = static_cast<uint32_t>(-std::get<2>(densest));
    Members members = {{centre, 0}};
    std::vector<std::pair<uint32_t, uint32_t>> near;
    for (const auto& [other, distance] : graph.at(centre)) near.emplace_back(distance, other);
    std::sort(near.begin(), near.end());
    for (const auto& [distance, node] : near) {
      const bool joins = linkage == Linkage::kStar ||
                         std::all_of(members.begin(), members.end(),
                                     [&](const GroupMember& m) { return graph.at(m.node).contains(node); });
      if (left.contains(node) && joins) members.push_back({node, distance});
    }
    for (const GroupMember& m : members) left.erase(m.node);
    groups.push_back({members, members.back().distance_to_centre});
  }
  const auto smallest = [](const Group& g) {
    return std::min_element(g.members.begin(), g.members.end(), [](auto& x, auto& y) { return x.node < y.node; })->node;
  };
  std::sort(groups.begin(), groups.end(), [&](auto& x, auto& y) { return smallest(x) < smallest(y); });
  return groups;
}

class GroupsTest : public testing::TestWithParam<Linkage> {};

INSTANTIATE_TEST_SUITE_P(Linkages, GroupsTest, testing::Values(Linkage::kStar, Linkage::kComplete, Linkage::kSingle),
                         [](const auto& p) { return std::string(name_of(p.param)); });

TEST_P(GroupsTest, OrderOfEdgesAndTheirEndsMakesNoDifference) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<Edge> edges = random_edges(seed, 200, 400);
    const auto groups = make_groups(edges, GetParam());
    EXPECT_FALSE(groups.empty());
    std::mt19937_64 random(seed);
    for (int i = 0; i < 5; ++i) {
      std::shuffle(edges.begin(), edges.end(), random);
      for (Edge& e : edges) {
        if (random() % 2 == 0) std::swap(e.a, e.b);
      }
      EXPECT_EQ(make_groups(edges, GetParam()), groups);
    }
  }
}

TEST_P(GroupsTest, ANodeIsInOneGroupOnlyAndEqualCodesStayTogether) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto edges = random_edges(seed, 60, 120);
    std::map<uint32_t, size_t> group_of;
    const auto groups = make_groups(edges, GetParam());
    for (size_t g = 0; g < groups.size(); ++g) {
      EXPECT_GE(groups[g].members.size(), 2u);
      for (const GroupMember& m : groups[g].members) EXPECT_TRUE(group_of.try_emplace(m.node, g).second);
    }
    for (const Edge& e : edges) {
      if (e.distance == 0 && e.a != e.b) {
        ASSERT_TRUE(group_of.contains(e.a));
        EXPECT_EQ(group_of.at(e.a), group_of.at(e.b));
      }
    }
  }
}

TEST_P(GroupsTest, NoEdgesMakeNoGroups) {
  EXPECT_TRUE(make_groups({}, GetParam()).empty());
  EXPECT_TRUE(make_groups(std::vector<Edge>{{5, 5, 0}, {6, 6, 3}}, GetParam()).empty());
}

TEST_P(GroupsTest, EqualCodesTakeTheDistancesOfTheirRepresentative) {
  // 9 represents 1 and 12; 20 is near it.
  const std::vector<Edge> edges = {{1, 9, 0}, {9, 12, 0}, {9, 20, 4}};
  EXPECT_EQ(make_groups(edges, GetParam()), (std::vector<Group>{{{{1, 0}, {9, 0}, {12, 0}, {20, 4}}, 4}}));
}

TEST_P(GroupsTest, NamesGoThereAndBack) {
  EXPECT_EQ(linkage_from_name(name_of(GetParam())), GetParam());
  const auto unknown = linkage_from_name("average");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kInvalidArgument);
  EXPECT_NE(unknown.error().message.find("star, complete, single"), std::string::npos);
}

// The densest neighbourhood is chosen as it is now, not as it was: 3 has lost 4 and 5 to the star around 1.
TEST(Star, CountsOnlyNeighboursThatAreLeft) {
  const std::vector<Edge> edges = {{1, 4, 1}, {1, 5, 1}, {1, 6, 1}, {1, 7, 1}, {3, 4, 1},
                                   {3, 5, 1}, {3, 8, 1}, {8, 9, 1}, {9, 10, 1}};
  const std::vector<Group> expected = {{{{1, 0}, {4, 1}, {5, 1}, {6, 1}, {7, 1}}, 1}, {{{8, 0}, {3, 1}, {9, 1}}, 1}};
  EXPECT_EQ(make_groups(edges, Linkage::kStar), expected);  // 10 stays alone
}

TEST(Star, EqualsTheSlowGreedy) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto edges = random_edges(seed, 40, 20 + seed);
    EXPECT_EQ(make_groups(edges, Linkage::kStar), slow_groups(edges, Linkage::kStar)) << seed;
  }
}

TEST(Star, EveryMemberIsANeighbourOfTheCentre) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto edges = random_edges(seed, 80, 160);
    const auto graph = expanded(edges);
    for (const Group& group : make_groups(edges, Linkage::kStar)) {
      const auto& near = graph.at(group.members[0].node);
      for (size_t i = 1; i < group.members.size(); ++i) {
        EXPECT_EQ(near.at(group.members[i].node), group.members[i].distance_to_centre);
      }
    }
  }
}

TEST(Complete, EqualsTheSlowGreedy) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto edges = random_edges(seed, 30, 60 + seed);
    const auto groups = make_groups(edges, Linkage::kComplete);
    const auto graph = expanded(edges);
    for (const Group& group : groups) {
      for (const GroupMember& x : group.members) {
        for (const GroupMember& y : group.members) {
          EXPECT_TRUE(x.node == y.node || graph.at(x.node).contains(y.node)) << x.node << " " << y.node;
        }
      }
    }
    EXPECT_EQ(groups, slow_groups(edges, Linkage::kComplete)) << seed;
  }
}

// Members of the component of `node` by edges up to `limit`.
std::set<uint32_t> component(const std::map<uint32_t, std::map<uint32_t, uint32_t>>& graph, uint32_t node,
                             uint32_t limit) {
  std::set<uint32_t> seen = {node};
  std::queue<uint32_t> next({node});
  for (; !next.empty(); next.pop()) {
    for (const auto& [other, distance] : graph.at(next.front())) {
      if (distance <= limit && seen.insert(other).second) next.push(other);
    }
  }
  return seen;
}

TEST(Single, GroupsAreConnectedComponents) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const auto edges = random_edges(seed, 100, 90);
    const auto graph = expanded(edges);
    size_t grouped = 0;
    for (const Group& group : make_groups(edges, Linkage::kSingle)) {
      std::set<uint32_t> nodes;
      for (const GroupMember& m : group.members) nodes.insert(m.node);
      EXPECT_EQ(nodes, component(graph, group.members[0].node, UINT32_MAX));
      // The largest distance is the limit from which on the group holds together.
      EXPECT_EQ(nodes, component(graph, group.members[0].node, group.max_distance));
      if (group.max_distance > 0) {
        EXPECT_NE(nodes, component(graph, group.members[0].node, group.max_distance - 1));
      }
      grouped += nodes.size();
    }
    size_t connected = 0;
    for (const auto& [node, neighbours] : graph) connected += !neighbours.empty();
    EXPECT_EQ(grouped, connected);
  }
}

TEST(Single, MembersJoinByTheirShortestEdge) {
  const std::vector<Edge> edges = {{1, 2, 5}, {2, 3, 2}, {3, 4, 9}, {1, 4, 8}, {2, 5, 5}};
  EXPECT_EQ(make_groups(edges, Linkage::kSingle), (std::vector<Group>{{{{2, 0}, {3, 2}, {1, 5}, {5, 5}, {4, 8}}, 8}}));
}

// 10^5 nodes and a hub: what is quadratic in nodes or in the hub's neighbours would not end.
TEST(Groups, TakeLargeGraphs) {
  std::vector<Edge> edges;
  for (uint32_t i = 1; i < 20'000; ++i) edges.push_back({0, i, 3});
  for (uint32_t i = 20'000; i < 100'000; i += 2) edges.push_back({i, i + 1, 0});
  for (const Linkage linkage : {Linkage::kStar, Linkage::kComplete, Linkage::kSingle}) {
    const auto groups = make_groups(edges, linkage);
    EXPECT_EQ(groups.size(), 40'001u);
    EXPECT_EQ(groups[0].members.size(), linkage == Linkage::kComplete ? 2u : 20'000u);
  }
}

}  // namespace
}  // namespace pairloom::search
