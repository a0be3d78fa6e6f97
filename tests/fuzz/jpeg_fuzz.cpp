// libFuzzer's entry to the reduced JPEG decoder, with the same comparison as jpeg_mutate.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/jpeg_agreement.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static pairloom::test::JpegAgreement agreement;
  const std::string wrong = agreement.check(std::as_bytes(std::span(data, size)));
  if (!wrong.empty()) {
    std::fprintf(stderr, "%s\n", wrong.c_str());
    std::abort();
  }
  return 0;
}
