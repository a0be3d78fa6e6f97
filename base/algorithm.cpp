#include "base/algorithm.h"

#include <fmt/format.h>

namespace pairloom {
namespace {

// PDQ's distances: Meta's published 31 (pdq/README) as `similar`. The others: measured, docs/benchmarks.md.
constexpr AlgorithmInfo kAlgorithms[] = {
    {Algorithm::kPdq, "pdq", 256, 1, 10, 31, 48, 50,
     "256-bit PDQ with quality; the default, fit for millions of images"},
    {Algorithm::kDhash, "dhash", 64, 1, 2, 4, 8, 0,
     "64-bit difference hash of exact area means; cheap, drowns in false pairs beyond 10^5 images"},
    {Algorithm::kDhashTutorial, "dhash-tutorial", 64, 1, 2, 4, 8, 0,
     "64-bit difference hash, bit-exact with imread + cvtColor + resize(9x8); decodes every pixel"},
    {Algorithm::kPhash, "phash", 64, 1, 4, 8, 10, 0, "64-bit DCT hash"},
    {Algorithm::kPhash256, "phash256", 256, 1, 10, 31, 48, 0, "256-bit DCT hash"},
};

std::string known_names() {
  std::string names;
  for (const auto& a : kAlgorithms) names += fmt::format("{}{}", names.empty() ? "" : ", ", a.name);
  return names;
}

}  // namespace

std::span<const AlgorithmInfo> algorithms() {
  return kAlgorithms;
}

const AlgorithmInfo& info(Algorithm id) {
  return kAlgorithms[static_cast<size_t>(id) - 1];
}

uint32_t stored_by_default(Algorithm id) {
  return info(id).bits == 256 ? info(id).similar : 0;
}

uint32_t stored_up_to(Algorithm id, uint32_t wanted) {
  return wanted > 0 ? wanted : stored_by_default(id);
}

std::optional<Algorithm> algorithm_from_number(uint8_t number) {
  if (number < 1 || number > std::size(kAlgorithms)) return std::nullopt;
  return static_cast<Algorithm>(number);
}

Result<Algorithm> algorithm_from_name(std::string_view name) {
  for (const auto& a : kAlgorithms)
    if (a.name == name) return a.id;
  return fail(Errc::kInvalidArgument, fmt::format("unknown algorithm '{}'; known: {}", name, known_names()));
}

Result<AlgorithmSet> algorithm_set_from_names(std::string_view comma_separated) {
  AlgorithmSet set = 0;
  while (true) {
    const size_t comma = comma_separated.find(',');
    PAIRLOOM_ASSIGN(const Algorithm a, algorithm_from_name(comma_separated.substr(0, comma)));
    set |= set_of(a);
    if (comma == std::string_view::npos) return set;
    comma_separated.remove_prefix(comma + 1);
  }
}

std::string to_hex(const Code& code, int bits) {
  std::string hex;
  for (int word = bits / 64 - 1; word >= 0; --word)
    hex += fmt::format("{:016x}", code.words[static_cast<size_t>(word)]);
  return hex;
}

Result<Code> code_from_hex(std::string_view hex, int bits) {
  const auto bad = [&] {
    return fail(Errc::kInvalidArgument,
                fmt::format("'{}' is not a {}-bit code: expected {} hexadecimal digits", hex, bits, bits / 4));
  };
  if (hex.size() != static_cast<size_t>(bits / 4)) return bad();
  Code code;
  for (size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    uint64_t digit = 0;
    if (c >= '0' && c <= '9')
      digit = static_cast<uint64_t>(c - '0');
    else if (c >= 'a' && c <= 'f')
      digit = static_cast<uint64_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F')
      digit = static_cast<uint64_t>(c - 'A' + 10);
    else
      return bad();
    const size_t nibble = hex.size() - 1 - i;  // 0 = least significant
    code.words[nibble / 16] |= digit << (nibble % 16 * 4);
  }
  return code;
}

}  // namespace pairloom
