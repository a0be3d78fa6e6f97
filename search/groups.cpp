#include "search/groups.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <queue>
#include <string>
#include <tuple>
#include <utility>

namespace pairloom::search {

namespace {

constexpr uint32_t kNone = UINT32_MAX;

// The node ids that occur, numbered 0, 1, ... in ascending order. A bit for each possible id and a running count for
// every 64: ids of contents are dense, so this is small, and much faster than searching.
class Numbering {
 public:
  explicit Numbering(std::span<const Edge> edges) {
    uint32_t highest = 0;
    for (const Edge& e : edges) highest = std::max({highest, e.a, e.b});
    bits_.resize(highest / 64 + 1);
    for (const Edge& e : edges) {
      for (const uint32_t id : {e.a, e.b}) bits_[id / 64] |= uint64_t{1} << id % 64;
    }
    before_.reserve(bits_.size());
    for (size_t i = 0; i < bits_.size(); ++i) {
      before_.push_back(static_cast<uint32_t>(ids_.size()));
      for (uint64_t left = bits_[i]; left != 0; left &= left - 1) {
        ids_.push_back(static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(left)));
      }
    }
  }
  const std::vector<uint32_t>& ids() const { return ids_; }  // by number
  uint32_t operator[](uint32_t id) const {
    const uint64_t lower = (uint64_t{1} << id % 64) - 1;
    return before_[id / 64] + static_cast<uint32_t>(std::popcount(bits_[id / 64] & lower));
  }

 private:
  std::vector<uint64_t> bits_;
  std::vector<uint32_t> before_;
  std::vector<uint32_t> ids_;
};

// Nodes joined by distance 0 make a class; the graph has the classes for its vertices, 0, 1, ... by ascending lowest
// node.
class ClassGraph {
 public:
  struct Neighbour {
    uint32_t vertex;
    uint32_t distance;
  };

  explicit ClassGraph(std::span<const Edge> edges) {
    const Numbering numbering(edges);
    Ends ends;
    ends.reserve(edges.size());
    for (const Edge& e : edges) ends.emplace_back(numbering[e.a], numbering[e.b]);
    const std::vector<uint32_t> vertex = make_classes(edges, ends, numbering.ids());
    for (auto& [a, b] : ends) a = vertex[a], b = vertex[b];
    add_edges(edges, ends);
  }

  uint32_t size() const { return static_cast<uint32_t>(first_node_.size()) - 1; }
  std::span<const uint32_t> nodes(uint32_t vertex) const {  // ascending
    return {&nodes_[first_node_[vertex]], first_node_[vertex + 1] - first_node_[vertex]};
  }
  std::span<const Neighbour> neighbours(uint32_t vertex) const {  // ascending
    return {neighbours_.data() + first_neighbour_[vertex], neighbour_count_[vertex]};
  }

 private:
  using Ends = std::vector<std::pair<uint32_t, uint32_t>>;  // of each edge

  std::vector<uint32_t> make_classes(std::span<const Edge> edges, const Ends& ends, const std::vector<uint32_t>& ids);
  void add_edges(std::span<const Edge> edges, const Ends& ends);

  std::vector<uint32_t> nodes_;  // by vertex
  std::vector<size_t> first_node_;
  std::vector<Neighbour> neighbours_;  // by vertex
  std::vector<size_t> first_neighbour_;
  std::vector<size_t> neighbour_count_;
};

// Union-find by lowest number; then classes get theirs in the order of their lowest nodes. Returns the vertex of each
// node.
std::vector<uint32_t> ClassGraph::make_classes(std::span<const Edge> edges, const Ends& ends,
                                               const std::vector<uint32_t>& ids) {
  std::vector<uint32_t> parent(ids.size());
  std::iota(parent.begin(), parent.end(), 0u);
  const auto root = [&](uint32_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  for (size_t i = 0; i < edges.size(); ++i) {
    if (edges[i].distance != 0) continue;
    const auto [low, high] = std::minmax({root(ends[i].first), root(ends[i].second)});
    parent[high] = low;
  }
  std::vector<uint32_t> vertex(ids.size());
  uint32_t vertices = 0;
  for (uint32_t i = 0; i < ids.size(); ++i) {
    const uint32_t r = root(i);  // r <= i
    vertex[i] = r == i ? vertices++ : vertex[r];
  }
  first_node_.assign(vertices + 1, 0);
  for (const uint32_t v : vertex) ++first_node_[v + 1];
  std::partial_sum(first_node_.begin(), first_node_.end(), first_node_.begin());
  nodes_.resize(ids.size());
  std::vector<size_t> next(first_node_.begin(), first_node_.end() - 1);
  for (size_t i = 0; i < ids.size(); ++i) nodes_[next[vertex[i]]++] = ids[i];
  return vertex;
}

// Adjacency lists by counting; each is then sorted, and of equal edges the shortest is kept.
void ClassGraph::add_edges(std::span<const Edge> edges, const Ends& ends) {
  first_neighbour_.assign(size() + 1, 0);
  neighbour_count_.assign(size(), 0);
  for (const auto& [a, b] : ends) {
    if (a == b) continue;
    ++first_neighbour_[a + 1];
    ++first_neighbour_[b + 1];
  }
  std::partial_sum(first_neighbour_.begin(), first_neighbour_.end(), first_neighbour_.begin());
  neighbours_.resize(first_neighbour_.back());
  for (size_t i = 0; i < edges.size(); ++i) {
    const auto [a, b] = ends[i];
    if (a == b) continue;
    neighbours_[first_neighbour_[a] + neighbour_count_[a]++] = {b, edges[i].distance};
    neighbours_[first_neighbour_[b] + neighbour_count_[b]++] = {a, edges[i].distance};
  }
  for (uint32_t v = 0; v < size(); ++v) {
    Neighbour* begin = neighbours_.data() + first_neighbour_[v];
    Neighbour* end = begin + neighbour_count_[v];
    std::sort(begin, end, [](const Neighbour& x, const Neighbour& y) {
      return std::tie(x.vertex, x.distance) < std::tie(y.vertex, y.distance);
    });
    end = std::unique(begin, end, [](const Neighbour& x, const Neighbour& y) { return x.vertex == y.vertex; });
    neighbour_count_[v] = static_cast<size_t>(end - begin);
  }
}

// Which vertices are in no group yet, and the densest of them.
class Unassigned {
 public:
  explicit Unassigned(const ClassGraph& graph) : graph_(graph), density_(graph.size()), assigned_(graph.size()) {
    for (uint32_t v = 0; v < graph.size(); ++v) {
      density_[v] = {graph.nodes(v).size() - 1, 0, v};
      for (const auto& n : graph.neighbours(v)) density_[v].add(graph.nodes(n.vertex).size(), n.distance);
      queue_.push(density_[v]);
    }
  }

  bool contains(uint32_t vertex) const { return !assigned_[vertex]; }
  // kNone when all that are left are alone. Densities only fall, so the queue may hold old ones: what comes up with one
  // is put back with its present density.
  uint32_t densest() {
    while (!queue_.empty()) {
      const Density top = queue_.top();
      const Density& present = density_[top.vertex];
      if (!assigned_[top.vertex] && top == present) return top.neighbours == 0 ? kNone : top.vertex;
      queue_.pop();
      if (!assigned_[top.vertex]) queue_.push(present);
    }
    return kNone;
  }
  void assign(uint32_t vertex) {
    assigned_[vertex] = true;
    for (const auto& n : graph_.neighbours(vertex)) density_[n.vertex].remove(graph_.nodes(vertex).size(), n.distance);
  }

 private:
  // In nodes, not vertices; a class's other nodes are neighbours at distance 0.
  struct Density {
    uint64_t neighbours = 0;
    uint64_t distance_sum = 0;
    uint32_t vertex = 0;
    void add(uint64_t nodes, uint64_t distance) {
      neighbours += nodes;
      distance_sum += nodes * distance;
    }
    void remove(uint64_t nodes, uint64_t distance) {
      neighbours -= nodes;
      distance_sum -= nodes * distance;
    }
    friend bool operator==(const Density&, const Density&) = default;
    // Less dense; vertices are numbered by their lowest node.
    friend bool operator<(const Density& x, const Density& y) {
      return std::tie(x.neighbours, y.distance_sum, y.vertex) < std::tie(y.neighbours, x.distance_sum, x.vertex);
    }
  };

  const ClassGraph& graph_;
  std::vector<Density> density_;
  std::vector<bool> assigned_;
  std::priority_queue<Density> queue_;
};

using Joined = std::vector<ClassGraph::Neighbour>;  // vertices of a group with their distances, the centre first

Joined join_star(const ClassGraph& graph, const Unassigned& left, uint32_t centre) {
  Joined joined = {{centre, 0}};
  for (const auto& n : graph.neighbours(centre)) {
    if (left.contains(n.vertex)) joined.push_back(n);
  }
  return joined;
}

// `links[v]`: how many members v is a neighbour of; all zero before and after.
Joined join_complete(const ClassGraph& graph, const Unassigned& left, uint32_t centre, std::vector<uint32_t>& links) {
  Joined candidates = join_star(graph, left, centre);
  std::sort(candidates.begin() + 1, candidates.end(), [](const auto& x, const auto& y) {
    return std::tie(x.distance, x.vertex) < std::tie(y.distance, y.vertex);
  });
  Joined joined;
  for (const auto& candidate : candidates) {
    if (links[candidate.vertex] != joined.size()) continue;
    joined.push_back(candidate);
    for (const auto& n : graph.neighbours(candidate.vertex)) ++links[n.vertex];
  }
  for (const auto& member : joined) {
    for (const auto& n : graph.neighbours(member.vertex)) links[n.vertex] = 0;
  }
  return joined;
}

Joined join_single(const ClassGraph& graph, uint32_t centre, std::vector<bool>& reached) {
  Joined joined;
  using Reach = std::pair<uint32_t, uint32_t>;  // distance, vertex
  std::priority_queue<Reach, std::vector<Reach>, std::greater<>> reach;
  reach.push({0, centre});
  while (!reach.empty()) {
    const auto [distance, vertex] = reach.top();
    reach.pop();
    if (reached[vertex]) continue;
    reached[vertex] = true;
    joined.push_back({vertex, distance});
    for (const auto& n : graph.neighbours(vertex)) {
      if (!reached[n.vertex]) reach.push({n.distance, n.vertex});
    }
  }
  return joined;
}

Group expand(const ClassGraph& graph, const Joined& joined) {
  Group group;
  for (const auto& vertex : joined) {
    for (const uint32_t node : graph.nodes(vertex.vertex)) group.members.push_back({node, vertex.distance});
    group.max_distance = std::max(group.max_distance, vertex.distance);
  }
  std::sort(group.members.begin() + 1, group.members.end(), [](const GroupMember& x, const GroupMember& y) {
    return std::tie(x.distance_to_centre, x.node) < std::tie(y.distance_to_centre, y.node);
  });
  return group;
}

uint32_t smallest_node(const Group& group) {
  const auto by_node = [](const GroupMember& x, const GroupMember& y) { return x.node < y.node; };
  return std::min_element(group.members.begin(), group.members.end(), by_node)->node;
}

constexpr std::pair<Linkage, std::string_view> kLinkages[] = {
    {Linkage::kStar, "star"}, {Linkage::kComplete, "complete"}, {Linkage::kSingle, "single"}};

}  // namespace

Result<Linkage> linkage_from_name(std::string_view name) {
  std::string known;
  for (const auto& [linkage, its_name] : kLinkages) {
    if (its_name == name) return linkage;
    known += (known.empty() ? "" : ", ") + std::string(its_name);
  }
  return fail(Errc::kInvalidArgument, "unknown linkage '" + std::string(name) + "' (known: " + known + ")");
}

std::string_view name_of(Linkage linkage) {
  for (const auto& [known, name] : kLinkages) {
    if (known == linkage) return name;
  }
  return "unknown";
}

std::vector<Group> make_groups(std::span<const Edge> edges, Linkage linkage) {
  const ClassGraph graph(edges);
  Unassigned left(graph);
  std::vector<uint32_t> links(linkage == Linkage::kComplete ? graph.size() : 0);
  std::vector<bool> reached(linkage == Linkage::kSingle ? graph.size() : 0);

  std::vector<std::pair<uint32_t, Group>> groups;  // with the smallest node
  for (uint32_t centre = left.densest(); centre != kNone; centre = left.densest()) {
    const Joined joined = linkage == Linkage::kStar       ? join_star(graph, left, centre)
                          : linkage == Linkage::kComplete ? join_complete(graph, left, centre, links)
                                                          : join_single(graph, centre, reached);
    for (const auto& member : joined) left.assign(member.vertex);
    Group group = expand(graph, joined);
    const uint32_t smallest = smallest_node(group);
    groups.emplace_back(smallest, std::move(group));
  }
  std::sort(groups.begin(), groups.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
  std::vector<Group> result;
  result.reserve(groups.size());
  for (auto& [smallest, group] : groups) result.push_back(std::move(group));
  return result;
}

}  // namespace pairloom::search
