// One small file of every format and variant that pairloom decodes, with what it shows. Runs in: tests.
#pragma once

#include <opencv2/core.hpp>
#include <string>
#include <vector>

#include "base/image.h"
#include "tests/support/encode.h"
#include "workerproc/decode/decode.h"

namespace pairloom::test {

struct SampleFile {
  std::string name;
  ImageFormat format;
  Bytes bytes;
  cv::Mat shown;      // BGR, alpha composited on white
  double mean_error;  // of a decoded sample in gray levels: 0 = lossless
};
// Of a picture drawn from `seed` in this size.
std::vector<SampleFile> sample_files(uint64_t seed, int width, int height);

// draw_picture with an alpha channel: opaque in the middle, a soft edge, fully transparent corners.
cv::Mat draw_transparent_picture(uint64_t seed, int width, int height);
cv::Mat composite_on_white(const cv::Mat& bgra);

// 0.299 R + 0.587 G + 0.114 B of a BGR picture, unrounded (CV_64F).
cv::Mat luma_of(const cv::Mat& bgr);

// The stored picture that EXIF orientation `orientation` turns into `shown`.
cv::Mat stored_for(const cv::Mat& shown, int orientation);

// A decoded picture's pixels as a Mat that borrows them.
cv::Mat pixels_of(const workerproc::Picture& picture);
// A picture as the decoder would leave it: `image` (CV_8UC1 or CV_8UC3) at full size.
workerproc::Picture picture_of(const cv::Mat& image);

}  // namespace pairloom::test
