// pairloom index pair: say how far apart the pairs may be that the index keeps, and find those that are missing.
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "cli/daemon_run.h"
#include "cli/options.h"
#include "cli/verb.h"

namespace pairloom::cli {
namespace {

struct PairOptions {
  Similarity similarity;
  bool by_default = false;
  uint64_t memory_bytes = daemon::IndexRequest{}.pairing_memory_bytes;
};

std::string answer(uint32_t distance, const AlgorithmInfo& algorithm) {
  if (distance == 0) return fmt::format("no pairs of {} are kept; dups computes them when asked", algorithm.name);
  return fmt::format("{}: pairs up to distance {} are kept, now and for images that come", algorithm.name, distance);
}

Result<ExitCode> pair(const PairOptions& options, Session& session) {
  const AlgorithmInfo& algorithm = info(options.similarity.algorithm);
  PAIRLOOM_ASSIGN(const auto limit, options.similarity.limit());
  PreparedRequest prepared;
  daemon::IndexRequest& request = prepared.request;
  request.kind = index::RunKind::kPair;
  request.pool = session.pool();
  request.pairing_memory_bytes = options.memory_bytes;
  request.arguments = session.arguments;
  const uint32_t distance = options.by_default ? 0 : limit.value_or(0);
  request.keep_pairs = {algorithm.id, distance};
  PAIRLOOM_ASSIGN(const ExitCode code, run_here_or_by_daemon(session, "pairloom index pair", std::move(prepared), true));
  if (code != ExitCode::kDone) return code;
  session.messages.note(answer(stored_up_to(algorithm.id, distance), algorithm));
  return code;
}

}  // namespace

Action declare_index_pair(CLI::App& app) {
  auto options = std::make_shared<PairOptions>();
  const char* group = "Which pairs";
  add_algorithm_option(app, options->similarity, "Of which codes")->group(group);
  auto* preset = add_choice<Preset>(app, "--preset", options->similarity.preset,
                                    {{"same", Preset::kSame}, {"similar", Preset::kSimilar}, {"related", Preset::kRelated}},
                                    "NAME", "Up to which distance")
                     ->group(group);
  auto* distance =
      add_count(app, "--distance", options->similarity.distance, 1, 128, "The same as a number of bits")->group(group);
  auto* by_default = app.add_flag("--default", options->by_default,
                                  "As far as pairloom does by itself: up to similar for 256-bit codes, none of 64-bit codes")
                         ->group(group);
  distance->excludes(preset)->excludes(by_default);
  by_default->excludes(preset);
  add_memory_option(app, options->memory_bytes)->group("Limits");
  return [options](Session& session) { return pair(*options, session); };
}

}  // namespace pairloom::cli
