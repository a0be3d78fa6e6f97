// Compares the kernels of workerproc/descriptors/ with cv::BFMatcher, cross-checked, side by side in one process, on
// random descriptors of which half are in both images. usage: match_bench [ROWS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include <opencv2/features2d.hpp>

#include "workerproc/descriptors/matcher.h"

using namespace pairloom::workerproc;

namespace {

cv::Mat random_rows(int count, int bytes, std::mt19937& random) {
  cv::Mat rows(count, bytes, CV_8U);
  for (int r = 0; r < count; ++r)
    for (int i = 0; i < bytes; ++i) rows.at<uint8_t>(r, i) = static_cast<uint8_t>(random() % (bytes == 128 ? 90 : 256));
  return rows;
}

// Milliseconds of the fastest of some runs.
template <class Work>
double best_ms(Work work) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    work();
    best = std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

void compare(const char* name, Norm norm, int rows, int bytes) {
  std::mt19937 random(1);
  cv::Mat a = random_rows(rows, bytes, random), b = random_rows(rows, bytes, random), floats_a = a, floats_b = b;
  a.rowRange(0, rows / 2).copyTo(b.rowRange(rows / 2, rows / 2 * 2));
  if (norm == Norm::kL2) {
    a.convertTo(floats_a, CV_32F);
    b.convertTo(floats_b, CV_32F);
  }
  std::vector<cv::DMatch> found;
  const cv::BFMatcher opencv(norm == Norm::kL2 ? cv::NORM_L2 : cv::NORM_HAMMING, true);
  const double base = best_ms([&] { opencv.match(floats_a, floats_b, found); });
  std::printf("%s, %d x %d: cv::BFMatcher %.2f ms, %zu matches\n", name, rows, rows, base, found.size());
  const auto count = static_cast<uint32_t>(rows), size = static_cast<uint32_t>(bytes);
  for (const MatchKernel kernel : available_match_kernels()) {
    Matcher matcher(norm, {a.data, count, size}, kernel);
    size_t matches = 0;
    const double ms = best_ms([&] { matches = matcher.match({b.data, count, size}, {}).size(); });
    std::printf("  %-8s %8.2f ms, %zu matches, %.1f times as fast\n", std::string(name_of(kernel)).c_str(), ms, matches,
                base / ms);
  }
}

}  // namespace

int main(int argc, char** argv) {
  cv::setNumThreads(1);
  const int rows = argc > 1 ? std::max(2, std::atoi(argv[1])) : 1000;
  compare("SIFT", Norm::kL2, rows, 128);
  compare("ORB", Norm::kHamming, rows, 32);
}
