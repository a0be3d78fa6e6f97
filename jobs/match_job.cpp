#include "jobs/match_job.h"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

namespace pairloom::jobs {
namespace {

struct SetupWire {
  uint32_t method, max_features, cross_check, reserved;
  double ratio, reprojection_px;
  uint64_t max_file_bytes, max_pixels;
};
static_assert(sizeof(SetupWire) == 48 && sizeof(MatchResult) == 12);

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

std::string_view name_of(DescriptorMethod method) {
  return method == DescriptorMethod::kSift ? "sift" : "orb";
}

std::vector<std::byte> encode(const MatchSetup& setup) {
  return bytes_of(SetupWire{static_cast<uint32_t>(setup.method), setup.max_features, setup.cross_check ? 1u : 0u, 0,
                            setup.ratio, setup.reprojection_px, setup.max_file_bytes, setup.max_pixels});
}

Result<MatchSetup> decode_match_setup(std::span<const std::byte> bytes) {
  SetupWire wire;
  if (bytes.size() != sizeof wire) return fail(Errc::kProtocol, "match setup: wrong size");
  std::memcpy(&wire, bytes.data(), sizeof wire);
  if (wire.method != static_cast<uint32_t>(DescriptorMethod::kSift) &&
      wire.method != static_cast<uint32_t>(DescriptorMethod::kOrb))
    return fail(Errc::kProtocol, "match setup: method");
  if (wire.max_features < 1 || wire.max_features > kMaxFeatures || wire.cross_check > 1)
    return fail(Errc::kProtocol, "match setup: features or cross-check");
  if (!(wire.ratio >= 0 && wire.ratio < 1) || !(wire.reprojection_px >= 0 && wire.reprojection_px <= 1e6))
    return fail(Errc::kProtocol, "match setup: ratio or reprojection threshold");
  return MatchSetup{static_cast<DescriptorMethod>(wire.method),
                    wire.max_features,
                    wire.cross_check == 1,
                    wire.ratio,
                    wire.reprojection_px,
                    wire.max_file_bytes,
                    wire.max_pixels};
}

std::vector<std::byte> encode(const MatchResult& result) {
  return bytes_of(result);
}

Result<MatchResult> decode_match_result(std::span<const std::byte> bytes, const MatchSetup& setup,
                                        uint32_t reference_rows) {
  MatchResult result;
  if (bytes.size() != sizeof result) return fail(Errc::kProtocol, "match result: wrong size");
  std::memcpy(&result, bytes.data(), sizeof result);
  const uint32_t most = setup.cross_check ? std::min(reference_rows, result.keypoints) : reference_rows;
  if (result.matches > most || result.inliers > result.matches || (setup.reprojection_px == 0 && result.inliers > 0))
    return fail(Errc::kProtocol, fmt::format("match result: {} keypoints, {} matches, {} inliers", result.keypoints,
                                             result.matches, result.inliers));
  return result;
}

}  // namespace pairloom::jobs
