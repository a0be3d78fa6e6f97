// Sizes and times as people write them. Runs in: any process.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace pairloom {

// "500000", "64M", "1.5GB" (powers of 1000), "2Gi" (of 1024). kInvalidArgument says what would be right.
Result<uint64_t> parse_size(std::string_view text);

// "500ms", "2s", "5min", "1.5h", "1d", as seconds; a bare number is seconds. kInvalidArgument says what would be right.
Result<double> parse_seconds(std::string_view text);

}  // namespace pairloom
