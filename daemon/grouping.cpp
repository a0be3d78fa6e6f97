#include "daemon/grouping.h"

#include <algorithm>
#include <vector>

#include "index/index_reader.h"
#include "index/pairing_store.h"
#include "search/groups.h"

namespace pairloom::daemon {

Result<> store_groups(index::IndexWriter& index, index::RunId run, Algorithm algorithm, uint64_t most_pairs) {
  PAIRLOOM_ASSIGN(const index::PairingState pairing, index.pairing_state(algorithm));
  const uint32_t distance = std::min<uint32_t>(pairing.radius, info(algorithm).similar);
  PAIRLOOM_TRY(index.commit());
  std::vector<search::Edge> edges;
  bool too_many = false;
  {
    // The reader knows which contents stand in for those that are gone.
    index::IndexReader reader = index.reader();
    const auto take = [&](const index::PairRow& pair) -> Result<> {
      too_many = edges.size() >= most_pairs;
      if (too_many) return fail(Errc::kTooLarge, "too many pairs");  // ends the visit
      edges.push_back({pair.a, pair.b, pair.distance});
      return {};
    };
    const auto visited = reader.visit_pairs(algorithm, distance, take);
    if (!visited && !too_many) return visited;
  }
  if (too_many) edges.clear();
  const auto groups = search::make_groups(edges, search::Linkage::kStar);
  return index.pairing_store().put_groups(run, algorithm, distance, groups);
}

}  // namespace pairloom::daemon
