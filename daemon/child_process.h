// ChildProcess: one process that this one has started, with its end in sight. Destroying it kills it. Nothing here
// waits for ever: a process that hangs in the kernel (on a mount whose server is gone) survives its SIGKILL, and is left
// behind to be reaped when it ends. Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::daemon {

// How a process ended.
struct Death {
  bool by_signal = false;
  int code = 0;          // signal number or exit status
  bool abandoned = false;  // it did not end: killed, and left behind
  bool of_opener = false;  // of the worker's opener, which the worker is of no use without
  std::string text() const;  // "killed by signal 11 (Segmentation fault)"
};

class ChildProcess {
 public:
  // The first of the numbers at which a child finds the descriptors it is given.
  static constexpr int kFirstFd = 3;

  // What a child finds as its standard input, output and error; -1: /dev/null, for the error that of this process.
  struct Standard {
    int input = -1, output = -1, error = -1;
  };
  // Executes `program` with `arguments` and exactly these descriptors, at kFirstFd and up. It dies with this process.
  static Result<ChildProcess> start(const std::string& program, const std::vector<std::string>& arguments,
                                    std::span<const int> descriptors, const Standard& standard);
  static Result<ChildProcess> start(const std::string& program, const std::vector<std::string>& arguments,
                                    std::span<const int> descriptors) {
    return start(program, arguments, descriptors, Standard{});
  }
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  int pid_fd() const { return pid_fd_.get(); }  // readable when the process has ended
  bool has_ended() const;
  void kill();  // SIGKILL; the end shows at pid_fd()
  // Kills, waits a moment for the end, and says how it ended. The process is out of our hands then.
  Death end();

 private:
  ChildProcess(pid_t pid, Fd pid_fd);
  pid_t pid_ = -1;  // -1: reaped or left behind
  Fd pid_fd_;
};

}  // namespace pairloom::daemon
