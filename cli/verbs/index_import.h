// pairloom index import: cli/verb.h says what a verb declares. Runs in: cli.
#pragma once

#include "cli/verb.h"

namespace pairloom::cli {

Action declare_index_import(CLI::App& app);

}  // namespace pairloom::cli
