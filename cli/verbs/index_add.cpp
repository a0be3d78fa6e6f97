// pairloom index add, pairloom index update: bring directories into the index, keep them fresh.
#include <utility>

#include "cli/daemon_run.h"
#include "cli/find_daemon.h"
#include "cli/indexing.h"
#include "cli/selection.h"
#include "cli/verb.h"
#include "index/index_reader.h"
#include "index/index_writer.h"

namespace pairloom::cli {
namespace {

// By ourselves; or, when a daemon was named or has the index, by that daemon.
Result<ExitCode> run_here_or_there(PreparedRequest prepared, const std::string& program, Session& session) {
  if (daemon_is_named(session)) {
    PAIRLOOM_ASSIGN(const auto named, need_daemon(session));
    return run_by_daemon(named.client, std::move(prepared), session);
  }
  auto index = index::IndexWriter::open(session.index, program);
  if (index) return run_and_report(*index, prepared.request, session);
  // Held by somebody, or not ours to write: perhaps it is a daemon's.
  if (index.error().code == Errc::kIndexLocked || index.error().code == Errc::kIo) {
    PAIRLOOM_ASSIGN(const auto owner, find_daemon(session));
    if (owner) return run_by_daemon(owner->client, std::move(prepared), session);
  }
  return tl::unexpected<Error>(std::move(index).error());
}

Result<ExitCode> add(const Selection& selection, Session& session) {
  PAIRLOOM_ASSIGN(auto prepared, prepare(selection, set_of(Algorithm::kPdq), session));
  return run_here_or_there(std::move(prepared), "pairloom index add", session);
}

// What an update needs to know of the index is in the index; who may not read it has the daemon look.
Result<ExitCode> update_by_daemon(const Selection& selection, const DaemonClient& client, Session& session) {
  PreparedRequest prepared;
  PAIRLOOM_ASSIGN(prepared.request, work_request(selection, set_of(Algorithm::kPdq), session));
  prepared.request.walk = selection.walk_options();
  prepared.request.kind = index::RunKind::kUpdate;
  return run_by_daemon(client, std::move(prepared), session, !selection.features.empty());
}

Result<ExitCode> update(Selection selection, Session& session) {
  if (daemon_is_named(session)) {
    PAIRLOOM_ASSIGN(const auto named, need_daemon(session));
    return update_by_daemon(selection, named.client, session);
  }
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
  return run_here_or_there(std::move(prepared), "pairloom index update", session);
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
