#include "cli/find_groups.h"

#include <fmt/format.h>
#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <tuple>

#include "base/clock.h"
#include "base/text.h"
#include "cli/decided_edges.h"
#include "cli/decisions.h"
#include "cli/edges.h"
#include "cli/turned_edges.h"
#include "cli/path_text.h"

namespace pairloom::cli {
namespace {

// Beyond this many contents a 64-bit code finds more chance pairs than duplicates (docs/benchmarks.md).
constexpr uint64_t kMany = 100'000;

// Groups are read together until they come to this many contents.
constexpr size_t kContentsAtOnce = 1024;

// Makes groups of files out of groups of contents.
class GroupLoader {
 public:
  GroupLoader(index::IndexReader& reader, const GroupSieve& sieve, const Decisions& decisions)
      : reader_(reader), sieve_(sieve), decisions_(decisions) {}

  // The groups in the order `numbers` gives, each as it is now: of fewer than two files if things changed meanwhile. `visit`
  // says whether to go on.
  Result<> each(const std::vector<search::Group>& groups, std::span<const size_t> numbers,
                const std::function<Result<bool>(size_t number, DuplicateGroup group)>& visit) {
    std::vector<DuplicateGroup> loaded;
    for (size_t at = 0; at < numbers.size(); at += loaded.size()) {
      loaded.clear();
      PAIRLOOM_TRY(reader_.in_one_snapshot([&]() -> Result<> {
        size_t contents = 0;
        for (const size_t number : numbers.subspan(at)) {
          PAIRLOOM_ASSIGN(auto group, load(groups[number]));
          loaded.push_back(std::move(group));
          if ((contents += groups[number].members.size()) >= kContentsAtOnce) break;
        }
        return {};
      }));
      for (size_t i = 0; i < loaded.size(); ++i) {
        PAIRLOOM_ASSIGN(const bool go_on, visit(numbers[at + i], std::move(loaded[i])));
        if (!go_on) return {};
      }
    }
    return {};
  }

 private:
  Result<DuplicateGroup> load(const search::Group& contents) {
    DuplicateGroup group;
    group.max_distance = contents.max_distance;
    Digest smallest{UINT64_MAX, UINT64_MAX};
    for (const auto& member : contents.members) {
      PAIRLOOM_ASSIGN(const auto content, reader_.content(member.node));
      if (!content) continue;
      const Digest& digest = content->digest;
      if (std::tie(digest.hi, digest.lo) < std::tie(smallest.hi, smallest.lo)) smallest = digest;
      PAIRLOOM_TRY(add_files(*content, member.distance_to_centre, group));
    }
    group.id = fmt::format("g-{:016x}", smallest.hi);
    arrange(group);
    return group;
  }

  Result<> add_files(const index::ContentRow& content, uint32_t distance, DuplicateGroup& group) {
    PAIRLOOM_ASSIGN(auto rows, reader_.files_of(content.id));
    // A copy that came after the decision is new.
    const bool decided = decisions_.files_to_keep({content.digest, content.size_bytes}) >= rows.size();
    for (auto& row : rows) {
      GroupFile file;
      file.path = std::move(row.path);
      file.identity = row.identity;
      file.content = content.id;
      file.image = content.image;
      file.distance = distance;
      file.decided = decided && !rows.empty();
      file.reference = sieve_.is_reference(file.path);
      group.files.push_back(std::move(file));
    }
    return {};
  }

  index::IndexReader& reader_;
  const GroupSieve& sieve_;
  const Decisions& decisions_;
};

// With single linkage a chain of small steps can lead far: how far from the centre, if beyond the limit.
Result<uint32_t> spread_of(index::IndexReader& reader, const search::Group& group, Algorithm algorithm,
                           uint32_t limit) {
  uint32_t spread = 0;
  PAIRLOOM_ASSIGN(const auto centre, reader.code(group.members.front().node, algorithm));
  for (const auto& member : group.members) {
    PAIRLOOM_ASSIGN(const auto code, reader.code(member.node, algorithm));
    if (centre && code) spread = std::max(spread, static_cast<uint32_t>(hamming_distance(*centre, *code)));
  }
  return spread > limit ? spread : 0;
}

// All that ordering needs of a group; the files are read again when it is shown.
struct Entry {
  size_t number;     // in the vector of groups
  uint64_t rank;     // ascending
  std::string path;  // of its first file; ties are broken by it
};

Entry entry_of(size_t number, const DuplicateGroup& group, GroupOrder order) {
  uint64_t bytes = 0;
  for (const auto& file : group.files) bytes += file.identity.size_bytes;
  uint64_t rank = 0;
  if (order == GroupOrder::kReclaim) rank = ~group.reclaimable_bytes;
  if (order == GroupOrder::kSize) rank = ~bytes;
  if (order == GroupOrder::kDistance) rank = group.max_distance;
  return {number, rank, group.files.front().path};
}

Result<> check_codes(index::IndexReader& reader, Algorithm algorithm, Session& session) {
  PAIRLOOM_ASSIGN(const auto about, reader.info());
  uint64_t codes = 0;
  for (const auto& count : about.algorithms)
    if (count.algorithm == algorithm) codes = count.codes;
  const auto& name = info(algorithm).name;
  if (codes == 0 && about.contents > 0)
    return fail(Errc::kInvalidArgument,
                fmt::format("the index has no {0} codes; make them with: pairloom index update --features {0}", name));
  if (info(algorithm).bits == 64 && codes > kMany)
    session.messages.warning(
        fmt::format("{} has 64 bits: among {} images many pairs are chance; pdq is made for that", name, codes));
  return {};
}

// Groups of contents: near-duplicates, and contents that are in none but have copies.
Result<std::vector<search::Group>> content_groups(index::IndexReader& reader, const GroupQuery& query,
                                                  std::optional<uint32_t> distance, const Decisions& decisions,
                                                  Session& session) {
  std::vector<search::Group> groups;
  if (distance) {
    PAIRLOOM_TRY(check_codes(reader, query.similarity.algorithm, session));
    PAIRLOOM_ASSIGN(auto edges, near_duplicate_edges(reader, query.similarity.algorithm, *distance, session));
    if (!query.turns.empty())
      PAIRLOOM_TRY(add_turned_edges(reader, query.similarity.algorithm, *distance, query.turns, session, edges));
    PAIRLOOM_TRY(take_out_decided(reader, decisions, edges));
    groups = search::make_groups(edges, query.linkage);
  }
  std::vector<index::ContentId> grouped;
  for (const auto& group : groups)
    for (const auto& member : group.members) grouped.push_back(member.node);
  std::sort(grouped.begin(), grouped.end());
  PAIRLOOM_ASSIGN(const auto copied, reader.contents_with_copies());
  for (const auto id : copied)
    if (!std::binary_search(grouped.begin(), grouped.end(), id)) groups.push_back({{{id, 0}}, 0});
  return groups;
}

}  // namespace

std::string_view name_of(GroupOrder order) {
  static constexpr std::string_view kNames[] = {"reclaim", "size", "distance", "path"};
  return kNames[static_cast<size_t>(order)];
}

Result<GroupTotals> find_groups(index::IndexReader& reader, const GroupQuery& query, Session& session,
                                const std::function<void(const DuplicateGroup&)>& visit) {
  PAIRLOOM_ASSIGN(const auto distance, query.similarity.limit());
  PAIRLOOM_ASSIGN(const auto decisions, Decisions::load(Decisions::path_for(session.index)));
  PAIRLOOM_ASSIGN(const auto sieve, GroupSieve::make(query.filter, reader, session.index, system_clock().wall_ns()));
  PAIRLOOM_ASSIGN(const auto groups, content_groups(reader, query, distance, decisions, session));
  GroupLoader loader(reader, sieve, decisions);
  GroupTotals totals;
  std::vector<Entry> entries;
  std::vector<size_t> numbers(groups.size());
  std::iota(numbers.begin(), numbers.end(), size_t{0});
  PAIRLOOM_TRY(loader.each(groups, numbers, [&](size_t number, const DuplicateGroup& group) -> Result<bool> {
    if (!sieve.lets_pass(group)) return true;
    ++totals.groups;
    totals.files += group.files.size();
    totals.redundant += group.files.size() - 1;
    totals.reclaimable_bytes += group.reclaimable_bytes;
    entries.push_back(entry_of(number, group, query.order));
    return true;
  }));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.rank, a.path, a.number) < std::tie(b.rank, b.path, b.number);
  });
  if (query.limit && entries.size() > *query.limit) entries.resize(*query.limit);
  numbers.clear();
  for (const auto& entry : entries) numbers.push_back(entry.number);
  PAIRLOOM_TRY(loader.each(groups, numbers, [&](size_t number, DuplicateGroup group) -> Result<bool> {
    if (!session.out.usable()) return false;  // nobody reads any more
    if (group.files.size() < 2) return true;
    if (distance && query.linkage == search::Linkage::kSingle) {
      PAIRLOOM_ASSIGN(group.spread, spread_of(reader, groups[number], query.similarity.algorithm, *distance));
    }
    ++totals.shown;
    visit(group);
    return true;
  }));
  if (distance)
    PAIRLOOM_TRY(reader.visit_low_information(query.similarity.algorithm, [&](index::ContentId) -> Result<> {
      ++totals.low_information;
      return {};
    }));
  return totals;
}

void add_group_options(CLI::App& app, GroupQuery& into) {
  add_similarity_options(app, into.similarity);
  add_filter_options(app, into.filter);
  add_choice<search::Linkage>(
      app, "--linkage", into.linkage,
      {{"star", search::Linkage::kStar},
       {"complete", search::Linkage::kComplete},
       {"single", search::Linkage::kSingle}},
      "NAME", "star: every member is near the group's centre; complete: near every other; single: chains")
      ->group("What counts as a duplicate");
  add_choice<GroupOrder>(app, "--sort", into.order,
                         {{"reclaim", GroupOrder::kReclaim},
                          {"size", GroupOrder::kSize},
                          {"distance", GroupOrder::kDistance},
                          {"path", GroupOrder::kPath}},
                         "KEY",
                         "Order of the groups: most reclaimable bytes, most bytes in all, nearest, or first path first")
      ->group("Output");
  add_count(app, "--limit", into.limit, 1, UINT32_MAX, "Show only the first N groups; totals still count all")
      ->group("Output");
}

GroupParameters parameters_of(const GroupListing& listing, const Session& session) {
  const auto& query = listing.query;
  const auto& algorithm = info(query.similarity.algorithm);
  const auto distance = query.similarity.limit();
  GroupParameters p;
  p.index = session.index;
  p.algorithm = algorithm.name;
  p.bits = algorithm.bits;
  p.exact_only = distance && !*distance;
  p.distance = distance && *distance ? **distance : 0;
  p.linkage = search::name_of(query.linkage);
  p.sort = name_of(query.order);
  p.limit = query.limit.value_or(0);
  return p;
}

Result<GroupTotals> list_groups(index::IndexReader& reader, const GroupListing& listing, GroupWriter& writer,
                                Session& session) {
  PAIRLOOM_ASSIGN(const auto totals,
                  find_groups(reader, listing.query, session, [&](const DuplicateGroup& g) { writer.group(g); }));
  writer.end(totals);
  if (listing.format == OutputFormat::kHuman && totals.low_information > 0)
    session.messages.note(
        fmt::format("{} (flat or nearly so) left out of grouping; list: pairloom dups --low-information",
                    totals.low_information == 1 ? "1 low-information image"
                                                : fmt::format("{} low-information images", totals.low_information)));
  return totals;
}

}  // namespace pairloom::cli
