#include "index/stand_ins.h"

#include <algorithm>

namespace pairloom::index {

// Sets are joined under their lowest member, so paths stay short: a representative is mostly the lowest of its equals.
ContentId StandIns::find(ContentId content) const {
  while (true) {
    const auto at = parents_.find(content);
    if (at == parents_.end() || at->second == content) return content;
    content = at->second;
  }
}

void StandIns::add_equal(ContentId a, ContentId b) {
  const ContentId root_a = find(a), root_b = find(b);
  const ContentId root = std::min(root_a, root_b);
  for (const ContentId content : {a, b, root_a, root_b}) parents_[content] = root;
}

void StandIns::choose(const std::function<bool(ContentId)>& is_present) {
  present_by_root_.clear();
  for (const auto& [content, parent] : parents_) {
    if (!is_present(content)) continue;
    ContentId& lowest = present_by_root_[find(content)];
    if (lowest == 0 || content < lowest) lowest = content;
  }
}

ContentId StandIns::of(ContentId absent) const {
  const auto at = present_by_root_.find(find(absent));
  return at == present_by_root_.end() ? 0 : at->second;
}

}  // namespace pairloom::index
