// pairloom scan: index directories, then list their groups.
#include <fmt/format.h>

#include "cli/find_groups.h"
#include "cli/index_writing.h"
#include "cli/indexing.h"
#include "cli/path_text.h"
#include "cli/selection.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "index/index_writer.h"

namespace pairloom::cli {
namespace {

struct ScanOptions {
  Selection selection;
  GroupListing listing;
  bool fail_if_found = false;
};

// The code that is compared must be among those computed.
Result<PreparedRequest> prepare_scan(ScanOptions& options, const Session& session) {
  auto& similarity = options.listing.query.similarity;
  PAIRLOOM_ASSIGN(auto prepared, prepare(options.selection, set_of(similarity.algorithm), session));
  auto& computed = prepared.request.setup.algorithms;
  if (similarity.algorithm_given) {
    computed |= set_of(similarity.algorithm);
  } else if (!contains(computed, similarity.algorithm)) {
    for (const auto& a : algorithms())
      if (contains(computed, a.id)) {
        similarity.algorithm = a.id;
        break;
      }
  }
  return prepared;
}

void say_what_next(const GroupTotals& totals, ExitCode indexed, Session& session) {
  if (totals.groups > 0)
    session.messages.hint("pairloom dups lists these again; --preset same: nearer ones only, -o jsonl: for programs");
  if (indexed == ExitCode::kUnreadable) session.messages.hint("pairloom index failures lists what could not be read");
}

Result<ExitCode> scan(ScanOptions& options, Session& session) {
  PAIRLOOM_TRY(options.listing.query.similarity.limit());  // wrong distances are told before the work, not after it
  PAIRLOOM_ASSIGN(auto prepared, prepare_scan(options, session));
  for (const auto& root : options.selection.roots) options.listing.query.filter.under.push_back(canonical_path(root));

  const auto writer = make_group_writer(options.listing.format, session.out, session.out_style);
  writer->begin(parameters_of(options.listing, session));
  PAIRLOOM_ASSIGN(const ExitCode indexed,
                  write_index(session, "pairloom scan", !prepared.list, [&](index::IndexWriter& index) {
                    return run_and_report(index, prepared.request, session,
                                          [&](const daemon::Problem& p) { writer->problem(p); });
                  }));
  if (indexed == ExitCode::kInterrupted) return indexed;

  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));
  PAIRLOOM_ASSIGN(const auto totals, list_groups(reader, options.listing, *writer, session));
  if (options.listing.format == OutputFormat::kHuman) say_what_next(totals, indexed, session);
  return options.fail_if_found && totals.groups > 0 ? ExitCode::kFound : indexed;
}

}  // namespace

Action declare_scan(CLI::App& app) {
  auto options = std::make_shared<ScanOptions>();
  add_selection_options(app, options->selection, true);
  add_group_options(app, options->listing.query);
  add_output_option(
      app, options->listing.format,
      {OutputFormat::kHuman, OutputFormat::kFdupes, OutputFormat::kJsonl, OutputFormat::kCsv, OutputFormat::kNull});
  app.add_flag("--fail-if-found", options->fail_if_found, "Exit with 10 if there is a group")->group("Output");
  return [options](Session& session) { return scan(*options, session); };
}

}  // namespace pairloom::cli
