// How many matches agree on one homography. Runs in: worker only.
#pragma once

#include <cstdint>
#include <span>

#include <opencv2/core/types.hpp>

#include "workerproc/descriptors/matcher.h"

namespace pairloom::workerproc {

// The inliers of cv::findHomography from the reference's points to the image's, by RANSAC with `reprojection_px`,
// OpenCV's other defaults (2000 rounds at the most, confidence 0.995) and its fixed seed: the same input gives the same
// number. 0 for fewer than 4 matches, or when no homography is found. Throws cv::Exception.
uint32_t homography_inliers(std::span<const cv::Point2f> reference, std::span<const cv::Point2f> image,
                            std::span<const Match> matches, double reprojection_px);

}  // namespace pairloom::workerproc
