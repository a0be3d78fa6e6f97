// Running real programs from tests. Runs in: tests.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace pairloom::test {

struct Finished {
  int status = -1;       // exit status, or 128 + signal
  std::string out, err;  // what it printed
};

// Runs to the end with empty standard input (or `input`). The first argument is the program's path.
Finished run_program(const std::vector<std::string>& arguments, const std::string& input = "");

// A program that runs on while the test does something to it. Output goes to /dev/null.
class Running {
 public:
  explicit Running(const std::vector<std::string>& arguments);
  Running(const Running&) = delete;
  ~Running();  // kills and reaps it if it still runs
  pid_t pid() const { return pid_; }
  // True when it ended within that time.
  bool ends_within_ms(int ms);
  int wait();  // exit status, or 128 + signal
  void kill(int signal);

 private:
  pid_t pid_ = -1;
  int pid_fd_ = -1;
  int status_ = -1;
};

// Children of a process that are alive now (not zombies).
std::vector<pid_t> children_of(pid_t pid);
// Sends SIGKILL to one of the children of `parent`; which one goes by `number`, counted round. False when there is none.
bool kill_a_child(pid_t parent, size_t number);
// True when a process, of whatever parent, is gone within that time.
bool ends_within_ms(pid_t pid, int ms);
// True when this process has no children any more. Waits for those that have been killed and are slow to go, as under
// a sanitizer on a machine with other work; one that nobody has killed stays: false after a minute.
bool no_child_stays();
// Living processes whose executable lies below `directory`.
std::vector<pid_t> processes_from(const std::string& directory);

}  // namespace pairloom::test
