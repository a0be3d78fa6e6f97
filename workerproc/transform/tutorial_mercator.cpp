#include "workerproc/transform/tutorial_mercator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace pairloom::workerproc {
namespace {

constexpr double kPi = std::numbers::pi;

}  // namespace

double round_as_python(double value, double scale) {
  const double product = value * scale, lost = std::fma(value, scale, -product);  // their sum is exact
  double whole = std::nearbyint(product);
  const double excess = product - whole;  // exact; 0.5 in size where nearbyint() went to the even side
  // What was lost says on which side of the half the number really is.
  if (excess == 0.5 && lost > 0) whole += 1;
  if (excess == -0.5 && lost < 0) whole -= 1;
  return whole / scale;
}

TutorialMercator::TutorialMercator(const PictureView& source) : source_(source) {
  const auto width = static_cast<double>(source.width);
  for (size_t x = 0; x < source.width; ++x) {
    const double lon_t = round_as_python(static_cast<double>(x) / width * 2 * kPi - kPi, 100);
    if (longitudes_.empty() || longitudes_.back() != lon_t) longitudes_.push_back(lon_t);
    longitude_of_column_.push_back(static_cast<uint32_t>(longitudes_.size() - 1));
  }
  for (const double lon_t : longitudes_) {
    sine_.push_back(std::sin(lon_t));
    cosine_.push_back(std::cos(lon_t));
  }
  source_pixel_.resize(longitudes_.size());
}

void TutorialMercator::find_sources(double lat_t) {
  const auto width = static_cast<double>(source_.width), height = static_cast<double>(source_.height);
  const double hyperbolic_sine = std::sinh(lat_t), hyperbolic_cosine = std::cosh(lat_t);
  for (size_t i = 0; i < longitudes_.size(); ++i) {
    const double lat = round_as_python(-std::asin(sine_[i] / hyperbolic_cosine), 1000);
    double lon = std::atan(hyperbolic_sine / cosine_[i]);
    if (std::fabs(longitudes_[i]) > kPi / 2) lon += lat_t >= 0 ? kPi : -kPi;
    lon = round_as_python(lon, 1000);
    // Rounding can lead just beyond the edges.
    const double x = std::trunc((lon + kPi) / (2 * kPi) * width), y = std::trunc((lat - kPi / 2) / -kPi * height);
    source_pixel_[i] = static_cast<size_t>(std::clamp(y, 0.0, height - 1)) * source_.width +
                       static_cast<size_t>(std::clamp(x, 0.0, width - 1));
  }
  latitude_ = lat_t;
}

void TutorialMercator::row(size_t y, uint8_t* out) {
  const double lat_t = round_as_python(
      (static_cast<double>(y) + 1) / static_cast<double>(source_.height) * (-35 * kPi / 18) + 17.5 * kPi / 18, 100);
  if (latitude_ != lat_t) find_sources(lat_t);
  if (source_.colour) {
    for (size_t x = 0; x < source_.width; ++x)
      std::memcpy(out + 4 * x, source_.pixels + 4 * source_pixel_[longitude_of_column_[x]], 4);
  } else {
    for (size_t x = 0; x < source_.width; ++x) out[x] = source_.pixels[source_pixel_[longitude_of_column_[x]]];
  }
}

}  // namespace pairloom::workerproc
