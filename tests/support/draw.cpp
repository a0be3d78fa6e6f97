#include "tests/support/draw.h"

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <vector>

namespace pairloom::test {
namespace {

// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): the same numbers on
// every machine, which the distributions of <random> do not promise.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  int below(int bound) { return static_cast<int>(next() % static_cast<uint64_t>(bound)); }
  double between(double lo, double hi) { return lo + (hi - lo) * static_cast<double>(next() >> 11) * 0x1p-53; }
  cv::Scalar colour() { return cv::Scalar(below(256), below(256), below(256)); }

 private:
  uint64_t state_;
};

// A smooth field of random colours: a small random grid, enlarged.
cv::Mat colour_field(Random& random, int cells, cv::Size size) {
  cv::Mat grid(cells, cells, CV_8UC3);
  for (auto& pixel : cv::Mat_<cv::Vec3b>(grid))
    for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uchar>(random.below(256));
  cv::Mat field;
  cv::resize(grid, field, size, 0, 0, cv::INTER_CUBIC);
  return field;
}

// A scene in relative coordinates, drawn with sub-pixel precision.
class Canvas {
 public:
  explicit Canvas(cv::Mat& image) : image_(image) {}

  cv::Point at(double x, double y) const {
    return {static_cast<int>(std::lround(x * image_.cols * kOne)),
            static_cast<int>(std::lround(y * image_.rows * kOne))};
  }
  int length(double part) const { return std::max(1, static_cast<int>(part * std::min(image_.cols, image_.rows))); }

  void polygon(const std::vector<cv::Point>& points, const cv::Scalar& colour) {
    cv::fillConvexPoly(image_, points, colour, cv::LINE_AA, kShift);
  }
  void ellipse(cv::Point centre, cv::Point radii, double angle, const cv::Scalar& colour) {
    cv::ellipse(image_, centre, cv::Size(std::max(1, radii.x), std::max(1, radii.y)), angle, 0, 360, colour, cv::FILLED,
                cv::LINE_AA, kShift);
  }
  void line(cv::Point a, cv::Point b, double width, const cv::Scalar& colour) {
    cv::line(image_, a, b, colour, length(width), cv::LINE_AA, kShift);
  }

 private:
  static constexpr int kShift = 4, kOne = 1 << kShift;
  cv::Mat& image_;
};

void draw_shape(Random& random, Canvas& canvas) {
  const double x = random.between(0, 1), y = random.between(0, 1);
  const double w = random.between(0.04, 0.3), h = random.between(0.04, 0.3);
  const cv::Scalar colour = random.colour();
  switch (random.below(4)) {
    case 0:
      canvas.polygon({canvas.at(x, y), canvas.at(x + w, y), canvas.at(x + w, y + h), canvas.at(x, y + h)}, colour);
      break;
    case 1:
      canvas.ellipse(canvas.at(x, y), canvas.at(w / 2, h / 2), random.between(0, 180), colour);
      break;
    case 2:
      canvas.polygon({canvas.at(x, y), canvas.at(x + w, y + h / 2), canvas.at(x - h / 2, y + h)}, colour);
      break;
    default:
      canvas.line(canvas.at(x, y), canvas.at(random.between(0, 1), random.between(0, 1)), w / 12, colour);
  }
}

// Stripes in a random direction inside a random rectangle: what cloth, fences and windows do to a hash.
void draw_stripes(Random& random, Canvas& canvas) {
  const double x = random.between(0, 0.7), y = random.between(0, 0.7), size = random.between(0.15, 0.3);
  const int stripes = 4 + random.below(12);
  const cv::Scalar colour = random.colour();
  const bool upright = random.below(2) == 0;
  for (int i = 0; i < stripes; ++i) {
    const double a = size * i / stripes, b = a + size / stripes / 2;
    if (upright)
      canvas.polygon({canvas.at(x + a, y), canvas.at(x + b, y), canvas.at(x + b, y + size), canvas.at(x + a, y + size)},
                     colour);
    else
      canvas.polygon({canvas.at(x, y + a), canvas.at(x + size, y + a), canvas.at(x + size, y + b), canvas.at(x, y + b)},
                     colour);
  }
}

void add_grain(Random& random, cv::Mat& image) {
  for (int y = 0; y < image.rows; ++y) {
    uchar* row = image.ptr(y);
    for (int x = 0; x < image.cols * 3; x += 8) {
      uint64_t noise = random.next();
      for (int i = x; i < std::min(x + 8, image.cols * 3); ++i, noise >>= 8)
        row[i] = cv::saturate_cast<uchar>(row[i] + static_cast<int>(noise & 7) - 4);
    }
  }
}

}  // namespace

cv::Mat draw_picture(uint64_t seed, int width, int height) {
  Random random(seed);
  const cv::Size size(width, height);
  cv::Mat image = colour_field(random, 6, size);
  cv::addWeighted(image, 0.55, colour_field(random, 17, size), 0.45, 0, image);
  Canvas canvas(image);
  const int shapes = 8 + random.below(12);
  for (int i = 0; i < shapes; ++i) draw_shape(random, canvas);
  for (int i = 0; i < 2; ++i) draw_stripes(random, canvas);
  add_grain(random, image);
  return image;
}

cv::Mat draw_shapes(uint64_t seed, int width, int height) {
  cv::Mat picture(height, width, CV_8UC1, cv::Scalar(90));
  cv::RNG random(seed);
  for (int i = 0; i < width * height / 1000; ++i) {
    const cv::Point at(random.uniform(0, width), random.uniform(0, height));
    const cv::Scalar gray(random.uniform(0, 256));
    if (i % 2 == 0)
      cv::circle(picture, at, random.uniform(4, 30), gray, cv::FILLED);
    else
      cv::rectangle(picture, at, at + cv::Point(random.uniform(5, 50), random.uniform(5, 50)), gray, cv::FILLED);
  }
  return picture;
}

}  // namespace pairloom::test
