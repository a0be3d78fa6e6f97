// From an index to groups of duplicates: byte-identical copies and near-duplicates in one. Runs in: cli.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/duplicate_group.h"
#include "cli/group_filter.h"
#include "cli/group_formats.h"
#include "cli/options.h"
#include "cli/session.h"
#include "index/index_reader.h"
#include "search/groups.h"

namespace pairloom::cli {

enum class GroupOrder { kReclaim, kSize, kDistance, kPath };
std::string_view name_of(GroupOrder order);

struct GroupQuery {
  Similarity similarity;
  search::Linkage linkage = search::Linkage::kStar;
  GroupFilter filter;
  std::vector<uint8_t> turns;  // orientations that count as the same picture besides its own (cli/invariance.h)
  GroupOrder order = GroupOrder::kReclaim;
  std::optional<uint32_t> limit;  // show at most so many
};

// What was decided (cli/decisions.h) counts: pairs that are no duplicates are none, and a group of which everything is
// to be kept is not shown until something new is in it. Hands groups to `visit` in the query's order. Memory: a few words for each group; files are read when their turn
// comes. kInvalidArgument when the index has no codes of the algorithm.
Result<GroupTotals> find_groups(index::IndexReader& reader, const GroupQuery& query, Session& session,
                                const std::function<void(const DuplicateGroup&)>& visit);

// --linkage, --sort, --limit and the similarity options.
void add_group_options(CLI::App& app, GroupQuery& into);

// Finds and prints groups: what `dups` does and `scan` ends with.
struct GroupListing {
  GroupQuery query;
  OutputFormat format = OutputFormat::kHuman;
};
Result<GroupTotals> list_groups(index::IndexReader& reader, const GroupListing& listing, GroupWriter& writer,
                                Session& session);
GroupParameters parameters_of(const GroupListing& listing, const Session& session);

}  // namespace pairloom::cli
