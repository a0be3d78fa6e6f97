#include "cli/edges.h"

#include <fmt/format.h>
#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "base/clock.h"
#include "cli/progress_bar.h"
#include "search/code_file.h"
#include "search/hamming_scan.h"
#include "search/join_plan.h"

namespace pairloom::cli {
namespace {

using search::Edge;

// Beyond this many gone contents, comparing everything anew is the shorter way.
constexpr size_t kMaxRepairs = 1000;

bool is_live(const std::vector<bool>& live, uint32_t content) {
  return content < live.size() && live[content];
}

// Shows a bar once it has taken a second.
class PairingProgress {
 public:
  PairingProgress(uint64_t codes, uint32_t distance, Session& session)
      : session_(session),
        distance_(distance),
        bar_(session.globals.quiet ? ProgressMode::kNone : session.globals.progress, session.messages.fd(),
             system_clock()),
        start_ns_(system_clock().monotonic_ns()) {
    progress_.stage = daemon::Progress::Stage::kPairing;
    progress_.found = codes;
    progress_.found_all = true;
  }
  void set_share(double done) { progress_.done = static_cast<uint64_t>(done * static_cast<double>(progress_.found)); }
  void tick() {
    if (!told_ && system_clock().monotonic_ns() - start_ns_ > 1'000'000'000) {
      told_ = true;
      session_.messages.note(fmt::format("comparing {} codes at distance {}: the index holds no pairs for that",
                                         progress_.found, distance_));
    }
    if (told_) bar_.update(progress_);
  }

 private:
  Session& session_;
  uint32_t distance_;
  ProgressBar bar_;
  int64_t start_ns_;
  bool told_ = false;
  daemon::Progress progress_;
};

// Every pair that is not known.
void compute_pairs(const search::CodeFile& codes, search::KnownPairs known, uint32_t distance, Session& session,
                   std::vector<Edge>& edges) {
  const bool old_are_complete = known.radius >= static_cast<int>(distance);
  const uint64_t first = old_are_complete ? std::min(known.positions, codes.size()) : 0;
  if (first >= codes.size()) return;
  PairingProgress progress(codes.size() - first, distance, session);
  const search::PairVisitor visitor{
      [&](std::span<const search::PairHit> hits) {
        for (const auto& hit : hits) edges.push_back({codes.content_id(hit.a), codes.content_id(hit.b), hit.distance});
        return true;
      },
      nullptr, [&] { progress.tick(); }};
  search::PairingRequest request;
  request.count = codes.size();
  request.radius = distance;
  request.known = known;
  search::find_all_pairs(codes, request, visitor, [&](double done) { progress.set_share(done); });
}

// Equal codes are linked to the earliest of them, which may be gone. The reader sees to that among the stored pairs;
// for those computed here the equals of a gone content are looked up, so that they find each other. False: too many.
Result<bool> add_equals_of_gone(index::IndexReader& reader, Algorithm algorithm, const search::CodeFile& codes,
                                const std::vector<bool>& live, std::vector<Edge>& edges) {
  std::set<uint32_t> gone;
  for (const auto& edge : edges)
    for (const uint32_t end : {edge.a, edge.b})
      if (!is_live(live, end)) gone.insert(end);
  if (gone.size() > kMaxRepairs) return false;
  for (const uint32_t id : gone) {
    PAIRLOOM_ASSIGN(const auto code, reader.code(id, algorithm));
    if (!code) continue;
    for (const auto& hit : search::find_within(codes, *code, 0))
      if (hit.content_id != id) edges.push_back({id, hit.content_id, 0});
  }
  return true;
}

}  // namespace

Result<std::vector<bool>> live_contents(index::IndexReader& reader) {
  std::vector<bool> live;
  PAIRLOOM_TRY(reader.visit_files([&](const index::FileRow& file) -> Result<> {
    if (file.content == 0) return {};
    if (file.content >= live.size()) live.resize(std::max<size_t>(file.content + size_t{1}, live.size() * 2));
    live[file.content] = true;
    return {};
  }));
  return live;
}

std::vector<Edge> between_live(std::vector<Edge> edges, const std::vector<bool>& live) {
  // Classes: union-find over the edges of distance 0; the smallest id is the root.
  std::unordered_map<uint32_t, uint32_t> parent;
  const auto root_of = [&](uint32_t node) {
    auto it = parent.find(node);
    while (it != parent.end() && it->second != it->first) it = parent.find(node = it->second);
    return node;
  };
  for (const auto& e : edges) {
    if (e.distance != 0) continue;
    const auto [low, high] = std::minmax({root_of(e.a), root_of(e.b)});
    parent.try_emplace(low, low);
    parent[high] = low;
    for (const uint32_t end : {e.a, e.b}) parent[end] = low;  // keeps the paths short
  }
  std::unordered_map<uint32_t, uint32_t> representative;  // root -> smallest live member
  for (const auto& entry : parent) {
    if (!is_live(live, entry.first)) continue;
    auto [it, is_new] = representative.try_emplace(root_of(entry.first), entry.first);
    if (!is_new) it->second = std::min(it->second, entry.first);
  }
  const auto stand_in = [&](uint32_t node) -> uint32_t {
    if (!parent.contains(node)) return is_live(live, node) ? node : 0;
    const auto it = representative.find(root_of(node));
    return it == representative.end() ? 0 : it->second;
  };
  std::vector<Edge> out;
  for (const auto& e : edges) {
    const uint32_t a = stand_in(e.a), b = stand_in(e.b);
    if (e.distance != 0 && a != 0 && b != 0 && a != b) out.push_back({std::min(a, b), std::max(a, b), e.distance});
  }
  for (const auto& entry : parent) {
    const uint32_t node = entry.first, first = stand_in(node);
    if (first != 0 && first != node && is_live(live, node)) out.push_back({first, node, 0});
  }
  const auto key = [](const Edge& e) { return std::tie(e.a, e.b, e.distance); };
  std::sort(out.begin(), out.end(), [&](const Edge& x, const Edge& y) { return key(x) < key(y); });
  out.erase(std::unique(out.begin(), out.end(), [](const Edge& x, const Edge& y) { return x.a == y.a && x.b == y.b; }),
            out.end());
  return out;
}

Result<std::vector<Edge>> near_duplicate_edges(index::IndexReader& reader, Algorithm algorithm, uint32_t distance,
                                               Session& session) {
  // 1. The watermark first, then the codes: what is appended in between is then computed, never missed.
  PAIRLOOM_ASSIGN(const index::PairingState state, reader.pairing_state(algorithm));
  PAIRLOOM_ASSIGN(const auto codes, reader.codes(algorithm));
  const uint64_t known = std::min<uint64_t>(state.position, codes.size());
  // 2. What is not stored: pairs of later codes, and farther ones of all codes if the distance is larger.
  std::vector<Edge> edges;
  compute_pairs(codes, {known, known > 0 ? static_cast<int>(state.radius) : -1}, distance, session, edges);
  std::vector<bool> live;
  if (!edges.empty()) {
    PAIRLOOM_ASSIGN(live, live_contents(reader));
    if (known > 0) {
      PAIRLOOM_ASSIGN(const bool whole, add_equals_of_gone(reader, algorithm, codes, live, edges));
      if (!whole) {
        edges.clear();
        compute_pairs(codes, {}, distance, session, edges);
        return between_live(std::move(edges), live);
      }
    }
  }
  // 3. What is.
  const bool computed = !edges.empty();
  if (known > 0)
    PAIRLOOM_TRY(reader.visit_pairs(algorithm, distance, [&](const index::PairRow& pair) -> Result<> {
      edges.push_back({pair.a, pair.b, pair.distance});
      return {};
    }));
  return computed ? between_live(std::move(edges), live) : edges;
}

}  // namespace pairloom::cli
