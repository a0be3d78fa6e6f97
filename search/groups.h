// Groups of near-duplicates out of pairs. Independent of the order in which pairs arrive. Runs in: cli.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pairloom::search {

enum class Linkage : uint8_t {
  kStar,      // default: every member is within the limit of the group's centre
  kComplete,  // every two members are within the limit of each other
  kSingle,    // chains: a member is within the limit of some other member
};
Result<Linkage> linkage_from_name(std::string_view name);
std::string_view name_of(Linkage linkage);

// An undirected edge between two nodes (content ids). Pairs from the index: equal codes are linked only to their
// representative (distance 0) and other edges only join representatives; grouping expands that.
struct Edge {
  uint32_t a, b;
  uint32_t distance;
};

struct GroupMember {
  uint32_t node;
  uint32_t distance_to_centre;   // in kSingle: along the shortest edge that joined it
};
struct Group {
  std::vector<GroupMember> members;   // centre first, then by (distance, node)
  uint32_t max_distance = 0;          // largest distance between the centre and a member
};

// Groups of two or more, ordered by their smallest node. In kStar and kComplete a node is in one group only: the densest
// neighbourhood is taken first (most neighbours, then smallest sum of distances, then lowest node id), so the result does
// not depend on the order of `edges`.

std::vector<Group> make_groups(std::span<const Edge> edges, Linkage linkage);

}  // namespace pairloom::search
