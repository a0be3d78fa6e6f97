#include "jobs/turned_result.h"

#include <fmt/format.h>
#include <cstring>

namespace pairloom::jobs {
namespace {

struct HeaderWire {
  uint32_t count, zero;
};  // then count x CodeWire, then the result as jobs/index_job.h encodes it
struct CodeWire {
  uint8_t algorithm, orientation, padding[6];
  uint64_t words[4];
};
static_assert(sizeof(HeaderWire) == 8 && sizeof(CodeWire) == 40);

constexpr size_t kTurns = 7;

tl::unexpected<Error> lie(std::string what) {
  return fail(Errc::kProtocol, "turned index result: " + std::move(what));
}

}  // namespace

std::vector<std::byte> encode(const TurnedResult& result) {
  const std::vector<std::byte> inner = encode(result.result);
  std::vector<std::byte> out(sizeof(HeaderWire) + result.turned.size() * sizeof(CodeWire) + inner.size());
  const HeaderWire header{static_cast<uint32_t>(result.turned.size()), 0};
  std::memcpy(out.data(), &header, sizeof header);
  size_t at = sizeof header;
  for (const TurnedCode& turned : result.turned) {
    CodeWire wire{};
    wire.algorithm = static_cast<uint8_t>(turned.algorithm);
    wire.orientation = turned.orientation;
    std::memcpy(wire.words, turned.code.words.data(), sizeof wire.words);
    std::memcpy(&out[at], &wire, sizeof wire);
    at += sizeof wire;
  }
  std::memcpy(&out[at], inner.data(), inner.size());
  return out;
}

Result<TurnedResult> decode_turned_result(std::span<const std::byte> bytes, AlgorithmSet asked) {
  HeaderWire header;
  if (bytes.size() < sizeof header) return lie("too short");
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes = bytes.subspan(sizeof header);
  if (bytes.size() / sizeof(CodeWire) < header.count) return lie("codes are cut off");
  const auto codes = bytes.first(header.count * sizeof(CodeWire));
  TurnedResult decoded;
  PAIRLOOM_ASSIGN(decoded.result, decode_index_result(bytes.subspan(codes.size()), asked & ~kTurnedCodes));
  // Seven for each code, in order: nothing else is possible.
  if (header.count != decoded.result.codes.size() * kTurns) return lie(fmt::format("{} codes", header.count));
  for (size_t i = 0; i < header.count; ++i) {
    CodeWire wire;
    std::memcpy(&wire, &codes[i * sizeof wire], sizeof wire);
    const Algorithm algorithm = decoded.result.codes[i / kTurns].algorithm;
    if (wire.algorithm != static_cast<uint8_t>(algorithm) || wire.orientation != 2 + i % kTurns)
      return lie("codes out of order");
    TurnedCode turned{algorithm, wire.orientation, {}};
    for (size_t w = 0; w < turned.code.words.size(); ++w) {
      if (w >= info(algorithm).bits / 64u && wire.words[w] != 0) return lie("bits beyond the code's size");
      turned.code.words[w] = wire.words[w];
    }
    decoded.turned.push_back(turned);
  }
  return decoded;
}

}  // namespace pairloom::jobs
