// pairloom cmp: do two files show the same picture? Needs no index.
#include <fmt/format.h>

#include "base/text.h"
#include "cli/image_codes.h"
#include "cli/invariance.h"
#include "cli/path_text.h"
#include "cli/verb.h"

namespace pairloom::cli {
namespace {

struct CmpOptions {
  std::string a, b;
  Similarity similarity;
  std::vector<uint8_t> turns;
  OutputFormat format = OutputFormat::kHuman;
};

std::string_view verdict_word(bool identical, uint32_t distance, const AlgorithmInfo& about) {
  if (identical) return "identical";
  if (distance <= about.same) return "same";
  if (distance <= about.similar) return "similar";
  return distance <= about.related ? "related" : "different";
}

std::string_view sentence(std::string_view verdict) {
  if (verdict == "identical") return "identical files";
  if (verdict == "same") return "same picture";
  if (verdict == "similar") return "similar pictures";
  return verdict == "related" ? "possibly related pictures" : "different pictures";
}

Result<ExitCode> cmp(const CmpOptions& options, Session& session) {
  const auto algorithm = options.similarity.algorithm;
  const auto& about = info(algorithm);
  PAIRLOOM_ASSIGN(const auto limit, options.similarity.limit());
  PAIRLOOM_ASSIGN(const auto images, extract_codes({options.a, options.b}, algorithm, !options.turns.empty(), session));
  const auto &a = images[0], &b = images[1];
  const bool identical = a.digest == b.digest && a.size_bytes == b.size_bytes;
  auto distance = static_cast<uint32_t>(hamming_distance(a.code, b.code));
  uint8_t orientation = 1;
  for (const uint8_t turn : options.turns)
    for (const TurnedCode& turned : a.turned) {
      const auto of_turn = static_cast<uint32_t>(hamming_distance(turned.code, b.code));
      if (turned.orientation == turn && of_turn < distance) distance = of_turn, orientation = turn;
    }
  const auto verdict = verdict_word(identical, distance, about);
  const bool yes = identical || (limit && distance <= *limit);
  if (options.format == OutputFormat::kJsonl) {
    Json record = {{"type", "cmp"},          {"schema", "pairloom.cmp/1"},
                   {"a", json_path(a.path)}, {"b", json_path(b.path)},
                   {"match", yes},           {"verdict", verdict},
                   {"dist", distance},       {"algorithm", about.name},
                   {"bits", about.bits},     {"low_information", a.low_information || b.low_information},
                   {"turn", name_of_turn(orientation)}};
    record["limit"] = limit ? Json(*limit) : Json(nullptr);
    session.out.write(json_line(record));
  } else {
    std::string text = fmt::format("{}: distance {} of {} ({})", sentence(verdict), distance, about.bits, about.name);
    if (orientation != 1) text += fmt::format(", after {}", name_of_turn(orientation));
    session.out.write((yes ? session.out_style.green(text) : session.out_style.yellow(text)) + "\n");
  }
  for (const auto* image : {&a, &b})
    if (image->low_information && !identical)
      session.messages.warning(fmt::format("'{}' is flat or nearly so: its distance to anything means little",
                                           escape_for_terminal(image->path)));
  return yes ? ExitCode::kDone : ExitCode::kNegative;
}

}  // namespace

Action declare_cmp(CLI::App& app) {
  auto options = std::make_shared<CmpOptions>();
  add_path(app, "A", options->a, "One image");
  add_path(app, "B", options->b, "The other");
  add_similarity_options(app, options->similarity);
  add_invariant_option(app, options->turns, "Also mirrored and rotated: B is compared with every such turn of A");
  add_output_option(app, options->format, {OutputFormat::kHuman, OutputFormat::kJsonl});
  return [options](Session& session) { return cmp(*options, session); };
}

}  // namespace pairloom::cli
