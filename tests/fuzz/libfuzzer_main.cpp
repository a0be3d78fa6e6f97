// libFuzzer's entry; which target is in PAIRLOOM_FUZZ_TARGET (tools/fuzz_all.sh runs all of them).
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pairloom::test::FuzzTarget* const target = [] {
    const char* name = std::getenv("PAIRLOOM_FUZZ_TARGET");
    const auto* found = pairloom::test::find_fuzz_target(name != nullptr ? name : "");
    if (found == nullptr) {
      std::fprintf(stderr, "PAIRLOOM_FUZZ_TARGET must name one; 'fuzz_replay --list' lists them\n");
      std::exit(2);
    }
    return found;
  }();
  target->try_input(std::as_bytes(std::span(data, size)));
  return 0;
}
