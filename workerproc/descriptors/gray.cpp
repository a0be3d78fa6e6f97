#include "workerproc/descriptors/gray.h"

#include <opencv2/imgproc.hpp>

namespace pairloom::workerproc {

cv::Mat turned(const cv::Mat& stored, const View& view, cv::Mat& room) {
  const bool mirrored = view.rows.mirrored || view.columns.mirrored;
  if (!mirrored && !view.transposed) return stored;
  if (mirrored) cv::flip(stored, room, view.rows.mirrored && view.columns.mirrored ? -1 : view.rows.mirrored ? 0 : 1);
  if (!view.transposed) return room;
  cv::Mat transposed;
  cv::transpose(mirrored ? room : stored, transposed);
  return transposed;
}

const cv::Mat& UprightGray::of(const View& view) {
  const Picture& picture = view.picture;
  const cv::Mat bgr(static_cast<int>(picture.height_px), static_cast<int>(picture.width_px), CV_8UC3,
                    const_cast<uint8_t*>(picture.pixels.data()), picture.stride_bytes);
  cv::cvtColor(bgr, stored_, cv::COLOR_BGR2GRAY);
  // cv::imread turns the BGR picture; gray is made pixel by pixel, so turning it is the same.
  upright_ = turned(stored_, view, room_);
  return upright_;
}

}  // namespace pairloom::workerproc
