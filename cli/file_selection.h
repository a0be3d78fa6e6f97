// Which files a verb works on: PATH.. or a list of them, and what to leave out below directories. The option family of
// every verb that looks through directories. Runs in: cli.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "cli/options.h"
#include "daemon/file_job.h"

namespace pairloom::cli {

struct FileSelection {
  std::vector<std::string> roots;
  std::string files_from;  // "-" = standard input
  bool nul = false;
  daemon::WalkOptions walk;
  std::optional<uint32_t> max_depth;

  bool names_something() const { return !roots.empty() || !files_from.empty(); }
  daemon::WalkOptions walk_options() const;  // `walk` with max_depth in it
};

// Positional `name` and --files-from; empty: neither (index update has its own roots).
void add_file_options(CLI::App& app, FileSelection& into, const std::string& name, const std::string& about);

// kInvalidArgument when the options contradict each other.
Result<> check(const FileSelection& selection);
// The list of --files-from, or an empty Fd when there is none. kIo when it cannot be opened.
Result<Fd> open_list(const FileSelection& selection);

// A file job's request for these files, and the descriptor it borrows. The rest of the request is the job's.
struct PreparedFiles {
  daemon::FileJobRequest request;
  Fd list;
};
Result<PreparedFiles> prepare(const FileSelection& selection);

}  // namespace pairloom::cli
