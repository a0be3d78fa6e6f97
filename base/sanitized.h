// Whether this build is watched by a sanitizer's run-time library, which makes system calls and maps memory of its own.
// Runs in: every program, and tests.
#pragma once

namespace pairloom {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace pairloom
