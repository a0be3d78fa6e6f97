// pairloom(1), from the option tree. Runs in: cli.
#pragma once

#include <string>

#include "cli/reference/command_entry.h"

namespace pairloom::cli {

// In man(7). The date in it is today's, or that of $SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch).
std::string manual_page(const CommandEntry& root);

}  // namespace pairloom::cli
