// From argv to what is to be done. Runs in: cli.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "cli/verb.h"

namespace pairloom::cli {

// A verb to run with its options.
struct Invocation {
  const Verb* verb = nullptr;
  std::shared_ptr<const GlobalOptions> globals;
  Action action;
};
// Nothing to run: help or version on standard output (kDone), or a usage error on standard error (kUsage).
struct Answer {
  ExitCode code;
  std::string text;
};

// `arguments` without the program's name.
std::variant<Invocation, Answer> parse_command_line(const std::vector<std::string>& arguments);

// The command line as one could type it again, for the index's table of runs.
std::string quoted_for_shell(const std::vector<std::string>& arguments);

}  // namespace pairloom::cli
