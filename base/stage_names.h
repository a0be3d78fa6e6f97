// What a worker's time is spent on, in words: index = shm::Stage. Runs in: any process.
#pragma once

#include <array>
#include <string_view>

namespace pairloom {

// open: waiting for the opener; ring: handing results over; idle: waiting for work.
inline constexpr std::array<std::string_view, 7> kStageNames = {"open",    "read", "digest", "decode",
                                                                "extract", "ring", "idle"};

}  // namespace pairloom
