// What every verb gets: the global options and the ways out. Runs in: cli.
#pragma once

#include <unistd.h>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "cli/messages.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/style.h"
#include "daemon/index_run.h"

namespace pairloom::cli {

struct GlobalOptions {
  std::string index;             // as given; empty = default (cli/index_path.h)
  std::string socket;            // of a daemon, as given; "none": ask no daemon; empty = found (cli/find_daemon.h)
  std::optional<uint32_t> jobs;  // default: one per physical core
  uint64_t worker_memory_bytes = 0;  // 0: chosen by the machine's
  bool require_sandbox = false;
  bool quiet = false, verbose = false;
  ColorMode color = ColorMode::kAuto;
  ProgressMode progress = ProgressMode::kAuto;
};

struct Session {
  Session(const GlobalOptions& options, std::string index_file, std::string command_line)
      : globals(options),
        index(std::move(index_file)),
        arguments(std::move(command_line)),
        out(STDOUT_FILENO),
        out_style(Style::for_fd(options.color, STDOUT_FILENO)),
        messages(STDERR_FILENO, Style::for_fd(options.color, STDERR_FILENO), options.quiet, options.verbose) {}

  daemon::PoolOptions pool() const {
    daemon::PoolOptions options;
    options.jobs = static_cast<int>(globals.jobs.value_or(0));
    options.worker_memory_bytes = globals.worker_memory_bytes;
    options.require_sandbox = globals.require_sandbox;
    return options;
  }

  const GlobalOptions globals;
  const std::string index;      // path of the index file; empty only for a verb that uses none
  const std::string arguments;  // the command line, quoted for a shell
  Output out;                   // results
  Style out_style;
  Messages messages;  // everything else
};

}  // namespace pairloom::cli
