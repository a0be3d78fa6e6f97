// What of a file is in the system's page cache. Runs in: tests.
#pragma once

#include <string>

namespace pairloom::test {

// Whether its last byte is there.
bool is_cached(const std::string& path);
// Puts a file out of it; false where that cannot be done (tmpfs is nothing else).
bool evict(const std::string& path);

}  // namespace pairloom::test
