#include "workerproc/transform/resize.h"

#include <algorithm>
#include <cmath>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

double cubic(double distance) {  // as in sample.cpp
  const double d = std::fabs(distance);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}

PAIRLOOM_CLONES void add_weighted(const uint8_t* __restrict row, float weight, float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += static_cast<float>(row[i]) * weight;
}

// The same with the colours weighted by opacity.
PAIRLOOM_CLONES void add_weighted_rgba(const uint8_t* __restrict row, float weight, float* __restrict sums,
                                       size_t pixels) {
  for (size_t i = 0; i < pixels; ++i) {
    const float alpha = static_cast<float>(row[4 * i + 3]), share = alpha * weight;
    sums[4 * i] += static_cast<float>(row[4 * i]) * share;
    sums[4 * i + 1] += static_cast<float>(row[4 * i + 1]) * share;
    sums[4 * i + 2] += static_cast<float>(row[4 * i + 2]) * share;
    sums[4 * i + 3] += share;
  }
}

}  // namespace

AxisWeights::AxisWeights(size_t source_px, size_t output_px, jobs::Interpolation interpolation) {
  using jobs::Interpolation;
  if (interpolation == Interpolation::kAuto)
    interpolation = output_px < source_px ? Interpolation::kArea : Interpolation::kBicubic;
  const double scale = static_cast<double>(source_px) / static_cast<double>(output_px);
  begin_.push_back(0);
  std::vector<double> weights;
  for (size_t i = 0; i < output_px; ++i) {
    const double begin = static_cast<double>(i) * scale, end = begin + scale;  // what it covers
    const double centre = (begin + end) / 2 - 0.5;                             // in positions of pixel centres
    weights.clear();
    auto first = static_cast<long>(std::floor(centre));
    switch (interpolation) {
      case Interpolation::kNearest:
        first = static_cast<long>(std::floor(centre + 0.5));
        weights = {1};
        break;
      case Interpolation::kBilinear:
        weights = {1 - (centre - std::floor(centre)), centre - std::floor(centre)};
        break;
      case Interpolation::kArea:
        first = static_cast<long>(begin);
        for (auto at = static_cast<double>(first); at < end; ++at)
          weights.push_back(std::min(at + 1, end) - std::max(at, begin));
        break;
      default:
        first -= 1;
        for (long tap = first; tap < first + 4; ++tap) weights.push_back(cubic(static_cast<double>(tap) - centre));
    }
    add(source_px, weights, first);
  }
}

// Taps beyond an edge count for the pixel at the edge.
void AxisWeights::add(size_t source_px, std::span<const double> weights, long first) {
  double total = 0;
  for (const double weight : weights) total += weight;
  const long last = static_cast<long>(source_px) - 1;
  const long from = std::clamp(first, 0L, last),
             to = std::clamp(first + static_cast<long>(weights.size()) - 1, from, last);
  const size_t begin = weights_.size();
  weights_.resize(begin + static_cast<size_t>(to - from + 1));
  for (size_t i = 0; i < weights.size(); ++i) {
    const long tap = std::clamp(first + static_cast<long>(i), from, to);
    weights_[begin + static_cast<size_t>(tap - from)] += static_cast<float>(weights[i] / total);
  }
  first_.push_back(static_cast<size_t>(from));
  begin_.push_back(weights_.size());
}

ResizeRows::ResizeRows(const PictureView& source, size_t width, size_t height, jobs::Interpolation interpolation)
    : source_(source),
      across_(source.width, width, interpolation),
      down_(source.height, height, interpolation),
      width_(width),
      sums_(source.width * source.bytes_per_pixel()) {}

void ResizeRows::row(size_t y, uint8_t* out) {
  std::fill(sums_.begin(), sums_.end(), 0.0f);
  const auto down = down_.at(y);
  for (size_t i = 0; i < down.weights.size(); ++i) {
    const uint8_t* line = source_.row(down.first + i);
    if (source_.has_alpha)
      add_weighted_rgba(line, down.weights[i], sums_.data(), source_.width);
    else
      add_weighted(line, down.weights[i], sums_.data(), sums_.size());
  }
  for (size_t x = 0; x < width_; ++x) {
    const auto across = across_.at(x);
    if (!source_.colour) {
      float sum = 0;
      for (size_t i = 0; i < across.weights.size(); ++i) sum += sums_[across.first + i] * across.weights[i];
      out[x] = to_byte(sum);
      continue;
    }
    Float4 sum{};
    const float* at = &sums_[across.first * 4];
    for (const float weight : across.weights) {
      sum += Float4{at[0], at[1], at[2], at[3]} * weight;
      at += 4;
    }
    if (source_.has_alpha)
      store_premultiplied(sum, out + 4 * x);
    else
      store_pixel(sum, out + 4 * x);
  }
}

}  // namespace pairloom::workerproc
