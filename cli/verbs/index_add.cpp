// pairloom index add, update, rebuild: bring directories into the index, keep them fresh, read them all anew.
#include <fmt/format.h>

#include <utility>

#include "base/text.h"
#include "cli/daemon_run.h"
#include "cli/index_writing.h"
#include "cli/indexing.h"
#include "cli/selection.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "index/index_writer.h"
#include "index/renewal.h"

namespace pairloom::cli {
namespace {

Result<ExitCode> add(const Selection& selection, Session& session) {
  PAIRLOOM_ASSIGN(auto prepared, prepare(selection, set_of(Algorithm::kPdq), session));
  const auto here = [&] {
    return write_index(session, "pairloom index add", !prepared.list, [&](index::IndexWriter& index) {
      return run_and_report(index, prepared.request, session);
    });
  };
  return here_or_by_daemon(session, here, [&](const DaemonClient& client) {
    return run_by_daemon(client, std::move(prepared), session);
  });
}

// Which roots and codes there are, the daemon knows.
Result<ExitCode> update_by_daemon(const Selection& selection, const DaemonClient& client, Session& session) {
  PreparedRequest prepared;
  PAIRLOOM_ASSIGN(prepared.request, work_request(selection, set_of(Algorithm::kPdq), session));
  prepared.request.walk = selection.walk_options();
  prepared.request.kind = index::RunKind::kUpdate;
  return run_by_daemon(client, std::move(prepared), session, !selection.features.empty());
}

// The codes the index is used with; none when it cannot be read.
Result<AlgorithmSet> codes_in_use(const std::string& path) {
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(path));
  PAIRLOOM_ASSIGN(const auto about, reader.info());
  AlgorithmSet used = 0;
  for (const auto& count : about.algorithms)
    if (count.codes > 0) used |= set_of(count.algorithm);
  return used;
}

// All directories that were ever added to it.
Result<ExitCode> read_roots(Selection selection, AlgorithmSet features, index::IndexWriter& index, Session& session) {
  PAIRLOOM_ASSIGN(const auto roots, index.roots());
  for (const auto& root : roots) selection.roots.push_back(root.path);
  if (selection.roots.empty()) {
    session.messages.note("nothing to update: no directory has been added yet");
    return ExitCode::kDone;
  }
  PAIRLOOM_ASSIGN(auto prepared, prepare(selection, features == 0 ? set_of(Algorithm::kPdq) : features, session));
  prepared.request.kind = index::RunKind::kUpdate;
  return run_and_report(index, prepared.request, session);
}

Result<ExitCode> update_here(const Selection& selection, Session& session) {
  const auto features = codes_in_use(session.index);  // an index must be there: update makes none
  if (!features && features.error().code != Errc::kIndexCorrupt) return tl::unexpected(features.error());
  return write_index(session, "pairloom index update", true, [&](index::IndexWriter& index) {
    return read_roots(selection, features.value_or(0), index, session);
  });
}

Result<ExitCode> update(const Selection& selection, Session& session) {
  return here_or_by_daemon(session, [&] { return update_here(selection, session); },
                           [&](const DaemonClient& client) { return update_by_daemon(selection, client, session); });
}

Result<ExitCode> rebuild(const Selection& selection, Session& session) {
  const auto features = codes_in_use(session.index);
  if (!features && features.error().code == Errc::kIndexMissing) return tl::unexpected(features.error());
  PAIRLOOM_ASSIGN(auto renewed, index::renew(session.index, "pairloom index rebuild"));
  if (renewed.set_aside)
    session.messages.note(fmt::format("the index as it was is '{}' now; remove it when the new one is as it should be",
                                      escape_for_terminal(*renewed.set_aside)));
  return read_roots(selection, features.value_or(0), renewed.index, session);
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

Action declare_index_rebuild(CLI::App& app) {
  auto selection = std::make_shared<Selection>();
  add_selection_options(app, *selection, false);
  return [selection](Session& session) { return rebuild(*selection, session); };
}

}  // namespace pairloom::cli
