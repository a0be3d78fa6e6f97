#include "jobs/locate_job.h"

#include <fmt/format.h>
#include <cmath>
#include <cstring>

namespace pairloom::jobs {
namespace {

struct SetupWire {
  double separation, noise_size, threshold, percentile, minmass, maxsize;
  uint64_t max_file_bytes, max_pixels;
  uint32_t diameter, smoothing_size, topn, max_iterations, channel, flags;
};
struct ResultWire {
  uint32_t width_px, height_px, bits_per_sample, particle_count;
  uint64_t digest_lo, digest_hi;
};  // then particle_count x Particle
static_assert(sizeof(SetupWire) == 88 && sizeof(ResultWire) == 32 && sizeof(Particle) == 64);

enum Flags : uint32_t { kInvert = 1, kPreprocess = 2, kCharacterize = 4, kDigest = 8 };

template <class T>
std::vector<std::byte> bytes_of(const T& value, size_t more = 0) {
  std::vector<std::byte> out(sizeof value + more);
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

tl::unexpected<Error> bad(std::string what) {
  return fail(Errc::kInvalidArgument, std::move(what));
}
tl::unexpected<Error> lie(std::string what) {
  return fail(Errc::kProtocol, "locate result: " + std::move(what));
}

bool is_size(double value) {
  return value >= 0 && value < 1e6;
}

Result<> check(const Particle& p, const ResultWire& frame) {
  const bool inside = p.y > -1 && p.x > -1 && p.y < frame.height_px && p.x < frame.width_px;
  if (!inside) return lie("a particle outside its frame");
  if (!(p.mass > 0) || !std::isfinite(p.mass)) return lie("a mass that cannot be");
  // The others may be unknown (NaN), ep also negative: the background may be brighter than the particle.
  for (const double value : {p.size, p.ecc, p.signal, p.raw_mass})
    if (value < 0 || std::isinf(value)) return lie("a measure that cannot be");
  return {};
}

}  // namespace

LocateSetup LocateSetup::for_diameter(uint32_t diameter_px) {
  LocateSetup setup;
  setup.diameter_px = diameter_px;
  setup.separation_px = diameter_px + 1.0;
  setup.smoothing_size_px = diameter_px;
  return setup;
}

Result<> check(const LocateSetup& s) {
  if (s.diameter_px % 2 == 0 || s.diameter_px < 3 || s.diameter_px > kMaxDiameterPx)
    return bad(fmt::format("--diameter {} is not an odd number from 3 to {}; round up", s.diameter_px, kMaxDiameterPx));
  if (!is_size(s.separation_px)) return bad(fmt::format("--separation {:g} is not a distance", s.separation_px));
  if (s.smoothing_size_px % 2 == 0 || s.smoothing_size_px > kMaxSmoothingPx)
    return bad(fmt::format("--smoothing-size {} is not an odd number from 1 to {}; round up", s.smoothing_size_px,
                           kMaxSmoothingPx));
  if (!is_size(s.noise_size_px) || (s.preprocess && s.noise_size_px >= s.smoothing_size_px))
    return bad(
        fmt::format("--noise-size {:g} is not less than the smoothing size {}", s.noise_size_px, s.smoothing_size_px));
  if (!(s.threshold >= 0) || std::isinf(s.threshold))
    return bad(fmt::format("--threshold {:g} is not a gray value of 0 or more", s.threshold));
  if (!(s.percentile >= 0 && s.percentile <= 100))
    return bad(fmt::format("--percentile {:g} is not between 0 and 100", s.percentile));
  if (!(s.minmass >= 0) || std::isinf(s.minmass)) return bad(fmt::format("--minmass {:g} is not a mass", s.minmass));
  if (!(s.maxsize_px > 0)) return bad(fmt::format("--maxsize {:g} is not above 0", s.maxsize_px));
  if (s.max_iterations == 0) return bad("--max-iterations 0: at least one is needed");
  if (s.channel > 3) return bad(fmt::format("--channel {} is not one of 0 to 3", s.channel));
  return {};
}

std::vector<std::byte> encode(const LocateSetup& s) {
  const uint32_t flags = (s.invert ? kInvert : 0u) | (s.preprocess ? kPreprocess : 0u) |
                         (s.characterize ? kCharacterize : 0u) | (s.digest ? kDigest : 0u);
  return bytes_of(SetupWire{s.separation_px, s.noise_size_px, s.threshold, s.percentile, s.minmass, s.maxsize_px,
                            s.max_file_bytes, s.max_pixels, s.diameter_px, s.smoothing_size_px, s.topn,
                            s.max_iterations, s.channel, flags});
}

Result<LocateSetup> decode_locate_setup(std::span<const std::byte> bytes) {
  SetupWire wire;
  if (bytes.size() != sizeof wire) return fail(Errc::kProtocol, "locate setup: wrong size");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  LocateSetup s;
  s.diameter_px = wire.diameter;
  s.separation_px = wire.separation;
  s.noise_size_px = wire.noise_size;
  s.smoothing_size_px = wire.smoothing_size;
  s.threshold = wire.threshold;
  s.percentile = wire.percentile;
  s.minmass = wire.minmass;
  s.maxsize_px = wire.maxsize;
  s.topn = wire.topn;
  s.max_iterations = wire.max_iterations;
  s.channel = wire.channel;
  s.invert = (wire.flags & kInvert) != 0;
  s.preprocess = (wire.flags & kPreprocess) != 0;
  s.characterize = (wire.flags & kCharacterize) != 0;
  s.digest = (wire.flags & kDigest) != 0;
  s.max_file_bytes = wire.max_file_bytes;
  s.max_pixels = wire.max_pixels;
  if (const auto checked = check(s); !checked) return fail(Errc::kProtocol, "locate setup: " + checked.error().message);
  return s;
}

std::vector<std::byte> encode(const LocateResult& result) {
  const size_t bytes = result.particles.size() * sizeof(Particle);
  auto out = bytes_of(ResultWire{result.width_px, result.height_px, result.bits_per_sample,
                                 static_cast<uint32_t>(result.particles.size()), result.digest.lo, result.digest.hi},
                      bytes);
  if (bytes > 0) std::memcpy(out.data() + sizeof(ResultWire), result.particles.data(), bytes);
  return out;
}

Result<LocateResult> decode_locate_result(std::span<const std::byte> bytes) {
  ResultWire wire;
  if (bytes.size() < sizeof wire) return lie("too short");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  bytes = bytes.subspan(sizeof wire);
  if (wire.width_px == 0 || wire.height_px == 0 || wire.width_px > 1u << 30 || wire.height_px > 1u << 30)
    return lie(fmt::format("{}x{} pixels", wire.width_px, wire.height_px));
  if (wire.bits_per_sample != 8 && wire.bits_per_sample != 16)
    return lie(fmt::format("{} bits a sample", wire.bits_per_sample));
  if (bytes.size() != wire.particle_count * sizeof(Particle)) return lie("length does not match its contents");
  LocateResult result{wire.width_px, wire.height_px, wire.bits_per_sample, std::vector<Particle>(wire.particle_count),
                      {wire.digest_lo, wire.digest_hi}};
  if (!bytes.empty()) std::memcpy(result.particles.data(), bytes.data(), bytes.size());
  for (const Particle& particle : result.particles) PAIRLOOM_TRY(check(particle, wire));
  return result;
}

}  // namespace pairloom::jobs
