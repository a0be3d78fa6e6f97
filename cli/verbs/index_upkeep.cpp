// pairloom index prune, verify, info.
#include <fmt/format.h>
#include <map>

#include "base/text.h"
#include "cli/index_writing.h"
#include "cli/path_text.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "index/index_writer.h"
#include "index/pairing_store.h"
#include "search/hamming_scan.h"

namespace pairloom::cli {
namespace {

Result<ExitCode> prune(bool dry_run, Session& session) {
  PAIRLOOM_TRY(require_index(session.index));
  PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(session.index, "pairloom index prune"));
  PAIRLOOM_ASSIGN(const auto pruned, index.prune(dry_run));
  session.out.write(fmt::format("{} {} gone files, {} contents without a file, {} empty directories\n",
                                dry_run ? "would forget" : "forgot", pruned.files, pruned.contents,
                                pruned.directories));
  return ExitCode::kDone;
}

Result<ExitCode> verify(Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  PAIRLOOM_ASSIGN(const auto problems, reader.verify());
  for (const auto& problem : problems) session.out.write(escape_for_terminal(problem) + "\n");
  if (problems.empty()) {
    session.messages.note("the index is sound");
    return ExitCode::kDone;
  }
  session.messages.error(fmt::format("the index has {} problems", problems.size()));
  session.messages.hint("the pictures are untouched; pairloom index rebuild sets the index aside and makes a new one");
  return ExitCode::kIndex;
}

// Codes with more pairs than are kept, by algorithm.
using Crowded = std::map<Algorithm, uint64_t>;

Json info_record(const index::IndexInfo& about, const Crowded& crowded, const std::string& path) {
  Json codes = Json::object();
  for (const auto& a : about.algorithms)
    codes[std::string(info(a.algorithm).name)] = {
        {"codes", a.codes}, {"paired_radius", a.pairing.radius}, {"paired_position", a.pairing.position},
        {"crowded", crowded.at(a.algorithm)}};
  return {{"type", "info"},
          {"schema", "pairloom.info/1"},
          {"index", json_path(path)},
          {"schema_version", about.schema_version},
          {"bytes", about.database_bytes},
          {"files", about.files},
          {"contents", about.contents},
          {"not_images", about.not_images},
          {"failures", about.failures},
          {"gone", about.gone},
          {"directories", about.directories},
          {"algorithms", codes}};
}

std::string pairing_text(const index::PairingState& pairing, uint64_t codes) {
  if (pairing.radius == 0) return "not paired; dups computes pairs when asked";
  if (pairing.position >= codes) return fmt::format("paired up to distance {}", pairing.radius);
  return fmt::format("paired up to distance {} for {} of {}; dups computes the rest", pairing.radius, pairing.position,
                     codes);
}

std::string info_text(const index::IndexInfo& about, const Crowded& crowded, const std::string& path) {
  std::string out = fmt::format("index        {} ({}, schema {})\n", escape_for_terminal(path),
                                human_bytes(about.database_bytes), about.schema_version);
  out += fmt::format("files        {}\n", about.files);
  out += fmt::format("contents     {}\n", about.contents);
  out += fmt::format("directories  {}\n", about.directories);
  out += fmt::format("not images   {}\n", about.not_images);
  out += fmt::format("failures     {}{}\n", about.failures, about.failures > 0 ? "  (pairloom index failures)" : "");
  out += fmt::format("gone         {}{}\n", about.gone, about.gone > 0 ? "  (pairloom index prune)" : "");
  for (const auto& a : about.algorithms) {
    out += fmt::format("{:<12} {} codes; {}\n", info(a.algorithm).name, a.codes,
                       pairing_text(a.pairing, a.pairing.code_count));
    if (crowded.at(a.algorithm) > 0)
      out += fmt::format("{:<12} {} of them have more than {} near-duplicates, of which not all are stored\n", "",
                         crowded.at(a.algorithm), search::kMaxNeighbours);
  }
  return out;
}

Result<ExitCode> show_info(OutputFormat format, Session& session) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  PAIRLOOM_ASSIGN(const auto about, reader.info());
  PAIRLOOM_ASSIGN(auto store, index::PairingStore::open(session.index));
  Crowded crowded;
  for (const auto& a : about.algorithms) {
    PAIRLOOM_ASSIGN(crowded[a.algorithm], store.crowded_count(a.algorithm));
  }
  session.out.write(format == OutputFormat::kJsonl ? json_line(info_record(about, crowded, session.index))
                                                   : info_text(about, crowded, session.index));
  return ExitCode::kDone;
}

}  // namespace

Action declare_index_prune(CLI::App& app) {
  auto dry_run = std::make_shared<bool>(false);
  app.add_flag("-n,--dry-run", *dry_run, "Only say what would be forgotten")->group("Options");
  return [dry_run](Session& session) { return prune(*dry_run, session); };
}

Action declare_index_verify(CLI::App&) {
  return [](Session& session) { return verify(session); };
}

Action declare_index_info(CLI::App& app) {
  auto format = std::make_shared<OutputFormat>(OutputFormat::kHuman);
  add_output_option(app, *format, {OutputFormat::kHuman, OutputFormat::kJsonl});
  return [format](Session& session) { return show_info(*format, session); };
}

}  // namespace pairloom::cli
