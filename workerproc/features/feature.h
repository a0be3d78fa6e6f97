// FeatureExtractor: a picture in, a table of numbers out. One class a feature; the table of them is registry.cpp, and a
// user's plugin (include/pairloom/extractor.h) is one more of them. Runs in: worker only.
#pragma once

#include <opencv2/core.hpp>

#include "base/result.h"
#include "jobs/extract_job.h"
#include "workerproc/descriptors/gray.h"
#include "workerproc/extract/orientation.h"

namespace pairloom::workerproc {

// A decoded picture in the forms extractors want it, each made when first asked for. Holds on to its memory from
// picture to picture.
class ShownPicture {
 public:
  // A BGR picture in full size, borrowed.
  void show(const Picture& picture);
  const Picture& picture() const { return *picture_; }
  View view() const { return view_of(*picture_); }
  uint32_t width_px() const;  // as shown
  uint32_t height_px() const;
  const cv::Mat& gray();  // CV_8UC1, upright: descriptors/gray.h
  const cv::Mat& bgr();   // CV_8UC3, upright

 private:
  const Picture* picture_ = nullptr;
  UprightGray gray_maker_;
  const cv::Mat* gray_ = nullptr;
  cv::Mat bgr_, turned_;
  bool has_bgr_ = false;
};

class FeatureExtractor {
 public:
  explicit FeatureExtractor(jobs::FeatureDescription description) : description_(std::move(description)) {}
  virtual ~FeatureExtractor() = default;
  FeatureExtractor(const FeatureExtractor&) = delete;
  FeatureExtractor& operator=(const FeatureExtractor&) = delete;

  const jobs::FeatureDescription& description() const { return description_; }
  // Fills `table` as the description says. An error (kUnsupported) means that there are none of this picture, with the
  // reason. May throw cv::Exception and std::bad_alloc.
  virtual Result<> extract(ShownPicture& picture, jobs::FeatureTable& table) = 0;

 private:
  jobs::FeatureDescription description_;
};

// The one row of a table, or any number of them.
template <class T>
void set_rows(jobs::FeatureTable& table, uint32_t rows, std::span<const T> values) {
  const auto bytes = std::as_bytes(values);
  table.rows = rows;
  table.values.assign(bytes.begin(), bytes.end());
}

}  // namespace pairloom::workerproc
