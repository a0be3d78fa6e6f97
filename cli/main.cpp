// pairloom: indexes image collections and finds near-duplicates in them.
//
// Reads the command line, runs one verb of the table in cli/verb.cpp, and makes what it answers an exit status.

#include <fmt/format.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "base/shortage.h"
#include "cli/command_line.h"
#include "cli/exit_code.h"
#include "cli/index_path.h"
#include "cli/session.h"

namespace pairloom::cli {
namespace {

// End as any program in a pipeline does whose reader went away.
void end_by_sigpipe() {
  std::signal(SIGPIPE, SIG_DFL);
  ::raise(SIGPIPE);
}

int complain(const Error& error) {
  std::fputs(fmt::format("pairloom: {}\n", error.message).c_str(), stderr);
  return static_cast<int>(exit_code_of(error.code));
}

int answer(const Answer& said) {
  Output out(said.code == ExitCode::kDone ? STDOUT_FILENO : STDERR_FILENO);
  out.write(said.text);
  const auto written = out.finish();
  if (out.reader_gone()) end_by_sigpipe();
  return written ? static_cast<int>(said.code) : complain(written.error());
}

int run(const Invocation& invocation, const std::vector<std::string>& arguments) {
  auto index = index_path(invocation.globals->index);
  if (!index && invocation.verb->uses_index) return complain(index.error());
  Session session(*invocation.globals, index.value_or(""), "pairloom " + quoted_for_shell(arguments));
  auto code = invocation.action(session);
  if (!code) session.messages.error(code.error().message);
  ExitCode status = code ? *code : exit_code_of(code.error().code);
  if (auto written = session.out.finish(); !written) {
    session.messages.error(written.error().message);
    status = ExitCode::kFailed;
  }
  if (session.out.reader_gone()) end_by_sigpipe();
  return static_cast<int>(status);
}

int main_of(std::vector<std::string> arguments) {
  outlive_failing_writes();
  end_where_memory_ends("pairloom: out of memory; what was committed is kept, the same command goes on from there\n",
                        static_cast<int>(ExitCode::kFailed));
  const auto parsed = parse_command_line(arguments);
  if (const auto* said = std::get_if<Answer>(&parsed)) return answer(*said);
  return run(std::get<Invocation>(parsed), arguments);
}

}  // namespace
}  // namespace pairloom::cli

int main(int argc, char** argv) {
  return pairloom::cli::main_of({argv + (argc > 0 ? 1 : 0), argv + argc});
}
