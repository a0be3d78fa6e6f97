// The version of this build. Runs in: any process.
#pragma once

#include <cstdint>
#include <string_view>

namespace pairloom {

inline constexpr std::string_view kVersion = PAIRLOOM_VERSION;  // "0.1.0", from CMakeLists.txt
inline constexpr uint32_t kVersionNumber =
    PAIRLOOM_VERSION_NUMBER;  // 0.1.0 -> 100; failures are retried when it changes
// Supervisor and worker must be of one build: any difference in what they share changes this number.
inline constexpr uint32_t kBuildId = kVersionNumber;

}  // namespace pairloom
