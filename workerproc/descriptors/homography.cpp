#include "workerproc/descriptors/homography.h"

#include <opencv2/calib3d.hpp>
#include <vector>

namespace pairloom::workerproc {

uint32_t homography_inliers(std::span<const cv::Point2f> reference, std::span<const cv::Point2f> image,
                            std::span<const Match> matches, double reprojection_px) {
  if (matches.size() < 4) return 0;
  std::vector<cv::Point2f> from, to;
  for (const Match& match : matches) {
    from.push_back(reference[match.reference]);
    to.push_back(image[match.image]);
  }
  cv::Mat inliers;
  if (cv::findHomography(from, to, inliers, cv::RANSAC, reprojection_px).empty()) return 0;
  return static_cast<uint32_t>(cv::countNonZero(inliers));
}

}  // namespace pairloom::workerproc
