// The command line of pairloom-worker, written by the supervisor (daemon/worker_process.cpp). Runs in: worker.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace pairloom::workerproc {

struct WorkerOptions {
  bool show_version = false;   // --version
  bool list_decoders = false;  // --decoders: "format<TAB>library" a line, for `pairloom doctor`
  int lane_fd = -1;            // --lane N
  int socket_fd = -1;          // --socket N
  int cpu = -1;                // --cpu N: pin to this logical CPU; -1 = not pinned
  std::vector<std::string> plugins;  // --plugin FILE, again and again: shared objects with extractors
};
Result<WorkerOptions> parse_worker_options(std::span<char* const> arguments);

}  // namespace pairloom::workerproc
