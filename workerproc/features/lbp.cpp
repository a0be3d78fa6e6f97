#include "workerproc/features/lbp.h"

#include <fmt/format.h>
#include <bit>
#include <cmath>
#include <numbers>

namespace pairloom::workerproc {
namespace {

// Where a neighbour lies from a pixel; and for each column of the picture between which pixels that is.
struct Neighbour {
  double row, column;
  std::vector<uint32_t> left, right;  // columns of a padded row
  std::vector<double> weight;         // of the right one
};

double rounded_to_5_decimals(double x) {
  return std::nearbyint(x * 1e5) / 1e5;
}

class Lbp final : public FeatureExtractor {
 public:
  Lbp(uint32_t points, uint32_t radius)
      : FeatureExtractor(describe(points, radius)), points_(points), padding_(radius + 1) {
    for (uint32_t p = 0; p < points; ++p) {
      const double angle = 2 * std::numbers::pi * p / points;
      neighbours_.push_back({rounded_to_5_decimals(-(radius * std::sin(angle))),
                             rounded_to_5_decimals(radius * std::cos(angle)),
                             {},
                             {},
                             {}});
    }
  }

  Result<> extract(ShownPicture& picture, jobs::FeatureTable& table) override {
    const cv::Mat& gray = picture.gray();
    prepare_columns(static_cast<size_t>(gray.cols));
    pad(gray);
    std::vector<uint64_t> counts(points_ + 2);
    for (int row = 0; row < gray.rows; ++row) count_row(gray.ptr(row), row, gray.cols, counts);
    std::vector<double> shares;
    for (const uint64_t count : counts)
      shares.push_back(static_cast<double>(count) / (static_cast<double>(gray.rows) * gray.cols));
    set_rows<double>(table, 1, shares);
    return {};
  }

 private:
  static jobs::FeatureDescription describe(uint32_t points, uint32_t radius) {
    jobs::FeatureDescription d{.name = "lbp", .parameters = fmt::format("points={} radius={}", points, radius)};
    for (uint32_t bin = 0; bin <= points; ++bin) d.columns.push_back(fmt::format("uniform_{}", bin));
    d.columns.emplace_back("other");
    return d;
  }

  void prepare_columns(size_t width) {
    if (patterns_.size() == width) return;
    patterns_.resize(width);
    for (Neighbour& n : neighbours_) {
      n.left.resize(width);
      n.right.resize(width);
      n.weight.resize(width);
      for (size_t c = 0; c < width; ++c) {
        const double at = static_cast<double>(c) + n.column;
        n.left[c] = static_cast<uint32_t>(std::floor(at) + padding_);
        n.right[c] = static_cast<uint32_t>(std::ceil(at) + padding_);
        n.weight[c] = at - std::floor(at);
      }
    }
  }

  void pad(const cv::Mat& gray) {
    const int padding = static_cast<int>(padding_);
    padded_.create(gray.rows + 2 * padding, gray.cols + 2 * padding, CV_64F);
    padded_ = 0;
    cv::Mat inner = padded_(cv::Rect(padding, padding, gray.cols, gray.rows));
    gray.convertTo(inner, CV_64F);
  }

  void count_row(const uint8_t* centre, int row, int width, std::vector<uint64_t>& counts) {
    std::fill(patterns_.begin(), patterns_.end(), 0);
    for (uint32_t p = 0; p < points_; ++p) {
      const Neighbour& n = neighbours_[p];
      const double at = row + n.row, weight = at - std::floor(at);
      const double* top = padded_.ptr<double>(static_cast<int>(std::floor(at)) + static_cast<int>(padding_));
      const double* bottom = padded_.ptr<double>(static_cast<int>(std::ceil(at)) + static_cast<int>(padding_));
      for (size_t c = 0; c < static_cast<size_t>(width); ++c) {
        const double left = 1 - n.weight[c], right = n.weight[c];
        const double above = left * top[n.left[c]] + right * top[n.right[c]];
        const double below = left * bottom[n.left[c]] + right * bottom[n.right[c]];
        const double value = (1 - weight) * above + weight * below;
        patterns_[c] |= uint32_t{value - centre[c] >= 0} << p;
      }
    }
    const uint32_t all = (uint32_t{1} << points_) - 1;
    for (const uint32_t pattern : patterns_) {
      const uint32_t turned = (pattern >> 1 | pattern << (points_ - 1)) & all;
      const bool uniform = std::popcount(pattern ^ turned) <= 2;
      ++counts[uniform ? static_cast<size_t>(std::popcount(pattern)) : points_ + 1];
    }
  }

  uint32_t points_, padding_;
  std::vector<Neighbour> neighbours_;
  std::vector<uint32_t> patterns_;  // of a row: bit p, neighbour p is not darker
  cv::Mat padded_;
};

}  // namespace

Result<std::unique_ptr<FeatureExtractor>> make_lbp(Parameters& parameters) {
  PAIRLOOM_ASSIGN(const uint32_t points, parameters.take("points", 8, 4, 24));
  PAIRLOOM_ASSIGN(const uint32_t radius, parameters.take("radius", 1, 1, 16));
  return std::make_unique<Lbp>(points, radius);
}

}  // namespace pairloom::workerproc
