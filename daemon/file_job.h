// FileJobs: jobs that take one file a task and are answered file by file, in the order in which the files were named:
// match, locate, extract. Cuts the work, keeps answers that came early until those before them have come, tells
// progress. Memory is bounded: by the names of the largest directory, and at most kAnswerWindow files between being
// handed out and being answered. Runs in: supervisor (the calling process; single-threaded).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "daemon/file_batch.h"
#include "daemon/index_run.h"
#include "daemon/pool.h"
#include "jobs/file_answer.h"
#include "jobs/job_kind.h"
#include "shm/lane.h"

namespace pairloom::daemon {

constexpr size_t kAnswerWindow = 4096;
constexpr uint64_t kAnswerWindowBytes = 256u << 20;  // of answers that wait for one before them

struct FileJobRequest {
  jobs::JobKind kind{};
  std::vector<std::byte> setup;                    // what the worker's side of the job is told
  std::vector<std::vector<std::byte>> references;  // descriptor sets for every worker (Job::references)
  shm::LaneSizes lane_sizes;
  uint64_t max_answer_bytes = 64u << 20;  // of one file, all records together; more is a lie
  // Checks a body as one checks a stranger's: kProtocol kills the worker that sent it and blames the file. The sink
  // gets only what passed. Empty: any body will do.
  std::function<Result<>(std::span<const std::byte> body)> check;

  // What to work on: files and directories as the user wrote them, in that order (directories in byte order of names),
  // or a list read from a descriptor as in IndexRequest, or any other source. Not owned.
  std::vector<std::string> paths;
  int files_from_fd = -1;
  bool files_from_nul = false;
  FileSource* source = nullptr;
  WalkOptions walk;
  // Asked about each file before it is handed out, with its canonical path: false leaves it out, as if it were not
  // there (FileJobSummary::passed_over counts it). Empty: all are wanted.
  std::function<Result<bool>(const std::string& path, const StatIdentity& identity)> wants;
};

struct FileJobSummary {
  uint64_t files = 0, done = 0, failed = 0, not_images = 0;  // files = the sum of the others, unless interrupted
  uint64_t passed_over = 0;                                  // not wanted; not among `files`
  uint64_t unreadable_directories = 0, worker_deaths = 0;
  std::vector<std::string> missing_roots;
  std::vector<index::WorkerTotals> workers;
  double seconds = 0;
  bool interrupted = false;
};

// Hears of every file, in order; `path` is as the user would write it. An error ends the run with that error.
using AnswerSink = std::function<Result<>(const std::string& path, jobs::FileAnswer answer)>;

class FileJobs {
 public:
  // Starts no process yet.
  static Result<FileJobs> create(const PoolOptions& options);

  // What a worker answers to a single empty task of a job that takes none: questions about itself. kInterrupted.
  Result<jobs::FileAnswer> ask(jobs::JobKind kind, std::vector<std::byte> setup);

  // May be called again: the workers stay. Interrupted runs return a summary that says so; what the sink has heard of
  // is then a prefix of the files. Paths that could not be reached are told to observer.problem and not to the sink.
  Result<FileJobSummary> run(const FileJobRequest& request, const AnswerSink& sink, const RunObserver& observer);

 private:
  explicit FileJobs(Pool pool) : pool_(std::move(pool)) {}
  Pool pool_;
};

}  // namespace pairloom::daemon
