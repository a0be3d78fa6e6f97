#include "cli/turned_edges.h"

#include <fmt/format.h>
#include <algorithm>

#include "cli/edges.h"
#include "search/code_file.h"
#include "search/join_plan.h"
#include "search/turned_code.h"

namespace pairloom::cli {
namespace {

// All codes, and behind them each of them turned.
Result<search::CodeFile> with_turned(const search::CodeFile& codes, Algorithm algorithm, uint8_t turn) {
  search::CodeFileBuilder builder(algorithm);
  for (const uint8_t orientation : {uint8_t{1}, turn})
    for (uint64_t i = 0; i < codes.size(); ++i)
      PAIRLOOM_TRY(builder.append(codes.content_id(i), *search::turned_code(codes.code(i), algorithm, orientation),
                                  codes.flags(i)));
  return std::move(builder).finish();
}

}  // namespace

Result<> add_turned_edges(index::IndexReader& reader, Algorithm algorithm, uint32_t distance,
                          const std::vector<uint8_t>& turns, Session& session, std::vector<search::Edge>& edges) {
  if (!search::turned_code({}, algorithm, 1))
    return fail(Errc::kInvalidArgument, fmt::format("--invariant: stored {} codes cannot be turned; use pdq, phash or "
                                                    "phash256 (match --invariant does it for every algorithm)",
                                                    info(algorithm).name));
  PAIRLOOM_ASSIGN(const auto codes, reader.codes(algorithm));
  if (codes.size() > UINT32_MAX / 2) return fail(Errc::kTooLarge, "--invariant: more than 2^31 images");
  PAIRLOOM_ASSIGN(const auto live, live_contents(reader));
  const auto is_live = [&](uint32_t content) { return content < live.size() && live[content]; };
  const uint64_t count = codes.size();
  for (const uint8_t turn : turns) {
    // A near B turned by 270 degrees is B near A turned by 90.
    if (turn == 8 && std::find(turns.begin(), turns.end(), 6) != turns.end()) continue;
    session.messages.detail(fmt::format("comparing {} codes with themselves turned ({})", count, turn));
    PAIRLOOM_ASSIGN(const auto both, with_turned(codes, algorithm, turn));
    search::PairingRequest request;
    request.count = both.size();
    request.radius = distance;
    request.known = {count, static_cast<int>(distance)};  // pairs among the codes as they are
    const search::PairVisitor visitor{
        [&](std::span<const search::PairHit> hits) {
          for (const auto& hit : hits) {
            const uint32_t a = both.content_id(hit.a), b = both.content_id(hit.b);
            // Two turned codes are as far apart as they were before.
            if (hit.a >= count || hit.b < count || a == b || !is_live(a) || !is_live(b)) continue;
            edges.push_back({std::min(a, b), std::max(a, b), hit.distance});
          }
          return true;
        },
        nullptr, nullptr};
    search::find_all_pairs(both, request, visitor, nullptr);
  }
  edges = between_live(std::move(edges), live);
  return {};
}

}  // namespace pairloom::cli
