// What the worker programs have in common: all of main() but the jobs that each of them does. The supervisor starts one per
// physical core, with its lane and its sockets as open descriptors; it ends when the supervisor does. Not meant to be
// started by hand. Runs in: worker only.
#pragma once

#include <span>
#include <string>

#include "jobs/job_kind.h"
#include "workerproc/worker_job.h"

namespace pairloom::workerproc {

struct WorkerProgram {
  jobs::WorkerKind kind;
  std::span<const JobMaker> jobs;
  // Lets the libraries that only this program has do what they do on first use, while that is still allowed.
  void (*warm_up)() = [] {};
  // Loads a shared object with extractors, while files can be opened; null: the program takes none.
  void (*load_plugin)(const std::string& path) = nullptr;
};

// True when all of them are jobs that the supervisor gives to that kind of worker: for a static_assert beside the table.
constexpr bool are_for(jobs::WorkerKind kind, std::span<const JobMaker> makers) {
  for (const JobMaker& maker : makers)
    if (jobs::worker_for(maker.kind) != kind) return false;
  return true;
}

// Returns the exit status.
int run_worker(const WorkerProgram& program, int argc, char** argv);

}  // namespace pairloom::workerproc
