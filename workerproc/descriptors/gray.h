// The picture as it is shown, as OpenCV matrices. Runs in: worker only.
#pragma once

#include <opencv2/core.hpp>

#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

// `stored` turned as `view` says: itself when it is upright, else made in `room`. Throws cv::Exception.
cv::Mat turned(const cv::Mat& stored, const View& view, cv::Mat& room);

// Gray as OpenCV makes it: cv::imread in BGR, turned by EXIF, cv::cvtColor BGR2GRAY. The same for every file format
// (imread with IMREAD_GRAYSCALE is not: it leaves the conversion to each codec).
class UprightGray {
 public:
  // CV_8UC1. `view` is of a BGR picture. Valid until the next call. Throws cv::Exception.
  const cv::Mat& of(const View& view);

 private:
  cv::Mat stored_, room_, upright_;
};

}  // namespace pairloom::workerproc
