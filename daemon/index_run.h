// One indexing run from start to finish: find files, have the workers extract them, store what comes back, pair what is
// new. Used by the CLI's foreground verbs and by pairloomd. Runs in: supervisor (the calling process; single-threaded).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/image.h"
#include "base/result.h"
#include "index/index_writer.h"
#include "jobs/index_job.h"
#include "jobs/job_kind.h"

namespace pairloom::daemon {

class Pool;

// Which files of a directory tree count.
struct WalkOptions {
  std::vector<std::string>
      include;  // globs (fnmatch, FNM_PATHNAME off) on the path below the root or on the name; empty = all
  std::vector<std::string> exclude;  // a matching directory is not entered
  bool hidden = false;               // names that begin with a dot
  bool follow_symlinks = false;
  bool one_file_system = false;
  int max_depth = -1;  // 0 = only the root's own files
};

struct PoolOptions {
  int jobs = 0;                 // worker processes; 0 = physical cores this process may use
  std::string worker_program;   // for every job; empty = each job's own, found beside this program or in libexec
  std::string opener_program;   // the same for the opener
  double task_deadline_s = 30;  // without a sign of progress from the worker
  double task_limit_s = 900;    // for one task, whatever its signs
  uint64_t worker_memory_bytes = 0;  // of each worker's private memory; 0 = chosen by the machine's
  bool require_sandbox = false;      // work in a complete sandbox or not at all
  // For large collections on slow disks: the files of a directory in the order of their inodes, which is about that on the
  // disk; and what was not in the page cache before does not stay there, at the cost of what others have in it.
  bool io_friendly = false;
  std::vector<std::string> plugins;  // shared objects with extractors that every worker loads; absolute paths
  uint32_t chunk_tasks = 0;     // tasks in a chunk; 0 = by the worker's pace, fewer towards the end (for benchmarks)
};

struct IndexRequest {
  std::vector<std::string> roots;  // directories or single files, as the user wrote them
  // Or a list of paths read from a descriptor (--files-from), NUL- or newline-separated. Not owned.
  int files_from_fd = -1;
  bool files_from_nul = false;
  WalkOptions walk;
  jobs::IndexSetup setup;
  PoolOptions pool;
  bool retry_failed = false;  // look again at files that failed before
  index::RunKind kind = index::RunKind::kAdd;
  std::string arguments;  // for the run table
  // Pair new codes of these algorithms with everything, and of those for which somebody asked (IndexWriter::want_pairs());
  // 0 = none. Not of a run of kind kPair.
  AlgorithmSet pair_algorithms = set_of(Algorithm::kPdq);
  // All that a run of kind kPair does: pairs of one algorithm are kept up to this distance from now on, and those that are
  // missing are found. 0 bits: as far as by default. kInvalidArgument: the index has no such codes, or they are shorter.
  struct KeepPairs {
    Algorithm algorithm = Algorithm::kPdq;
    uint32_t distance = 0;
  };
  KeepPairs keep_pairs;
  uint64_t pairing_memory_bytes = uint64_t{1} << 30;  // for the codes that all workers together sort at a time
};

// Something the user should be told about one path; also stored in the index where it belongs to a file.
struct Problem {
  std::string path;
  std::string reason;            // "cannot open: Permission denied"
  bool skipped_subtree = false;  // a directory that could not be read: what is below keeps its state
  std::optional<uint32_t> worker = std::nullopt;  // slot of the worker whose result says so
};

struct Progress {
  enum class Stage { kIndexing, kPairing, kCommitting, kTransforming } stage = Stage::kIndexing;
  uint64_t found = 0, done = 0;  // files (kIndexing), codes (kPairing), rows (kTransforming)
  bool found_all = false;        // the walk is complete: `found` is final, an ETA means something
  uint64_t failed = 0, bytes_read = 0;
  double seconds = 0;
  int workers = 0;
};

// Called from the event loop; must return quickly.
struct RunObserver {
  std::function<void(const Progress&)> progress;  // about ten times a second
  std::function<void(const Problem&)> problem;    // as they happen
  std::function<bool()> stop_requested;  // polled after every event; SIGINT/SIGTERM are handled by the run itself
};

struct RunSummary {
  index::RunKind kind = index::RunKind::kAdd;
  index::RunTotals totals;
  std::vector<index::WorkerTotals> workers;
  uint64_t unreadable_directories = 0;
  std::vector<std::string> missing_roots;  // did not exist or could not be read: nothing below was touched
  uint64_t new_pairs = 0;
};

// Interrupted runs return a summary with totals.interrupted set; everything finished is committed.
Result<RunSummary> run_index(index::IndexWriter& index, const IndexRequest& request, const RunObserver& observer);

// Extracts a few files without an index (match, cmp): results in the order of `paths`, one worker pool, same
// containment.
Result<std::vector<jobs::IndexResult>> extract_files(const std::vector<std::string>& paths,
                                                     const jobs::IndexSetup& setup, const PoolOptions& pool);
// The same by a pool that is there already and stays.
Result<std::vector<jobs::IndexResult>> extract_files(const std::vector<std::string>& paths,
                                                     const jobs::IndexSetup& setup, Pool& pool);

// The cores workers would be pinned to: one logical CPU per physical core within affinity and cgroup cpu.max.
struct PhysicalCores {
  std::vector<int> cpus;          // logical CPU numbers
  int physical = 0, logical = 0;  // within affinity
  double cgroup_limit = 0;        // CPUs allowed by cpu.max; 0 = no limit
};
PhysicalCores usable_physical_cores();
// Path of the worker program that would be started, or an error that says where it was looked for.
Result<std::string> find_worker_program(const PoolOptions& pool, jobs::WorkerKind kind);
Result<std::string> find_opener_program(const PoolOptions& pool);

}  // namespace pairloom::daemon
