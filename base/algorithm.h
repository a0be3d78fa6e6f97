// The perceptual hashes pairloom knows: their names, sizes, and the distances that mean something. One table that the
// worker (extract/), the index and the CLI share. Runs in: any process.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pairloom {

// Stable numbers: they are stored in the index and cross processes.
enum class Algorithm : uint8_t {
  kPdq = 1,            // 256 bits, Meta's PDQ (github.com/facebook/ThreatExchange, pdq/)
  kDhash = 2,          // 64 bits, 8x8 differences of exact area means in original coordinates
  kDhashTutorial = 3,  // 64 bits, bit-exact with imread BGR -> gray -> bilinear 9x8 -> left < right
  kPhash = 4,          // 64 bits, 8x8 low DCT terms of a 32x32 area mean, against their median
  kPhash256 = 5,       // 256 bits, 16x16 low DCT terms of a 64x64 area mean, against their median
};

// A code of up to 256 bits: bit i is words[i / 64] >> (i % 64) & 1; words beyond `bits` are zero.
struct Code {
  std::array<uint64_t, 4> words{};
  friend bool operator==(const Code&, const Code&) = default;
  friend auto operator<=>(const Code&, const Code&) = default;
};

struct CodeOf {  // a code, and which algorithm made it
  Algorithm algorithm;
  Code code;
};

struct AlgorithmInfo {
  Algorithm id;
  std::string_view name;   // as the CLI spells it: "pdq"
  uint16_t bits;           // 64 or 256
  uint16_t version;        // raised when the same image may yield another code; stored with every code
  uint16_t same;           // preset distances in bits, inclusive: a re-encoded or resized copy
  uint16_t similar;        // the default: small edits too
  uint16_t related;        // candidates for looking at; computed when asked for
  uint8_t min_quality;     // codes of images with a lower quality (0-100) are low-information: not paired
  std::string_view about;  // one line for --help
};

std::span<const AlgorithmInfo> algorithms();
const AlgorithmInfo& info(Algorithm id);  // id must be one of the enum
std::optional<Algorithm> algorithm_from_number(uint8_t number);
Result<Algorithm> algorithm_from_name(std::string_view name);

// The distance in bits up to which pairs are stored in the index unless somebody asks for another: `similar` for 256-bit
// codes. 0: none, as too many pairs of 64-bit codes are near by chance.
uint32_t stored_by_default(Algorithm id);
// The same when `wanted` bits were asked for; 0: nobody asked.
uint32_t stored_up_to(Algorithm id, uint32_t wanted);

// A set of algorithms as it travels to workers: bit number = the enum's number.
using AlgorithmSet = uint32_t;
constexpr AlgorithmSet set_of(Algorithm a) {
  return 1u << static_cast<unsigned>(a);
}
constexpr bool contains(AlgorithmSet set, Algorithm a) {
  return (set & set_of(a)) != 0;
}
// "pdq,dhash" -> set; an unknown name is an error that lists the known ones.
Result<AlgorithmSet> algorithm_set_from_names(std::string_view comma_separated);

// Number of differing bits. Unused words are zero in both, so all four words always count.
inline int hamming_distance(const Code& a, const Code& b) {
  int bits = 0;
  for (size_t i = 0; i < a.words.size(); ++i) bits += __builtin_popcountll(a.words[i] ^ b.words[i]);
  return bits;
}

// Hex text, most significant word first (for PDQ: Meta's text form): 16 digits for 64 bits, 64 digits for 256.
std::string to_hex(const Code& code, int bits);
Result<Code> code_from_hex(std::string_view hex, int bits);

}  // namespace pairloom
