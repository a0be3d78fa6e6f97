// WorkerProcess: one life of one worker: its process, its lane, its socket, and the opener beside it that opens its
// files. Destroying it ends both processes. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/child_process.h"
#include "shm/channel.h"

namespace pairloom::daemon {

// What every worker of a pool is started with.
struct WorkerPrograms {
  std::string worker, opener;        // paths; `worker` is that of the job of the moment
  std::vector<std::string> plugins;  // paths of shared objects with extractors
  bool rare_decoders = false;        // with those that are slow to load: a file has needed one
  bool drop_behind = false;          // files that were not in the page cache need not stay there
  uint64_t memory_bytes = 0;         // limit of a worker's private memory; 0 = none
};

class WorkerProcess {
 public:
  // Starts both processes on a fresh lane; `cpu` = logical CPU to pin to, or -1. Returns before the worker has said
  // hello.
  static Result<WorkerProcess> start(const WorkerPrograms& programs, uint32_t slot, uint64_t generation, int cpu,
                                     shm::LaneSizes sizes);

  pid_t pid() const { return worker_.pid(); }
  // Readable when the worker, or the opener, has ended.
  int pid_fd() const { return worker_.pid_fd(); }
  int opener_pid_fd() const { return opener_.pid_fd(); }
  bool has_ended() const { return worker_.has_ended(); }
  bool opener_has_ended() const { return opener_.has_ended(); }
  shm::SupervisorChannel& channel() { return *channel_; }

  // Has files opened for the worker, ahead of it: a chunk (docs/shm_layout.md) whose payloads are paths.
  // kProtocol: the worker does not take the files it has been given. An opener that is gone is no error here: its end
  // is an event of its own.
  Result<> open_files(std::span<const std::byte> chunk);

  void kill();  // SIGKILL to both; the end shows at pid_fd()
  Death end();  // both; how the worker ended, or its opener, if that was first

 private:
  WorkerProcess(ChildProcess worker, ChildProcess opener, Fd requests, std::unique_ptr<shm::SupervisorChannel> channel);
  ChildProcess worker_, opener_;
  Fd requests_;  // to the opener
  std::unique_ptr<shm::SupervisorChannel> channel_;
};

}  // namespace pairloom::daemon
