// pairloom index retry: look again at the files that could not be used, also at those that are left alone because they
// cost workers their lives.
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <utility>

#include "cli/daemon_run.h"
#include "cli/path_text.h"
#include "cli/selection.h"
#include "cli/verb.h"
#include "index/index_reader.h"

namespace pairloom::cli {
namespace {

struct Failed {
  std::string paths;  // each ended by NUL
  AlgorithmSet features = 0;
  size_t count = 0;
};

// The failures at or below one of `under`, all when it is empty; and which codes the index is used with.
Result<Failed> list_failures(const std::string& index, const std::vector<std::string>& under) {
  Failed failed;
  PAIRLOOM_ASSIGN(auto reader, index::IndexReader::open(index));
  PAIRLOOM_TRY(reader.visit_failures([&](const index::FailureRow& row) -> Result<> {
    const bool wanted = under.empty() || std::any_of(under.begin(), under.end(), [&](const std::string& root) {
                          return lies_under(row.path, root);
                        });
    if (!wanted) return {};
    failed.paths.append(row.path).push_back('\0');
    ++failed.count;
    return {};
  }));
  PAIRLOOM_ASSIGN(const auto about, reader.info());
  for (const auto& count : about.algorithms)
    if (count.codes > 0) failed.features |= set_of(count.algorithm);
  if (failed.features == 0) failed.features = set_of(Algorithm::kPdq);
  return failed;
}

Result<Fd> file_of(const std::string& text) {
  Fd fd(::memfd_create("pairloom-retry", MFD_CLOEXEC));
  if (!fd) return fail_errno("cannot hold the list of files", errno);
  PAIRLOOM_TRY(write_all(fd.get(), text.data(), text.size(), "the list of files"));
  if (::lseek(fd.get(), 0, SEEK_SET) != 0) return fail_errno("cannot read the list of files", errno);
  return fd;
}

Result<ExitCode> retry(const Selection& selection, std::vector<std::string> under, Session& session) {
  for (auto& path : under) path = canonical_path(path);
  PAIRLOOM_ASSIGN(const Failed failed, list_failures(session.index, under));
  if (failed.count == 0) {
    session.messages.note(under.empty() ? "no failures" : "no failures there");
    return ExitCode::kDone;
  }
  PreparedRequest prepared;
  daemon::IndexRequest& request = prepared.request;
  PAIRLOOM_ASSIGN(request, work_request(selection, failed.features, session));
  PAIRLOOM_ASSIGN(prepared.list, file_of(failed.paths));
  request.files_from_fd = prepared.list.get();
  request.files_from_nul = true;
  request.retry_failed = true;
  request.kind = index::RunKind::kUpdate;
  return run_here_or_by_daemon(session, "pairloom index retry", std::move(prepared), !selection.features.empty());
}

}  // namespace

Action declare_index_retry(CLI::App& app) {
  auto selection = std::make_shared<Selection>();
  auto under = std::make_shared<std::vector<std::string>>();
  add_paths(app, "PATH", *under, "Only failures at or below these");
  add_work_options(app, *selection);
  return [selection, under](Session& session) { return retry(*selection, *under, session); };
}

}  // namespace pairloom::cli
