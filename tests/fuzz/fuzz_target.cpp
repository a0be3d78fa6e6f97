#include "tests/fuzz/fuzz_target.h"

namespace pairloom::test {

const std::vector<FuzzTarget>& fuzz_targets() {
  static const std::vector<FuzzTarget> targets = [] {
    std::vector<FuzzTarget> all;
    add_decoder_targets(all);
    add_record_targets(all);
    add_ring_target(all);
    add_file_targets(all);
    add_service_targets(all);
    add_text_targets(all);
    return all;
  }();
  return targets;
}

const FuzzTarget* find_fuzz_target(std::string_view name) {
  for (const FuzzTarget& target : fuzz_targets())
    if (target.name == name) return &target;
  return nullptr;
}

}  // namespace pairloom::test
