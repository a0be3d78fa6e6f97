#include "workerproc/features/feature.h"

namespace pairloom::workerproc {

void ShownPicture::show(const Picture& picture) {
  picture_ = &picture;
  gray_ = nullptr;
  has_bgr_ = false;
}

uint32_t ShownPicture::width_px() const {
  return view().transposed ? picture_->height_px : picture_->width_px;
}

uint32_t ShownPicture::height_px() const {
  return view().transposed ? picture_->width_px : picture_->height_px;
}

const cv::Mat& ShownPicture::gray() {
  if (!gray_) gray_ = &gray_maker_.of(view());
  return *gray_;
}

const cv::Mat& ShownPicture::bgr() {
  if (has_bgr_) return bgr_;
  const View shown = view();
  const cv::Mat stored(static_cast<int>(picture_->height_px), static_cast<int>(picture_->width_px), CV_8UC3,
                       const_cast<uint8_t*>(picture_->pixels.data()), picture_->stride_bytes);
  bgr_ = turned(stored, shown, turned_);
  has_bgr_ = true;
  return bgr_;
}

}  // namespace pairloom::workerproc
