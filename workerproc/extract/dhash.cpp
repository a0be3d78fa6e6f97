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
  cv::resize(gray_.of(view), cells_, cv::Size(9, 8), 0, 0, cv::INTER_LINEAR);
  Code code;
  for (int i = 0; i < 64; ++i) {
    const uchar* row = cells_.ptr(i / 8);
    code.words[0] |= uint64_t{row[i % 8 + 1] > row[i % 8]} << i;
  }
  return code;
}

}  // namespace pairloom::workerproc
