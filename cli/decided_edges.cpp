#include "cli/decided_edges.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace pairloom::cli {

using search::Edge;

void take_out_pairs(const std::vector<std::pair<index::ContentId, index::ContentId>>& decided,
                    std::vector<Edge>& edges) {
  if (decided.empty()) return;
  std::set<index::ContentId> concerned;
  for (const auto& [a, b] : decided) concerned.insert({a, b});
  std::map<index::ContentId, std::set<index::ContentId>> equals;  // of a content that others may speak for: who may
  for (const Edge& edge : edges) {
    if (edge.distance != 0) continue;
    if (concerned.contains(edge.a)) equals[edge.b].insert(edge.a);
    if (concerned.contains(edge.b)) equals[edge.a].insert(edge.b);
  }
  std::vector<Edge> more;
  for (const Edge& edge : edges)
    for (const auto& [end, other] : {std::pair(edge.a, edge.b), std::pair(edge.b, edge.a)}) {
      const auto speaks_for = equals.find(end);
      if (speaks_for == equals.end()) continue;
      for (const auto content : speaks_for->second)
        if (content != other) more.push_back({std::min(content, other), std::max(content, other), edge.distance});
    }
  edges.insert(edges.end(), more.begin(), more.end());
  std::erase_if(edges, [&](const Edge& edge) {
    const auto pair = std::minmax(edge.a, edge.b);
    return std::binary_search(decided.begin(), decided.end(), std::pair(pair.first, pair.second));
  });
}

Result<> take_out_decided(index::IndexReader& reader, const Decisions& decisions, std::vector<Edge>& edges) {
  std::map<ContentKey, std::optional<index::ContentId>> ids;
  const auto id_of = [&](const ContentKey& key) -> Result<std::optional<index::ContentId>> {
    const auto [at, is_new] = ids.try_emplace(key);
    if (is_new) {
      PAIRLOOM_ASSIGN(at->second, reader.content_by_digest(key.digest, key.size_bytes));
    }
    return at->second;
  };
  std::vector<std::pair<index::ContentId, index::ContentId>> decided;
  for (const auto& [pair, decision] : decisions.distinct()) {
    PAIRLOOM_ASSIGN(const auto a, id_of(pair.first));
    PAIRLOOM_ASSIGN(const auto b, id_of(pair.second));
    if (a && b) decided.push_back(std::minmax(*a, *b));
  }
  std::sort(decided.begin(), decided.end());
  take_out_pairs(decided, edges);
  return {};
}

}  // namespace pairloom::cli
