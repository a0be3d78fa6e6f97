// Where the index is when nobody says. Runs in: cli.
#pragma once

#include <string>

#include "base/result.h"

namespace pairloom::cli {

// `given` (--index) if not empty, else $PAIRLOOM_INDEX, else $XDG_DATA_HOME/pairloom/index.db, where XDG_DATA_HOME
// counts only when absolute (XDG Base Directory Specification) and defaults to ~/.local/share.
Result<std::string> index_path(const std::string& given);

}  // namespace pairloom::cli
