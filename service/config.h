// Config: what pairloomd is told by its configuration file, in TOML. docs/service.md lists the keys. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/algorithm.h"
#include "base/image.h"
#include "base/result.h"
#include "daemon/index_run.h"

namespace pairloom::service {

enum class WatchMode : uint8_t { kAuto, kInotify, kFanotify, kPoll };

struct RootConfig {
  std::string path;  // absolute, as written
  daemon::WalkOptions walk;
  double poll_s = 0;  // 0 = Config::poll_s
  WatchMode watch = WatchMode::kAuto;
  bool configured = true;  // false: added by `pairloom watch add`
};

struct Config {
  std::string index;  // absolute
  int jobs = 0;              // worker processes; 0 = physical cores
  uint64_t memory_bytes = 0;  // of all workers together; 0 = three quarters of the machine's
  AlgorithmSet algorithms = set_of(Algorithm::kPdq);
  AlgorithmSet pair = set_of(Algorithm::kPdq);
  Accuracy accuracy = Accuracy::kDefault;
  jobs::ReadLimits limits;
  bool require_sandbox = false;
  bool io_friendly = true;  // daemon::PoolOptions
  std::vector<RootConfig> roots;

  double settle_s = 2;          // how long a file must be quiet that nobody has closed
  double rescan_s = 86400;      // a full walk of every root: what no event told
  double poll_s = 300;          // the same where there are no events
  double pair_s = 2;            // pair when nothing has come for so long
  double inotify_share = 0.5;   // of fs.inotify.max_user_watches
  double idle_s = 30;           // then idle workers are ended

  int nice = 10;
  bool idle_io = true;
  // Percent of time in which some process had to wait (PSI) from which on pairloom holds back; 0 = never.
  int memory_pressure = 10, cpu_pressure = 0, io_pressure = 0;

  std::string control_socket = "/run/pairloom/control.sock";  // empty = none
  std::string control_group;                                  // may use it, besides root and the daemon's user
};

// Errors name file, line and key, and say what would be right. kIo: it cannot be read; kInvalidArgument: it is wrong.
Result<Config> read_config(const std::string& path);
// The same of text; `path` is for messages.
Result<Config> parse_config(std::string_view text, const std::string& path);

bool same(const RootConfig& a, const RootConfig& b);

// Roots that were added by `pairloom watch add`: a file beside the index with [[root]]s and nothing else. One that is not
// there holds none.
Result<std::vector<RootConfig>> read_watch_list(const std::string& path);
// Durable when it returns. kInvalidArgument: a path that is no text cannot be written.
Result<> write_watch_list(const std::string& path, const std::vector<RootConfig>& roots);

// What the pool gets of `memory_bytes`: as many workers as have half a gigabyte each, `jobs` or `cores` at most.
struct MemoryPlan {
  int jobs = 1;
  uint64_t worker_bytes = 0;   // 0 = the pool's choice
  uint64_t pairing_bytes = 1ull << 30;
};
MemoryPlan plan_memory(const Config& config, int cores);

}  // namespace pairloom::service
