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
  // Of equal codes one speaks for all, so each of them may need the edges of another: whose edges go to whom.
  std::map<index::ContentId, std::set<index::ContentId>> speaks_for;
  for (const Edge& edge : edges) {
    if (edge.distance != 0 || (!concerned.contains(edge.a) && !concerned.contains(edge.b))) continue;
    speaks_for[edge.a].insert(edge.b);
    speaks_for[edge.b].insert(edge.a);
  }
  std::vector<Edge> more;
  for (const Edge& edge : edges)
    for (const auto& [end, other] : {std::pair(edge.a, edge.b), std::pair(edge.b, edge.a)}) {
      const auto equals = speaks_for.find(end);
      if (equals == speaks_for.end()) continue;
      for (const auto content : equals->second)  // equals that nothing was decided about stay together anyway
        if (content != other && (edge.distance != 0 || concerned.contains(content))) more.push_back({std::min(content, other), std::max(content, other), edge.distance});
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
