// The row of table `pairing`, as the writer and readers ask for it. Runs in: supervisor, cli.
#pragma once

#include "index/rows.h"
#include "index/sqlite.h"

namespace pairloom::index {

// All zero but for what is stored; code_count is the caller's to fill in.
Result<PairingState> stored_pairing(Database& db, Algorithm algorithm);

}  // namespace pairloom::index
