// Damage of every kind for files of every format. Runs in: fuzzers.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/fuzz/jpeg_variants.h"

namespace pairloom::test {

// One hit: bits, bytes, lengths, pieces cut out, doubled or taken from `other`, the end missing. Half of all hits are in
// the first `header_bytes`, where most decisions are made.
void damage(std::vector<std::byte>& file, const std::vector<std::byte>& other, size_t header_bytes, Random& random);

// The same for JPEGs: knows where the headers end, and hits markers and tables on purpose too.
void damage_jpeg(std::vector<std::byte>& jpeg, const std::vector<std::byte>& other, Random& random);

}  // namespace pairloom::test
