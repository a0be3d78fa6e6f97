// Detector: keypoints and their descriptors of a gray image, by OpenCV. Runs in: worker only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/core/types.hpp>

#include "jobs/match_job.h"
#include "workerproc/descriptors/matcher.h"

namespace cv {
class Feature2D;
}

namespace pairloom::workerproc {

struct DescribedImage {
  std::vector<cv::KeyPoint> keypoints;
  cv::Mat descriptors;  // a row of bytes for each keypoint: 128 (SIFT) or 32 (ORB); without keypoints empty

  Descriptors rows() const {
    return {descriptors.data, static_cast<uint32_t>(descriptors.rows), static_cast<uint32_t>(descriptors.cols)};
  }
};

class Detector {
 public:
  // OpenCV's defaults, but for the number of features (the strongest are kept; a few more where strengths are equal).
  // SIFT descriptors are asked for as bytes: they are whole numbers from 0 to 255 in OpenCV, also as floats.
  Detector(jobs::DescriptorMethod method, uint32_t max_features);
  ~Detector();
  // `gray` is CV_8UC1. Reuses `out`. Throws cv::Exception, std::bad_alloc.
  void describe(const cv::Mat& gray, DescribedImage& out);

 private:
  cv::Ptr<cv::Feature2D> detector_;
  int min_side_px_;  // smaller pictures have no keypoints
};

Norm norm_of(jobs::DescriptorMethod method);

}  // namespace pairloom::workerproc
