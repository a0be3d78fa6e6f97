// The hashes again, written as their definitions read: plain, slow, double precision, on a full-size luma picture. The
// golden values of the tests. Runs in: tests.
#pragma once

#include <opencv2/core.hpp>

#include "base/algorithm.h"

namespace pairloom::test {

struct SlowPdq {
  Code code;
  int quality = 0;
};
// `luma` is CV_64F, upright.
SlowPdq slow_pdq(const cv::Mat& luma);
Code slow_dhash(const cv::Mat& luma);  // values must be integers
Code slow_phash(const cv::Mat& luma, int cells, int terms);

// What a decode at 1/reduction knows of the original: each decoded pixel repeated over the original pixels it stands
// for.
cv::Mat spread(const cv::Mat& decoded, int reduction, cv::Size full);

}  // namespace pairloom::test
