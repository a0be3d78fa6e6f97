#include "jobs/index_job.h"

#include <fmt/format.h>
#include <cstring>
#include <type_traits>

namespace pairloom::jobs {
namespace {

constexpr size_t kMaxMessageBytes = 500;

struct SetupWire {
  uint32_t algorithms;
  uint32_t accuracy;
  ReadLimits limits;
};

struct ResultWire {
  uint8_t outcome, format, orientation, quality, reduction, flags, code_count, reserved;
  uint32_t width_px, height_px;
  uint32_t message_bytes, padding;
  uint64_t device, inode, size_bytes;
  int64_t mtime_ns, ctime_ns;
  uint64_t digest_lo, digest_hi;
};  // then code_count x CodeWire, then the message

struct CodeWire {
  uint8_t algorithm, padding[7];
  uint64_t words[4];
};
static_assert(sizeof(SetupWire) == 40 && sizeof(ResultWire) == 80 && sizeof(CodeWire) == 40);

enum Flags : uint8_t { kAnimated = 1, kAlpha = 2, kDamaged = 4, kAbsent = 8 };

// Writes a T at `at` and returns where the next thing goes.
template <class T>
std::byte* put(std::byte* at, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

// Takes a T off the front of `bytes`; false when they are too few.
template <class T>
bool take(std::span<const std::byte>& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return true;
}

tl::unexpected<Error> lie(std::string what) {
  return fail(Errc::kProtocol, "index result: " + std::move(what));
}

Result<> check_indexed(const ResultWire& wire) {
  if (wire.format == 0 || wire.format >= kImageFormatCount) return lie(fmt::format("format {}", wire.format));
  if (wire.orientation < 1 || wire.orientation > 8) return lie(fmt::format("orientation {}", wire.orientation));
  if (wire.quality > 100) return lie(fmt::format("quality {}", wire.quality));
  if (wire.reduction < 1) return lie(fmt::format("reduction {}", wire.reduction));
  if (wire.width_px == 0 || wire.height_px == 0 || wire.width_px > 1u << 30 || wire.height_px > 1u << 30)
    return lie(fmt::format("{}x{} pixels", wire.width_px, wire.height_px));
  return {};
}

// The codes must be those asked for, each once, in order, with nothing beyond their bits.
Result<> take_codes(std::span<const std::byte>& bytes, size_t count, AlgorithmSet asked, IndexResult& result) {
  AlgorithmSet seen = 0;
  for (size_t i = 0; i < count; ++i) {
    CodeWire wire;
    if (!take(bytes, wire)) return lie("codes are cut off");
    const auto algorithm = algorithm_from_number(wire.algorithm);
    if (!algorithm || !contains(asked, *algorithm))
      return lie(fmt::format("algorithm {} was not asked for", wire.algorithm));
    if (set_of(*algorithm) <= seen) return lie("codes out of order");
    seen |= set_of(*algorithm);
    Code code;
    for (size_t w = 0; w < code.words.size(); ++w) {
      if (w >= info(*algorithm).bits / 64u && wire.words[w] != 0) return lie("bits beyond the code's size");
      code.words[w] = wire.words[w];
    }
    result.codes.push_back({*algorithm, code});
  }
  if (result.outcome == Outcome::kIndexed && seen != asked) return lie("codes are missing");
  return {};
}

}  // namespace

std::vector<std::byte> encode(const IndexSetup& setup) {
  std::vector<std::byte> out(sizeof(SetupWire));
  put(out.data(), SetupWire{setup.algorithms, static_cast<uint32_t>(setup.accuracy), setup.limits});
  return out;
}

Result<IndexSetup> decode_index_setup(std::span<const std::byte> bytes) {
  SetupWire wire;
  if (bytes.size() != sizeof wire || !take(bytes, wire)) return fail(Errc::kProtocol, "index setup: wrong size");
  if (wire.accuracy > static_cast<uint32_t>(Accuracy::kFull)) return fail(Errc::kProtocol, "index setup: accuracy");
  return IndexSetup{wire.algorithms, static_cast<Accuracy>(wire.accuracy), wire.limits};
}

std::vector<std::byte> encode(const IndexResult& result) {
  const size_t message_bytes = std::min(result.message.size(), kMaxMessageBytes);
  ResultWire wire{};
  wire.outcome = static_cast<uint8_t>(result.outcome);
  wire.format = static_cast<uint8_t>(result.image.format);
  wire.orientation = result.image.orientation;
  wire.quality = result.image.quality;
  wire.reduction = result.image.reduction;
  wire.flags = static_cast<uint8_t>((result.image.animated ? kAnimated : 0) | (result.image.has_alpha ? kAlpha : 0) |
                                    (result.image.damaged ? kDamaged : 0) | (result.absent ? kAbsent : 0));
  wire.code_count = static_cast<uint8_t>(result.codes.size());
  wire.width_px = result.image.width_px;
  wire.height_px = result.image.height_px;
  wire.message_bytes = static_cast<uint32_t>(message_bytes);
  wire.device = result.identity.device;
  wire.inode = result.identity.inode;
  wire.size_bytes = result.identity.size_bytes;
  wire.mtime_ns = result.identity.mtime_ns;
  wire.ctime_ns = result.identity.ctime_ns;
  wire.digest_lo = result.digest.lo;
  wire.digest_hi = result.digest.hi;

  std::vector<std::byte> out(sizeof wire + result.codes.size() * sizeof(CodeWire) + message_bytes);
  std::byte* at = put(out.data(), wire);
  for (const auto& [algorithm, code] : result.codes) {
    CodeWire code_wire{};
    code_wire.algorithm = static_cast<uint8_t>(algorithm);
    std::copy(code.words.begin(), code.words.end(), code_wire.words);
    at = put(at, code_wire);
  }
  if (message_bytes > 0) std::memcpy(at, result.message.data(), message_bytes);
  return out;
}

Result<IndexResult> decode_index_result(std::span<const std::byte> bytes, AlgorithmSet asked) {
  ResultWire wire;
  if (!take(bytes, wire)) return lie("too short");
  if (wire.outcome >= kOutcomeCount) return lie(fmt::format("outcome {}", wire.outcome));
  if (wire.message_bytes > kMaxMessageBytes) return lie("message too long");

  IndexResult result;
  result.outcome = static_cast<Outcome>(wire.outcome);
  result.identity = {wire.device, wire.inode, wire.size_bytes, wire.mtime_ns, wire.ctime_ns};
  result.digest = {wire.digest_lo, wire.digest_hi};
  if (result.outcome == Outcome::kIndexed) {
    PAIRLOOM_TRY(check_indexed(wire));
    result.image = {static_cast<ImageFormat>(wire.format),
                    wire.width_px,
                    wire.height_px,
                    wire.orientation,
                    wire.quality,
                    wire.reduction,
                    (wire.flags & kAnimated) != 0,
                    (wire.flags & kAlpha) != 0,
                    (wire.flags & kDamaged) != 0};
  } else if (wire.code_count != 0) {
    return lie("codes without an image");
  } else if (wire.format < kImageFormatCount) {
    result.image.format = static_cast<ImageFormat>(wire.format);
  }
  result.absent = result.outcome == Outcome::kUnreadable && (wire.flags & kAbsent) != 0;
  PAIRLOOM_TRY(take_codes(bytes, wire.code_count, asked, result));
  if (bytes.size() != wire.message_bytes) return lie("length does not match its contents");
  result.message.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return result;
}

}  // namespace pairloom::jobs
