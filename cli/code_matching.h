// match by codes: which images of the index are like the given ones? Many queries are answered together, so that the
// codes are read from memory once for all of them. Runs in: cli.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/exit_code.h"
#include "cli/file_selection.h"
#include "cli/options.h"
#include "cli/session.h"

namespace pairloom::cli {

struct CodeMatching {
  std::vector<std::string> images;  // files, indexed or not
  FileSelection more;               // more of them: roots, or a list
  std::vector<std::string> codes;   // queries by code, as hexadecimal text
  Similarity similarity;
  std::vector<uint8_t> turns;       // orientations of a query besides its own
  std::optional<uint32_t> nearest;  // -k
  bool exclude_self = false;
  OutputFormat format = OutputFormat::kHuman;
};

// Prints the matches of each query, in their order. kDone if anything was found, kUnreadable if a query could not be
// used, else kNegative. kInvalidArgument for codes that are none, and when there is no query.
Result<ExitCode> match_codes(const CodeMatching& options, Session& session);

}  // namespace pairloom::cli
