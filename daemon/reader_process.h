// ReaderProcess: `pairloom` as a child that reads the index for a client of the daemon and writes JSON lines into a pipe.
// Runs in: supervisor.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/child_process.h"

namespace pairloom::daemon {

class ReaderProcess {
 public:
  // `input`: what the child reads on standard input, from its beginning; none = nothing.
  static Result<ReaderProcess> start(const std::string& program, const std::vector<std::string>& arguments,
                                     const Fd& input);

  int pid_fd() const { return child_.pid_fd(); }
  // The pipe's reading end; ends when the child does. The caller passes it on.
  const Fd& output() const { return output_; }
  void close_output() { output_.reset(); }
  void kill() { child_.kill(); }

  // When pid_fd() is readable: its exit status (128 + signal), and what it said on standard error, at most a few kB.
  struct Ended {
    int exit_code = 0;
    std::string said;
  };
  Ended end();

 private:
  ReaderProcess(ChildProcess child, Fd output, Fd errors)
      : child_(std::move(child)), output_(std::move(output)), errors_(std::move(errors)) {}
  ChildProcess child_;
  Fd output_, errors_;
};

}  // namespace pairloom::daemon
