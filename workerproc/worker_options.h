// The command line of the worker programs, written by the supervisor (daemon/worker_process.cpp). Runs in: worker.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace pairloom::workerproc {

struct WorkerOptions {
  bool show_version = false;   // --version
  bool list_decoders = false;  // --decoders: "format<TAB>library" a line, for `pairloom doctor`
  bool show_sandbox = false;   // --sandbox: "what<TAB>how it was prevented" a line, for `pairloom doctor`
  bool rare_decoders = false;  // --rare-decoders: load those that are slow to load, while files can be opened
  int lane_fd = -1;            // --lane N
  int socket_fd = -1;          // --socket N
  int files_fd = -1;           // --files N: where opened files come from
  int cpu = -1;                // --cpu N: pin to this logical CPU; -1 = not pinned
  int64_t memory_bytes = 0;    // --memory N: limit of private memory; 0 = none
  std::vector<std::string> plugins;  // --plugin FILE, again and again: shared objects with extractors; not of pairloom-worker
};
Result<WorkerOptions> parse_worker_options(std::span<char* const> arguments);

}  // namespace pairloom::workerproc
