// StandIns: who takes the place of a content that is not there any more. Pairing lets n equal codes make n - 1 pairs:
// one of them, the representative, carries the pairs with everything else (search/hamming_scan.h). When the
// representative goes, what was known about it holds for each of its equals, and one of them must take over its pairs.
// Runs in: supervisor (when rows are removed), cli (while a content only has tombstones).
#pragma once

#include <functional>
#include <unordered_map>

#include "base/result.h"
#include "index/rows.h"

namespace pairloom::index {

class StandIns {
 public:
  // Two contents with equal codes. Give all pairs of distance 0 of which a side is absent.
  void add_equal(ContentId a, ContentId b);
  // Once all are added: chooses for every absent content the lowest present one with an equal code.
  void choose(const std::function<bool(ContentId)>& is_present);
  // Of an absent content; 0 = none.
  ContentId of(ContentId absent) const;
  // Calls visit(absent, stand-in) for every absent content that has one.
  template <class Visit>
  Result<> for_each(const std::function<bool(ContentId)>& is_present, Visit visit) const {
    for (const auto& [content, parent] : parents_) {
      const ContentId other = is_present(content) ? 0 : of(content);
      if (other != 0) PAIRLOOM_TRY(visit(content, other));
    }
    return {};
  }

 private:
  ContentId find(ContentId content) const;

  std::unordered_map<ContentId, ContentId> parents_;          // disjoint-set forest
  std::unordered_map<ContentId, ContentId> present_by_root_;  // lowest present of each set
};

}  // namespace pairloom::index
