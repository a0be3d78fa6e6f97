// WorkerProcess: one life of one worker: its process, its lane, its socket. Destroying it kills and reaps the process.
// Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shm/channel.h"

namespace pairloom::daemon {

// How a worker ended.
struct Death {
  bool by_signal = false;
  int code = 0;              // signal number or exit status
  std::string text() const;  // "killed by signal 11 (Segmentation fault)"
};

// What every worker of a pool is started with.
struct WorkerPrograms {
  std::string worker;                // path
  std::vector<std::string> plugins;  // paths of shared objects with extractors
};

class WorkerProcess {
 public:
  // Starts the worker on a fresh lane; `cpu` = logical CPU to pin to, or -1. Returns before the worker has said hello.
  static Result<WorkerProcess> start(const WorkerPrograms& programs, uint32_t slot, uint64_t generation, int cpu,
                                     shm::LaneSizes sizes);
  WorkerProcess(WorkerProcess&& other) noexcept;
  WorkerProcess& operator=(WorkerProcess&&) noexcept;
  ~WorkerProcess();

  pid_t pid() const { return pid_; }
  int pid_fd() const { return pid_fd_.get(); }  // readable when the process has ended
  bool has_ended() const;
  shm::SupervisorChannel& channel() { return *channel_; }

  void kill();   // SIGKILL; the end shows at pid_fd()
  Death reap();  // waits for the end (call after pid_fd() became readable, or after kill())

 private:
  void end();
  WorkerProcess(pid_t pid, Fd pid_fd, std::unique_ptr<shm::SupervisorChannel> channel);
  pid_t pid_ = -1;  // -1: reaped
  Fd pid_fd_;
  std::unique_ptr<shm::SupervisorChannel> channel_;
};

}  // namespace pairloom::daemon
