#include "workerproc/extract/gray.h"

#include <opencv2/imgproc.hpp>

namespace pairloom::workerproc {

const cv::Mat& UprightGray::of(const View& view) {
  const Picture& picture = view.picture;
  const cv::Mat bgr(static_cast<int>(picture.height_px), static_cast<int>(picture.width_px), CV_8UC3,
                    const_cast<uint8_t*>(picture.pixels.data()), picture.stride_bytes);
  cv::cvtColor(bgr, gray_, cv::COLOR_BGR2GRAY);
  // cv::imread turns the BGR picture; gray is made pixel by pixel, so turning it is the same.
  if (view.rows.mirrored || view.columns.mirrored)
    cv::flip(gray_, gray_, view.rows.mirrored && view.columns.mirrored ? -1 : view.rows.mirrored ? 0 : 1);
  if (!view.transposed) return gray_;
  cv::transpose(gray_, turned_);
  return turned_;
}

}  // namespace pairloom::workerproc
