// How to find the pairs of a collection: by comparing every new code with all others, or by the banded join, and with
// which parameters. Estimated from a sample of the codes themselves, because real codes are far from random.
// Runs in: supervisor, cli.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "search/banded_join.h"

namespace pairloom::search {

struct PairingRequest {
  uint64_t count = 0;   // positions [0, count)
  uint32_t radius = 0;  // at least 1 for a join to be of use
  KnownPairs known;
  uint64_t memory_bytes = uint64_t{1} << 30;  // for all workers together; a few bytes a code come on top
  int workers = 1;
  Kernel kernel = best_kernel();
};

struct PairingPlan {
  bool by_join = false;  // false: pairs_of_range() from `first_scanned` on
  JoinPlan join;
  std::vector<JoinPiece> pieces;  // in the order in which they should be begun: the longest first
  std::vector<double> shares;     // of the pieces in the whole, estimated
  uint64_t first_scanned = 0;
  double seconds = 0, scan_seconds = 0;  // estimated, on one core
};

// The cheapest plan. Takes some ten milliseconds where comparing everything would take longer; the same codes and
// request give the same plan.
PairingPlan plan_pairing(const CodeFile& codes, const PairingRequest& request);
// The cheapest join, even where comparing everything would be cheaper. The radius must be at least 1.
PairingPlan plan_join(const CodeFile& codes, const PairingRequest& request);

// Plans and does it all in this process: every pair that is not known, equal codes included. `done` (may be empty)
// hears how much of the work is done, 0 to 1.
void find_all_pairs(const CodeFile& codes, const PairingRequest& request, const PairVisitor& visitor,
                    const std::function<void(double)>& done);

}  // namespace pairloom::search
