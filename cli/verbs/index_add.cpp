// pairloom index add, pairloom index update: bring directories into the index, keep them fresh.
#include "cli/indexing.h"
#include "cli/selection.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "index/index_writer.h"

namespace pairloom::cli {
namespace {

Result<ExitCode> add(const Selection& selection, Session& session) {
  PAIRLOOM_ASSIGN(const auto prepared, prepare(selection, set_of(Algorithm::kPdq), session));
  PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(session.index, "pairloom index add"));
  return run_and_report(index, prepared.request, session);
}

Result<ExitCode> update(Selection selection, Session& session) {
  AlgorithmSet features = 0;
  {
    PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(session.index));  // an index must be there: update makes none
    PAIRLOOM_ASSIGN(const auto roots, reader.roots());
    for (const auto& root : roots) selection.roots.push_back(root.path);
    PAIRLOOM_ASSIGN(const auto about, reader.info());
    for (const auto& count : about.algorithms)
      if (count.codes > 0) features |= set_of(count.algorithm);
  }
  if (selection.roots.empty()) {
    session.messages.note("nothing to update: no directory has been added yet");
    return ExitCode::kDone;
  }
  PAIRLOOM_ASSIGN(auto prepared, prepare(selection, features == 0 ? set_of(Algorithm::kPdq) : features, session));
  prepared.request.kind = index::RunKind::kUpdate;
  PAIRLOOM_ASSIGN(auto index, index::IndexWriter::open(session.index, "pairloom index update"));
  return run_and_report(index, prepared.request, session);
}

}  // namespace

Action declare_index_add(CLI::App& app) {
  auto selection = std::make_shared<Selection>();
  add_selection_options(app, *selection, true);
  return [selection](Session& session) { return add(*selection, session); };
}

Action declare_index_update(CLI::App& app) {
  auto selection = std::make_shared<Selection>();
  add_selection_options(app, *selection, false);
  return [selection](Session& session) { return update(*selection, session); };
}

}  // namespace pairloom::cli
