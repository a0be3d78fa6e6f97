// The trees that other tools search hashes with, small and plain: a BK-tree (czkawka, imagehash users) and a VP-tree (the
// tutorial's). Exact, like our scan; here to be measured beside it. Runs in: benchmarks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "base/algorithm.h"

namespace pairloom::bench {

// Burkhard and Keller (1973): children by their distance to the node.
class BkTree {
 public:
  void insert(const Code& code, uint32_t id) {
    nodes_.push_back({code, id, 0, 0, 0});
    const auto added = static_cast<uint32_t>(nodes_.size() - 1);
    if (added == 0) return;
    for (uint32_t at = 0;;) {
      const auto distance = static_cast<uint32_t>(hamming_distance(nodes_[at].code, code));
      uint32_t child = nodes_[at].first_child;
      while (child != 0 && nodes_[child].distance != distance) child = nodes_[child].next;
      if (child != 0) {
        at = child;
        continue;
      }
      nodes_[added].distance = distance;
      nodes_[added].next = nodes_[at].first_child;
      nodes_[at].first_child = added;
      return;
    }
  }
  void find(const Code& query, uint32_t radius, std::vector<uint32_t>& found) const {
    std::vector<uint32_t> open;
    if (!nodes_.empty()) open.push_back(0);
    while (!open.empty()) {
      const Node& node = nodes_[open.back()];
      open.pop_back();
      const auto distance = static_cast<uint32_t>(hamming_distance(node.code, query));
      if (distance <= radius) found.push_back(node.id);
      for (uint32_t child = node.first_child; child != 0; child = nodes_[child].next)
        if (nodes_[child].distance + radius >= distance && nodes_[child].distance <= distance + radius) open.push_back(child);
    }
  }
  size_t bytes() const { return nodes_.size() * sizeof(Node); }

 private:
  struct Node {
    Code code;
    uint32_t id, distance, first_child, next;  // 0: none
  };
  std::vector<Node> nodes_;
};

// Yianilos (1993): each node's median distance parts the rest.
class VpTree {
 public:
  explicit VpTree(std::vector<std::pair<Code, uint32_t>> items) : items_(std::move(items)), radius_(items_.size()) {
    build(0, items_.size());
  }
  void find(const Code& query, uint32_t radius, std::vector<uint32_t>& found) const {
    find(query, static_cast<int>(radius), 0, items_.size(), found);
  }
  size_t bytes() const { return items_.size() * (sizeof items_[0] + sizeof radius_[0]); }

 private:
  // The first of a range is its point; those within its radius follow, then the others.
  void build(size_t first, size_t last) {
    if (last - first < 2) return;
    std::swap(items_[first], items_[first + random_() % (last - first)]);
    const Code& point = items_[first].first;
    const size_t middle = first + 1 + (last - first - 1) / 2;
    const auto begin = items_.begin();
    std::nth_element(begin + static_cast<std::ptrdiff_t>(first + 1), begin + static_cast<std::ptrdiff_t>(middle),
                     begin + static_cast<std::ptrdiff_t>(last), [&](const auto& a, const auto& b) {
                       return hamming_distance(point, a.first) < hamming_distance(point, b.first);
                     });
    radius_[first] = static_cast<int16_t>(hamming_distance(point, items_[middle].first));
    build(first + 1, middle);
    build(middle, last);
  }
  void find(const Code& query, int radius, size_t first, size_t last, std::vector<uint32_t>& found) const {
    if (first == last) return;
    const int distance = hamming_distance(items_[first].first, query);
    if (distance <= radius) found.push_back(items_[first].second);
    if (last - first < 2) return;
    const size_t middle = first + 1 + (last - first - 1) / 2;
    if (distance - radius <= radius_[first]) find(query, radius, first + 1, middle, found);
    if (distance + radius >= radius_[first]) find(query, radius, middle, last, found);
  }

  std::vector<std::pair<Code, uint32_t>> items_;
  std::vector<int16_t> radius_;
  std::mt19937_64 random_{11};
};

}  // namespace pairloom::bench
