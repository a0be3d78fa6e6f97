// What libjpeg-turbo makes of a JPEG: the yardstick of the reduced JPEG decoder. Runs in: tests, fuzzers, benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pairloom::test {

struct ReferencePicture {
  bool decoded = false;  // false: libjpeg gave up
  long warnings = 0;
  bool only_entropy_warnings = true;  // of all warnings: it is entropy-coded bytes that are damaged, nothing else
  std::string message;                // of the error, or of the first warning
  bool progressive = false;
  uint32_t width = 0, height = 0;
  std::vector<uint8_t> pixels;  // gray, width * height
};

// Keeps its decompressor, as a fair rival in a benchmark would.
class JpegReference {
 public:
  // Pictures of more pixels are not decoded: headers may claim anything, and libjpeg would believe them.
  explicit JpegReference(uint64_t max_pixels = 200'000'000);
  ~JpegReference();
  JpegReference(const JpegReference&) = delete;
  JpegReference& operator=(const JpegReference&) = delete;

  // JCS_GRAYSCALE, JDCT_ISLOW, scale 1/reduction, to the end-of-image marker. Reuses the picture's memory.
  void decode(std::span<const std::byte> bytes, int reduction, ReferencePicture& picture);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::test
