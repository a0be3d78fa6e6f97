// pairloom index pair: say how far apart the pairs may be that the index keeps, and find those that are missing.
#include <fmt/format.h>

#include <memory>

#include "cli/index_writing.h"
#include "cli/indexing.h"
#include "cli/verb.h"
#include "index/index_writer.h"

namespace pairloom::cli {
namespace {

struct PairOptions {
  Similarity similarity;
  bool by_default = false;
  uint64_t memory_bytes = daemon::IndexRequest{}.pairing_memory_bytes;
};

std::string answer(const index::PairingState& now, const AlgorithmInfo& algorithm) {
  if (now.radius == 0) return fmt::format("no pairs of {} are kept; dups computes them when asked", algorithm.name);
  return fmt::format("{}: pairs up to distance {} are kept, now and for images that come", algorithm.name, now.radius);
}

Result<ExitCode> pair(const PairOptions& options, Session& session) {
  const AlgorithmInfo& algorithm = info(options.similarity.algorithm);
  PAIRLOOM_ASSIGN(const auto limit, options.similarity.limit());
  PAIRLOOM_TRY(require_index(session.index));
  PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(session.index, "pairloom index pair"));
  PAIRLOOM_ASSIGN(const auto before, index.pairing_state(algorithm.id));
  if (before.code_count == 0)
    return fail(Errc::kInvalidArgument,
                fmt::format("the index has no {0} codes; 'pairloom index update --features {0}' computes them, beside "
                            "those it has",
                            algorithm.name));
  PAIRLOOM_TRY(index.want_pairs(algorithm.id, options.by_default ? 0 : limit.value_or(0)));
  daemon::IndexRequest request;
  request.kind = index::RunKind::kPair;
  request.pool = session.pool();
  request.pairing_memory_bytes = options.memory_bytes;
  request.arguments = session.arguments;
  const bool keeps_some = !options.by_default || stored_by_default(algorithm.id) > 0;
  request.pair_algorithms = keeps_some ? set_of(algorithm.id) : 0;
  PAIRLOOM_ASSIGN(const ExitCode code, run_and_report(index, request, session));
  if (code != ExitCode::kDone) return code;
  PAIRLOOM_ASSIGN(const auto now, index.pairing_state(algorithm.id));
  session.messages.note(answer(now, algorithm));
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
