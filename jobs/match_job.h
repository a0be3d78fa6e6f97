// Matching by descriptors on the wire. Two jobs that take a file a task and are answered by jobs/file_answer.h:
// kDescribe gives a file's keypoints and descriptors, kMatch compares a file with a reference that came as descriptor
// sets. Runs in: supervisor (encodes set-ups, checks answers), worker (the other way round).
//
// Body of a kDescribe answer: two payloads of shm::RecordKind::kDescriptorSet, one behind the other: the descriptors
// (kU8, 128 or 32 columns), then the points (kF32, 2 columns: x, y in pixels of the image as shown), a row for each
// keypoint in both. The same two records, in this order, are the references of kMatch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pairloom::jobs {

// Stable numbers: DescriptorSetHeader::detector.
enum class DescriptorMethod : uint8_t { kSift = 1, kOrb = 2 };
std::string_view name_of(DescriptorMethod method);  // "sift"
constexpr uint32_t descriptor_bytes(DescriptorMethod method) {
  return method == DescriptorMethod::kSift ? 128 : 32;
}

enum DescriptorSetId : uint64_t { kDescriptorsSet = 1, kPointsSet = 2 };
constexpr uint32_t kMaxFeatures = 100'000;
// The number of features asked for is kept but for ties in strength; nobody sends more than this.
constexpr uint32_t kMaxDescribedRows = 1u << 18;

// Same for all tasks of a run, and for both jobs.
struct MatchSetup {
  DescriptorMethod method = DescriptorMethod::kSift;
  uint32_t max_features = 5000;  // 1..kMaxFeatures
  bool cross_check = true;
  double ratio = 0;            // Lowe's test, 0 = none; below 1
  double reprojection_px = 0;  // RANSAC's threshold for inliers of a homography, 0 = none are counted
  uint64_t max_file_bytes = 512ull << 20;
  uint64_t max_pixels = 100'000'000;  // SIFT takes some 240 bytes for each
};
std::vector<std::byte> encode(const MatchSetup& setup);
Result<MatchSetup> decode_match_setup(std::span<const std::byte> bytes);

// Body of a kMatch answer.
struct MatchResult {
  uint32_t keypoints = 0, matches = 0;
  uint32_t inliers = 0;  // 0 unless asked for
};
std::vector<std::byte> encode(const MatchResult& result);
// kProtocol when the numbers cannot be: more matches than the reference has rows (or, cross-checked, the image
// keypoints), more inliers than matches, inliers that nobody asked for.
Result<MatchResult> decode_match_result(std::span<const std::byte> bytes, const MatchSetup& setup,
                                        uint32_t reference_rows);

}  // namespace pairloom::jobs
