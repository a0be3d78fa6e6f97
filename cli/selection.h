// Which files an indexing verb takes, and what is computed for them: the options of scan and index add. Runs in: cli.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "cli/file_selection.h"
#include "cli/options.h"
#include "daemon/index_run.h"

namespace pairloom::cli {

struct Selection : FileSelection {
  std::string features;  // as given; empty = default
  jobs::IndexSetup setup;
  double task_deadline_s = 30;
  uint64_t pairing_memory_bytes = uint64_t{1} << 30;
  bool retry_failed = false;
  bool io_friendly = false;
};

// `with_roots`: DIR.. and --files-from too (index update has its own).
void add_selection_options(CLI::App& app, Selection& into, bool with_roots);

// The part of them that says what is computed, for verbs that know their files.
void add_work_options(CLI::App& app, Selection& into);

// The request, and the descriptor it borrows.
struct PreparedRequest {
  daemon::IndexRequest request;
  Fd list;
};
// A request that says what to do with files, but not yet with which.
Result<daemon::IndexRequest> work_request(const Selection& selection, AlgorithmSet default_features,
                                          const Session& session);
// `default_features` where --features was not given. kInvalidArgument when nothing was named; kIo when the list cannot
// be opened. Codes of 256 bits are paired as they come in; 64-bit ones only when asked for (dups --algorithm).
Result<PreparedRequest> prepare(const Selection& selection, AlgorithmSet default_features, const Session& session);

}  // namespace pairloom::cli
