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

// An undirected edge between two nodes (content ids) that are within the limit of each other. Pairs from the index:
// equal codes are linked only to their representative (distance 0) and other edges only join representatives; grouping
// expands that: nodes joined by distance 0 count as one, each with all the edges of all of them, and are never
// separated.
// An edge given twice counts once, with its smaller distance; an edge from a node to itself does not count.
struct Edge {
  uint32_t a, b;
  uint32_t distance;
};

struct GroupMember {
  uint32_t node;
  uint32_t distance_to_centre;  // kSingle: the distance at which it joined, see below
};
struct Group {
  std::vector<GroupMember> members;  // centre first, then by (distance, node)
  uint32_t max_distance = 0;         // the largest distance_to_centre
};

// Groups of two or more nodes, ordered by their smallest node; the order of `edges` makes no difference. Takes time
// near linear in the number of edges. A node is in one group at most.
//
// The centre is always the densest node that is left: most neighbours not yet in a group, then the smallest sum of the
// distances to them, then the lowest id.
// kStar: the centre with all neighbours not yet in a group. A node whose neighbours all went to other groups stays
// alone.
// kComplete: the same, but going through the neighbours by (distance, id) only those that are neighbours of all before
// them.
// kSingle: everything that is connected to the centre, joined as Prim's algorithm does: next comes the node with the
// shortest edge to any member (then lowest id). So max_distance is the limit from which on the group holds together.
std::vector<Group> make_groups(std::span<const Edge> edges, Linkage linkage);

}  // namespace pairloom::search
