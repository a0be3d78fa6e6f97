// Text for people and machines out of bytes that may hold anything: file names are bytes, not text. Runs in: any
// process.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pairloom {

bool is_valid_utf8(std::string_view bytes);

// For terminals and logs: printable UTF-8 as it is; control characters, backslash and invalid bytes as \n, \\, \x1b ...
// Never lets a file name move the cursor or start a new line.
std::string escape_for_terminal(std::string_view bytes);

std::string to_base64(std::string_view bytes);

// "1.4 MB", "17 kB", "312 B" (powers of 1000).
std::string human_bytes(uint64_t bytes);
// "9,143" style grouping is not used; plain digits, so that scripts and people read the same.
// Seconds as people say them: "1.1 s", "3 min 20 s", "2 h 05 min".
std::string human_seconds(double seconds);

}  // namespace pairloom
