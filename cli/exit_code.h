// What the exit status of `pairloom` says. A stable interface: docs/cli.md, "Exit codes". Runs in: cli.
#pragma once

#include "base/result.h"

namespace pairloom::cli {

enum class ExitCode : int {
  kDone = 0,           // also when nothing was found, except by cmp and match
  kNegative = 1,       // cmp: different; match: no match
  kUsage = 2,          // what was asked for cannot be
  kUnreadable = 3,     // done, but some inputs could not be read; they are listed
  kIndex = 4,          // the index is missing, too new or damaged
  kLocked = 5,         // another process writes the index
  kRefused = 6,        // refused for safety
  kFailed = 7,         // nothing wrong with the request: disk full, no worker program, a system call failed
  kFound = 10,         // --fail-if-found, and found
  kInterrupted = 130,  // SIGINT or SIGTERM; everything finished is kept
};

constexpr ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return ExitCode::kUsage;
    case Errc::kIndexMissing:
    case Errc::kIndexTooNew:
    case Errc::kIndexCorrupt:
      return ExitCode::kIndex;
    case Errc::kIndexLocked:
      return ExitCode::kLocked;
    case Errc::kRefused:
      return ExitCode::kRefused;
    case Errc::kInterrupted:
      return ExitCode::kInterrupted;
    case Errc::kCorrupt:
    case Errc::kUnsupported:
    case Errc::kTooLarge:
      return ExitCode::kUnreadable;
    case Errc::kIo:
    case Errc::kNoWorkers:
    case Errc::kProtocol:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace pairloom::cli
