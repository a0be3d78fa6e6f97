// Workload: a job as the benchmark sees it: so many files in, an answer for each out, and how long it took. One object
// keeps its workers from run to run. Runs in: cli, which is the supervisor then.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemon/index_run.h"

namespace pairloom::cli {

struct Trial {
  double seconds = 0;                           // from the first file handed out to the last answer taken
  std::vector<std::vector<std::byte>> answers;  // one a file, in order; what a failed file has says so
  std::array<uint64_t, 8> stage_ns{};           // of all workers together; index = shm::Stage
};

class Workload {
 public:
  virtual ~Workload() = default;
  // A path may be there many times. kInterrupted after a signal.
  virtual Result<Trial> run(std::span<const std::string> paths) = 0;
};

struct WorkloadKind {
  std::string_view name, about;
  std::string_view piece;  // what a chunk or band is counted in: "files", "rows"
  bool has_stages = true;  // Trial::stage_ns is filled
  uint32_t default_largest_px = 2048;
  // `pool` says how many workers, and how many pieces a chunk has (0: as the program chooses). `scratch` is a directory
  // for files that the job writes.
  Result<std::unique_ptr<Workload>> (*make)(const daemon::PoolOptions& pool, const std::string& scratch);
};
std::span<const WorkloadKind> workload_kinds();

}  // namespace pairloom::cli
