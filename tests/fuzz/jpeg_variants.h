// JPEGs of every kind for tests of the reduced JPEG decoder, written with libjpeg. Runs in: tests, fuzzers, benchmarks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pairloom::test {

struct JpegVariant {
  enum class Colour { kGray, kYcc, kRgb, kCmyk, kYcck };
  enum class Scans {
    kOne,                // sequential
    kPerComponent,       // sequential, a scan for each component
    kProgressive,        // libjpeg's usual script
    kProgressivePlain,   // DC, then AC, all bits at once
    kProgressiveApart,   // DC of each component in a scan of its own, three bits later
    kProgressiveBroken,  // legal, but the last AC bits never come
  };
  int width = 64, height = 48;
  uint64_t seed = 1;  // of the picture: shapes, texture and grain, from flat to black-and-white noise
  int quality = 75;
  Colour colour = Colour::kYcc;
  // Sampling factors of each component, horizontal and vertical.
  std::array<std::array<int, 2>, 4> sampling = {{{2, 2}, {1, 1}, {1, 1}, {2, 2}}};
  Scans scans = Scans::kOne;
  bool optimized = false;   // Huffman tables of its own
  bool wide_quant = false;  // 16-bit quantization tables (values above 255 need quality below 25)
  bool arithmetic = false;
  bool jfif = true, adobe = false;
  int restart_mcus = 0;
};
std::string describe(const JpegVariant& variant);
std::vector<std::byte> make_jpeg(const JpegVariant& variant);

// A deterministic walk through all of the above: variant `index`, with sides of 1..max_side.
JpegVariant pick_variant(uint64_t index, int max_side);

// The same coefficients, coded another way.
struct JpegRecoding {
  bool optimized = false, progressive = false;
  int restart_mcus = 0;
};
std::vector<std::byte> recode_jpeg(std::span<const std::byte> jpeg, const JpegRecoding& recoding);

// SplitMix64 (Steele, Lea and Flood, 2014): equal on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();
  uint32_t below(uint32_t limit) { return static_cast<uint32_t>((next() >> 32) * limit >> 32); }  // limit > 0
  bool one_in(uint32_t n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

}  // namespace pairloom::test
