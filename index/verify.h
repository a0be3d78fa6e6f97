// The deep check of an index: everything that is said twice must agree. Runs in: cli.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "index/sqlite.h"

namespace pairloom::index {

// What is wrong, one line each; empty = sound. Reads everything, in one read transaction. An error only when the check
// itself could not be made.
Result<std::vector<std::string>> verify(Database& database);

}  // namespace pairloom::index
