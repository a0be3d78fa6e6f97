#include "tests/unit/workerproc/slow_hashes.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace pairloom::test {
namespace {

// pdq/cpp/downscaling, boxOneDFloat: a sliding sum of `window` values, shifted by half a window, shorter at the ends.
std::vector<double> box_filter(const std::vector<double>& in, int window) {
  const int length = static_cast<int>(in.size()), half = (window + 2) / 2;
  std::vector<double> out;
  for (int i = 0; i < length; ++i) {
    const int first = std::max(0, i + half - window), last = std::min(length - 1, i + half - 1);
    double sum = 0;
    for (int k = first; k <= last; ++k) sum += in[static_cast<size_t>(k)];
    out.push_back(sum / (last - first + 1));
  }
  return out;
}

void filter_rows(cv::Mat& image) {
  for (int y = 0; y < image.rows; ++y) {
    const auto out = box_filter(std::vector<double>(image.ptr<double>(y), image.ptr<double>(y) + image.cols),
                                (image.cols + 127) / 128);
    std::copy(out.begin(), out.end(), image.ptr<double>(y));
  }
}

Code above_lower_median(const std::vector<double>& terms) {
  std::vector<double> sorted = terms;
  std::sort(sorted.begin(), sorted.end());
  Code code;
  for (size_t i = 0; i < terms.size(); ++i)
    if (terms[i] > sorted[terms.size() / 2 - 1]) code.words[i / 64] |= uint64_t{1} << (i % 64);
  return code;
}

// DCT-II terms of frequency 1..count on both axes, vertical frequency first.
std::vector<double> low_terms(const cv::Mat& samples, int count) {
  const int n = samples.rows;
  std::vector<std::vector<double>> cosines;
  for (int k = 1; k <= count; ++k) {
    cosines.emplace_back();
    for (int i = 0; i < n; ++i) cosines.back().push_back(std::cos(std::numbers::pi * k * (2 * i + 1) / (2 * n)));
  }
  std::vector<double> terms;
  for (const auto& vertical : cosines)
    for (const auto& horizontal : cosines) {
      double sum = 0;
      for (size_t y = 0; y < vertical.size(); ++y)
        for (size_t x = 0; x < horizontal.size(); ++x)
          sum += samples.at<double>(static_cast<int>(y), static_cast<int>(x)) * vertical[y] * horizontal[x];
      terms.push_back(sum);
    }
  return terms;
}

// Means over rows x columns equal cells, by making every pixel rows x columns times as large: then no cell cuts a
// pixel.
cv::Mat cell_sums(const cv::Mat& luma, int rows, int columns) {
  cv::Mat sums = cv::Mat::zeros(rows, columns, CV_64F);
  for (int y = 0; y < luma.rows * rows; ++y)
    for (int x = 0; x < luma.cols * columns; ++x)
      sums.at<double>(y / luma.rows, x / luma.cols) += luma.at<double>(y / rows, x / columns);
  return sums;
}

int quality_of(const cv::Mat& samples) {
  int sum = 0;
  const auto add = [&](double a, double b) { sum += std::abs(static_cast<int>((a - b) * 100 / 255)); };
  for (int y = 0; y < 63; ++y)
    for (int x = 0; x < 64; ++x) add(samples.at<double>(y, x), samples.at<double>(y + 1, x));
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 63; ++x) add(samples.at<double>(y, x), samples.at<double>(y, x + 1));
  return std::min(100, sum / 90);
}

}  // namespace

SlowPdq slow_pdq(const cv::Mat& luma) {
  cv::Mat image = luma.clone();
  for (int pass = 0; pass < 2; ++pass) {
    filter_rows(image);
    image = image.t();
    filter_rows(image);
    image = image.t();
  }
  cv::Mat samples(64, 64, CV_64F);
  for (int i = 0; i < 64; ++i)
    for (int j = 0; j < 64; ++j)
      samples.at<double>(i, j) = image.at<double>(static_cast<int>((i + 0.5) * image.rows / 64),
                                                  static_cast<int>((j + 0.5) * image.cols / 64));
  return {above_lower_median(low_terms(samples, 16)), quality_of(samples)};
}

Code slow_dhash(const cv::Mat& luma) {
  const cv::Mat sums = cell_sums(luma, 8, 9);
  Code code;
  for (int y = 0; y < 8; ++y)
    for (int x = 0; x < 8; ++x)
      if (sums.at<double>(y, x + 1) > sums.at<double>(y, x)) code.words[0] |= uint64_t{1} << (8 * y + x);
  return code;
}

Code slow_phash(const cv::Mat& luma, int cells, int terms) {
  return above_lower_median(low_terms(cell_sums(luma, cells, cells), terms));
}

cv::Mat spread(const cv::Mat& decoded, int reduction, cv::Size full) {
  cv::Mat image(full, CV_64F);
  for (int y = 0; y < full.height; ++y)
    for (int x = 0; x < full.width; ++x) image.at<double>(y, x) = decoded.at<uchar>(y / reduction, x / reduction);
  return image;
}

}  // namespace pairloom::test
