// What the long-lived programs do where the machine runs out of something: said once at their start. Runs in: supervisor,
// cli.
#pragma once

namespace pairloom {

// Writes fail with EPIPE and EFBIG instead of killing the process: a reader that goes away must not end a run that has
// work to commit, nor must a limit for the size of files. By handlers, not SIG_IGN: programs that are started would
// inherit that.
void outlive_failing_writes();

// Where memory ends, in whatever call, the process writes `message` (a literal, with its line end) to standard error and
// exits with `status`: what is committed is safe, workers end with it, and nothing can be counted on after that.
void end_where_memory_ends(const char* message, int status);

}  // namespace pairloom
