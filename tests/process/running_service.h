// A real pairloomd under test: started with a configuration, listened to where a service manager would listen, and
// compared with a fresh index of the same tree. Runs in: tests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom::test {

class RunningService {
 public:
  RunningService();
  ~RunningService();

  // What stands above the [[root]]s in the configuration; `index` is added.
  std::string settings = "jobs = 2\nnice = 0\nio = \"normal\"\nsettle = \"300ms\"\npair_after = \"100ms\"\n[control]\nsocket = \"\"\n";
  std::vector<std::string> roots;  // tables, without [[root]]: path = "/x"

  void write_config() const;
  void write_config(const std::string& text) const;
  void start();             // writes the configuration, starts, and waits for READY=1
  void kill(int signal) { program_->kill(signal); }
  int wait() { return program_->wait(); }
  int stop();               // SIGTERM; its exit status
  pid_t pid() const { return program_->pid(); }

  // Waits, by what the service says and writes, until this is true; false after two minutes.
  bool until(const std::function<bool()>& condition);
  // Until the service has said this (a part of a line of its log, or of STATUS).
  bool says(const std::string& text);
  std::string log() const;
  // Forgets what was said so far: says() means something new.
  void forget();

  // Live files, and what they are: "indexed 3f2a... 1234".
  std::map<std::string, std::string> files() const;
  // True when the index holds what a fresh index of these directories does, pairs included.
  bool equals_fresh_index_of(const std::vector<std::string>& directories);
  std::string difference;  // of the last comparison
  uint64_t decoded() const;  // results that workers have sent, in all runs

  std::string index() const { return home_ / "index.db"; }
  std::string config() const { return home_ / "pairloom.toml"; }

 private:
  void listen(int timeout_ms);
  TempDir home_;
  Fd notify_, watch_;
  std::string said_;
  size_t log_read_ = 0;
  std::unique_ptr<Running> program_;
};

}  // namespace pairloom::test
