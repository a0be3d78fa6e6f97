// Channel conversions that the encoders of tests/support share. Runs in: tests.
#pragma once

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace pairloom::test {

// Any of CV_8UC1, CV_8UC3, CV_8UC4 -> the wanted number of channels (1, 3 or 4); alpha is dropped or opaque.
inline cv::Mat with_channels(const cv::Mat& image, int channels) {
  if (image.channels() == channels) return image;
  static constexpr int kCodes[5][5] = {{},
                                       {0, 0, 0, cv::COLOR_GRAY2BGR, cv::COLOR_GRAY2BGRA},
                                       {},
                                       {0, cv::COLOR_BGR2GRAY, 0, 0, cv::COLOR_BGR2BGRA},
                                       {0, cv::COLOR_BGRA2GRAY, 0, cv::COLOR_BGRA2BGR, 0}};
  cv::Mat converted;
  cv::cvtColor(image, converted, kCodes[image.channels()][channels]);
  return converted;
}

// The colour cube of the palette formats: 6 blues x 7 greens x 6 reds, index = (b * 7 + g) * 6 + r, below 252.
constexpr int kCubeColours = 252;
inline cv::Vec3b cube_colour(int index) {
  return {static_cast<uchar>(index / 42 * 51), static_cast<uchar>(index / 6 % 7 * 85 / 2),
          static_cast<uchar>(index % 6 * 51)};
}
// BGR -> cube indices with a 4x4 ordered dither (Bayer 1973), so that area means survive.
inline cv::Mat to_cube(const cv::Mat& bgr) {
  static constexpr int kBayer[16] = {0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5};
  cv::Mat indices(bgr.size(), CV_8UC1);
  for (int y = 0; y < bgr.rows; ++y)
    for (int x = 0; x < bgr.cols; ++x) {
      const cv::Vec3b pixel = bgr.at<cv::Vec3b>(y, x);
      const double threshold = (kBayer[y % 4 * 4 + x % 4] + 0.5) / 16;
      const auto level = [&](int value, int steps) { return static_cast<int>(value * steps / 255.0 + threshold); };
      indices.at<uchar>(y, x) =
          static_cast<uchar>((level(pixel[0], 5) * 7 + level(pixel[1], 6)) * 6 + level(pixel[2], 5));
    }
  return indices;
}

}  // namespace pairloom::test
