// Runs an indexing request with everything a person should see of it: progress, unreadable files, the line at the end.
// Runs in: cli, which is the supervisor then.
#pragma once

#include <functional>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/session.h"
#include "daemon/index_run.h"
#include "index/index_writer.h"

namespace pairloom::cli {

// kDone, kUnreadable or kInterrupted. `problem` (may be null) gets every problem besides what is said on standard
// error.
Result<ExitCode> run_and_report(index::IndexWriter& index, const daemon::IndexRequest& request, Session& session,
                                const std::function<void(const daemon::Problem&)>& problem = nullptr);

// The same for a run that somebody else does: `run` is called once.
using RunIndex = std::function<Result<daemon::RunSummary>(const daemon::RunObserver&)>;
Result<ExitCode> report_run(const RunIndex& run, Session& session,
                            const std::function<void(const daemon::Problem&)>& problem = nullptr);

// The lines after a run: the finished line, then what was new, unchanged, moved, gone; what is missing.
std::vector<std::string> summary_lines(const daemon::RunSummary& summary);
ExitCode exit_code_of(const daemon::RunSummary& summary);

}  // namespace pairloom::cli
