// Maps within the plane: rotation, and positions given one by one.
#include <array>
#include <cmath>
#include <numbers>

#include "workerproc/transform/row_map.h"

namespace pairloom::workerproc {
namespace {

class Rotation final : public RowMap {
 public:
  explicit Rotation(const jobs::TransformSetup& setup)
      : cosine_(cosine_of_degrees(setup.angle_deg)),
        sine_(sine_of_degrees(setup.angle_deg)),
        middle_x_((setup.width_px - 1) / 2.0),
        middle_y_((setup.height_px - 1) / 2.0),
        source_middle_x_((setup.source.width_px - 1) / 2.0),
        source_middle_y_((setup.source.height_px - 1) / 2.0) {}

  // The output point turned back. Rows count downwards, so what is counter-clockwise to the eye has the signs of a
  // clockwise turn here.
  void row(size_t y, std::span<double> source_x, std::span<double> source_y) override {
    const double down = static_cast<double>(y) - middle_y_;
    for (size_t x = 0; x < source_x.size(); ++x) {
      const double right = static_cast<double>(x) - middle_x_;
      source_x[x] = source_middle_x_ + (cosine_ * right - sine_ * down);
      source_y[x] = source_middle_y_ + (sine_ * right + cosine_ * down);
    }
  }

 private:
  double cosine_, sine_, middle_x_, middle_y_, source_middle_x_, source_middle_y_;
};

class Remap final : public RowMap {
 public:
  Remap(size_t width, std::span<const float> x, std::span<const float> y) : width_(width), x_(x), y_(y) {}

  void row(size_t y, std::span<double> source_x, std::span<double> source_y) override {
    const auto from_x = x_.subspan(y * width_, width_), from_y = y_.subspan(y * width_, width_);
    for (size_t x = 0; x < width_; ++x) {
      source_x[x] = static_cast<double>(from_x[x]);
      source_y[x] = static_cast<double>(from_y[x]);
    }
  }

 private:
  size_t width_;
  std::span<const float> x_, y_;
};

}  // namespace

std::unique_ptr<RowMap> make_rotation(const jobs::TransformSetup& setup) {
  return std::make_unique<Rotation>(setup);
}

std::unique_ptr<RowMap> make_remap(const jobs::TransformSetup& setup, std::span<const float> x,
                                   std::span<const float> y) {
  return std::make_unique<Remap>(setup.width_px, x, y);
}

double cosine_of_degrees(double degrees) {
  const double turn = std::fmod(degrees, 360);
  if (std::fmod(turn, 90) == 0) {
    static constexpr std::array<double, 4> kExact = {1, 0, -1, 0};
    return kExact[static_cast<size_t>(std::fabs(turn) / 90)];
  }
  return std::cos(turn * std::numbers::pi / 180);
}

double sine_of_degrees(double degrees) {
  return cosine_of_degrees(degrees - 90);
}

}  // namespace pairloom::workerproc
