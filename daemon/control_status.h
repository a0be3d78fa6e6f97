// DaemonStatus: what pairloomd says of itself. One structure, one JSON document made from it: GET /v1/status, the
// metrics, and `pairloom status` all show the same. Runs in: supervisor (fills it), cli (reads the document).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "daemon/index_run.h"

namespace pairloom::daemon {

// One directory tree that is watched.
struct RootStatus {
  enum class State : uint8_t {
    kWaiting,   // not scanned yet since the start
    kScanning,  // being walked
    kFresh,     // the index is as the tree is, but for what `queue` counts
    kOffline,   // not there, empty, or another file system than before: nothing of it is forgotten
  };
  enum class Watch : uint8_t { kNone, kInotify, kFanotify, kPolling };
  std::string path;
  State state = State::kWaiting;
  Watch watch = Watch::kNone;
  bool configured = true;        // named in the configuration file; false: by `pairloom watch add`
  uint64_t directories = 0;      // that are watched or polled
  uint64_t rescans = 0;          // because events were lost or in doubt, or asked for
  int64_t last_scan_wall_ns = 0; // when a complete walk ended; 0 = never
  std::string reason;            // why it is offline or polled
  std::string hint;              // what to do about it: "sysctl fs.inotify.max_user_watches=1048576"
};

struct WorkerStatus {
  uint32_t slot = 0;
  int pid = 0;                 // 0 = none now
  int cpu = -1;                // it is pinned to
  uint32_t lives = 0;          // processes this slot used since the daemon started
  uint64_t tasks = 0, bytes_read = 0;
  double tasks_per_s = 0;      // over the last seconds
  uint32_t sandbox_level = 0;  // base/sandbox_level.h
};

// What may differ between two looks: everything. Counters only grow while a daemon lives.
struct DaemonStatus {
  enum class State : uint8_t {
    kStarting,
    kScanning,  // a root is being walked
    kIndexing,  // files that changed are being looked at
    kPairing,
    kIdle,      // everything is fresh
    kPaused,
    kStopping,
  };
  State state = State::kStarting;
  std::string pause_reason;     // "asked for", "memory pressure", "battery"; empty when not paused
  int64_t started_wall_ns = 0;
  double uptime_s = 0;
  std::string index_path, config_path;
  std::string config_problem;   // of the last reload that was refused; empty = the file is in force
  std::optional<Progress> run;  // of the run under way

  struct Queue {
    uint64_t events = 0;    // noticed and not looked at
    uint64_t settling = 0;  // files that are still being written
    uint64_t tasks = 0;     // files handed to workers, not stored yet
    uint64_t requests = 0;  // of clients, waiting for their turn
  } queue;

  // Since the daemon started.
  struct Totals : index::RunTotals {
    uint64_t new_pairs = 0;
    uint64_t events = 0, overflows = 0;  // of the kernel's queue: events were lost, and the root walked again
    uint64_t commits = 0;
  } totals;

  // What the index holds, with what is not committed yet; empty before it is open.
  std::optional<uint64_t> indexed_files, failed_files, contents;
  uint64_t watches_used = 0, watches_allowed = 0;  // inotify; 0 allowed = not used
  std::string last_error;                          // that did not end the daemon
  int64_t last_error_wall_ns = 0;
  std::vector<WorkerStatus> workers;
  std::vector<RootStatus> roots;
};

// The document of GET /v1/status (docs/control.md). Paths that are not UTF-8 are given as base64, as in all JSON of
// pairloom.
nlohmann::ordered_json to_json(const DaemonStatus& status);

std::string_view name_of(DaemonStatus::State state);
std::string_view name_of(RootStatus::State state);
std::string_view name_of(RootStatus::Watch watch);

}  // namespace pairloom::daemon
