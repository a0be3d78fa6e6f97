// Matching by descriptors: a file -> its descriptors, for the reference; a file -> how many of the reference's
// descriptors are in it, for all others. Runs in: worker only.
#include <cstring>
#include <optional>
#include <vector>

#include <opencv2/core/types.hpp>

#include "jobs/match_job.h"
#include "workerproc/descriptors/detector.h"
#include "workerproc/descriptors/gray.h"
#include "workerproc/descriptors/homography.h"
#include "workerproc/descriptors/matcher.h"
#include "workerproc/opencv/picture_job.h"

namespace pairloom::workerproc {
namespace {

// What both jobs do first: picture -> keypoints and descriptors.
class DescribingJob : public PictureJob {
 public:
  explicit DescribingJob(const jobs::MatchSetup& setup)
      : PictureJob(setup.max_file_bytes, setup.max_pixels),
        setup_(setup),
        detector_(setup.method, setup.max_features) {}

 protected:
  Result<> describe(const Picture& picture) {
    detector_.describe(gray_.of(view_of(picture)), described_);
    if (described_.keypoints.size() > jobs::kMaxDescribedRows)
      return fail(Errc::kTooLarge, "too many keypoints of equal strength");
    return {};
  }

  jobs::MatchSetup setup_;
  DescribedImage described_;

 private:
  Detector detector_;
  UprightGray gray_;
};

class DescribeFiles final : public DescribingJob {
 public:
  using DescribingJob::DescribingJob;

 private:
  Result<std::vector<std::byte>> body(const FileContents&, const Picture& picture, TaskContext& context) override {
    PAIRLOOM_TRY(context.timed(shm::Stage::kExtract, [&] { return describe(picture); }));
    const auto rows = static_cast<uint32_t>(described_.keypoints.size());
    const auto method = static_cast<uint32_t>(setup_.method);
    const uint32_t columns = jobs::descriptor_bytes(setup_.method);
    const uint64_t descriptors_bytes = shm::descriptor_set_bytes(rows, columns, shm::ElementType::kU8);
    const uint64_t points_bytes = shm::descriptor_set_bytes(rows, 2, shm::ElementType::kF32);
    std::vector<std::byte> body(descriptors_bytes + points_bytes);
    const auto sets = std::span(body);
    const auto matrix = shm::begin_descriptor_set(sets.first(descriptors_bytes), jobs::kDescriptorsSet, rows, columns,
                                                  shm::ElementType::kU8, method);
    if (rows > 0) std::memcpy(matrix.data(), described_.descriptors.data, matrix.size());
    auto points = shm::begin_descriptor_set(sets.subspan(descriptors_bytes), jobs::kPointsSet, rows, 2,
                                            shm::ElementType::kF32, method);
    for (const cv::KeyPoint& keypoint : described_.keypoints) {
      std::memcpy(points.data(), &keypoint.pt, sizeof keypoint.pt);
      points = points.subspan(sizeof keypoint.pt);
    }
    return body;
  }
};

class MatchFiles final : public DescribingJob {
 public:
  using DescribingJob::DescribingJob;

  Result<> take_reference(const shm::DescriptorSetView& set) override {
    if (set.detector != static_cast<uint32_t>(setup_.method))
      return fail(Errc::kProtocol, "reference of another kind of descriptors");
    if (set.set_id == jobs::kDescriptorsSet && set.element_type == shm::ElementType::kU8 &&
        set.columns == jobs::descriptor_bytes(setup_.method)) {
      matcher_.emplace(norm_of(setup_.method),
                       Descriptors{static_cast<const uint8_t*>(set.data), set.rows, set.columns});
      return {};
    }
    if (set.set_id == jobs::kPointsSet && set.element_type == shm::ElementType::kF32 && set.columns == 2) {
      points_.resize(set.rows);
      if (set.rows > 0) std::memcpy(points_.data(), set.data, set.rows * sizeof(cv::Point2f));
      return {};
    }
    return fail(Errc::kProtocol, "unexpected descriptor set");
  }

 private:
  Result<std::vector<std::byte>> body(const FileContents&, const Picture& picture, TaskContext& context) override {
    if (!matcher_ || points_.size() != matcher_->reference_rows())
      return fail(Errc::kProtocol, "a task came before its reference");
    return context.timed(shm::Stage::kExtract, [&]() -> Result<std::vector<std::byte>> {
      PAIRLOOM_TRY(describe(picture));
      jobs::MatchResult result;
      result.keypoints = static_cast<uint32_t>(described_.keypoints.size());
      const auto matches = matcher_->match(described_.rows(), {setup_.cross_check, setup_.ratio});
      result.matches = static_cast<uint32_t>(matches.size());
      if (setup_.reprojection_px > 0) {
        cv::KeyPoint::convert(described_.keypoints, image_points_);
        result.inliers = homography_inliers(points_, image_points_, matches, setup_.reprojection_px);
      }
      return jobs::encode(result);
    });
  }

  std::optional<Matcher> matcher_;
  std::vector<cv::Point2f> points_;  // of the reference
  std::vector<cv::Point2f> image_points_;
};

}  // namespace

Result<std::unique_ptr<WorkerJob>> make_describe_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::MatchSetup decoded, jobs::decode_match_setup(setup));
  return std::make_unique<DescribeFiles>(decoded);
}

Result<std::unique_ptr<WorkerJob>> make_match_job(std::span<const std::byte> setup) {
  PAIRLOOM_ASSIGN(const jobs::MatchSetup decoded, jobs::decode_match_setup(setup));
  return std::make_unique<MatchFiles>(decoded);
}

}  // namespace pairloom::workerproc
