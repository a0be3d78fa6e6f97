#include "workerproc/extract/dhash.h"

#include <opencv2/imgproc.hpp>

namespace pairloom::workerproc {

Code dhash(const View& view, AreaSummer& summer) {
  const auto cells = summer.sum(view, 8, 9);  // equal areas: sums compare as means do
  Code code;
  for (size_t i = 0; i < 64; ++i) {
    const size_t left = i / 8 * 9 + i % 8;
    code.words[0] |= uint64_t{cells[left + 1] > cells[left]} << i;
  }
  return code;
}

Code TutorialDhash::hash(const View& view) {
  const Picture& picture = view.picture;
  const cv::Mat bgr(static_cast<int>(picture.height_px), static_cast<int>(picture.width_px), CV_8UC3,
                    const_cast<uint8_t*>(picture.pixels.data()), picture.stride_bytes);
  cv::cvtColor(bgr, gray_, cv::COLOR_BGR2GRAY);
  // cv::imread turns the BGR picture; gray is made pixel by pixel, so turning it is the same.
  const cv::Mat* upright = &gray_;
  if (view.rows.mirrored || view.columns.mirrored) {
    cv::flip(gray_, gray_, view.rows.mirrored && view.columns.mirrored ? -1 : view.rows.mirrored ? 0 : 1);
  }
  if (view.transposed) {
    cv::transpose(gray_, turned_);
    upright = &turned_;
  }
  cv::resize(*upright, cells_, cv::Size(9, 8), 0, 0, cv::INTER_LINEAR);
  Code code;
  for (int i = 0; i < 64; ++i) {
    const uchar* row = cells_.ptr(i / 8);
    code.words[0] |= uint64_t{row[i % 8 + 1] > row[i % 8]} << i;
  }
  return code;
}

}  // namespace pairloom::workerproc
