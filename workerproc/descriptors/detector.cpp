#include "workerproc/descriptors/detector.h"

#include <algorithm>
#include <opencv2/features2d.hpp>

namespace pairloom::workerproc {

Norm norm_of(jobs::DescriptorMethod method) {
  return method == jobs::DescriptorMethod::kSift ? Norm::kL2 : Norm::kHamming;
}

namespace {

// Nearer to the border than this ORB finds nothing; but it cannot make its smaller levels of a picture of a few pixels.
constexpr int kOrbBorderPx = 31;

}  // namespace

Detector::Detector(jobs::DescriptorMethod method, uint32_t max_features) {
  const auto count = static_cast<int>(max_features);
  if (method == jobs::DescriptorMethod::kSift)
    detector_ = cv::SIFT::create(count, 3, 0.04, 10, 1.6, CV_8U);
  else
    detector_ = cv::ORB::create(count, 1.2f, 8, kOrbBorderPx);
  min_side_px_ = method == jobs::DescriptorMethod::kSift ? 1 : kOrbBorderPx;
}

Detector::~Detector() = default;

void Detector::describe(const cv::Mat& gray, DescribedImage& out) {
  out.keypoints.clear();
  if (std::min(gray.rows, gray.cols) < min_side_px_) return out.descriptors.release();
  detector_->detectAndCompute(gray, cv::noArray(), out.keypoints, out.descriptors);
  if (out.keypoints.empty()) out.descriptors.release();
  if (!out.descriptors.isContinuous()) out.descriptors = out.descriptors.clone();
}

}  // namespace pairloom::workerproc
