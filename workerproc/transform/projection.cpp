// Maps of the world between Mercator, transverse Mercator and the plain grid of latitudes and longitudes, on the sphere.
// Formulas: J. P. Snyder, "Map Projections: A Working Manual", USGS Professional Paper 1395 (1987), sections 7 and 8.
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "workerproc/transform/row_map.h"
#include "workerproc/transform/trigonometry.h"

namespace pairloom::workerproc {
namespace {

constexpr double kPi = std::numbers::pi, kNowhere = std::numeric_limits<double>::quiet_NaN();

// The middle of step i of n from `first` to `last`.
double middle(size_t i, double n, double first, double last) {
  return first + (static_cast<double>(i) + 0.5) / n * (last - first);
}

// How the source tells latitudes: from the sine of the latitude, or from atanh of it, which is the ordinate of a
// Mercator map, to a row.
class SourceRows {
 public:
  explicit SourceRows(const jobs::TransformSetup& setup)
      : height_(setup.source.height_px),
        mercator_(setup.source_projection == jobs::Projection::kMercator),
        limit_(std::asinh(std::tan(setup.latitude_limit_deg * kPi / 180))) {}

  double of_sine(double sine) const {
    return mercator_ ? of_ordinate(std::atanh(sine)) : of_latitude(std::asin(sine));
  }
  // Of a whole row of points: sine = factor * s[i].
  void of_sines(double factor, std::span<const double> s, std::span<double> rows) const {
    if (mercator_) {
      inverse_hyperbolic_tangents(factor, s.data(), rows.data(), rows.size());
      for (double& row : rows) row = of_ordinate(row);
    } else {
      arcsines(factor, s.data(), rows.data(), rows.size());
      for (double& row : rows) row = of_latitude(row);
    }
  }

 private:
  double of_latitude(double latitude) const { return (0.5 - latitude / kPi) * height_ - 0.5; }
  double of_ordinate(double ordinate) const {
    return std::fabs(ordinate) <= limit_ ? (0.5 - 0.5 * ordinate / limit_) * height_ - 0.5 : kNowhere;
  }

  double height_;
  bool mercator_;
  double limit_;
};

class TransverseMercator final : public RowMap {
 public:
  explicit TransverseMercator(const jobs::TransformSetup& setup)
      : height_(setup.height_px),
        source_width_(setup.source.width_px),
        limit_(std::asinh(std::tan(setup.latitude_limit_deg * kPi / 180))),
        rows_(setup) {
    for (size_t x = 0; x < setup.width_px; ++x) {
      const double across = middle(x, setup.width_px, -kPi, kPi);
      sine_.push_back(std::sin(across));
      cosine_.push_back(std::cos(across));
    }
  }

  void row(size_t y, std::span<double> source_x, std::span<double> source_y) override {
    const double up = middle(y, height_, limit_, -limit_);
    angles_of_points(std::sinh(up), cosine_.data(), source_x.data(), source_x.size());
    for (double& x : source_x) x = (0.5 + x / (2 * kPi)) * source_width_ - 0.5;
    rows_.of_sines(-1 / std::cosh(up), sine_, source_y);
  }
  bool wraps() const override { return true; }

 private:
  double height_, source_width_, limit_;
  SourceRows rows_;
  std::vector<double> sine_, cosine_;  // of each column
};

// Upright maps: a column is a meridian, a row a parallel.
class Upright final : public RowMap {
 public:
  explicit Upright(const jobs::TransformSetup& setup)
      : setup_(setup), limit_(std::asinh(std::tan(setup.latitude_limit_deg * kPi / 180))), rows_(setup) {}

  void row(size_t y, std::span<double> source_x, std::span<double> source_y) override {
    const double sine = setup_.map == jobs::MapKind::kMercator ? std::tanh(middle(y, setup_.height_px, limit_, -limit_))
                                                               : std::sin(middle(y, setup_.height_px, kPi / 2, -kPi / 2));
    const double source_row = rows_.of_sine(sine);
    for (size_t x = 0; x < source_x.size(); ++x) {
      source_x[x] = middle(x, setup_.width_px, 0, setup_.source.width_px) - 0.5;
      source_y[x] = source_row;
    }
  }
  bool wraps() const override { return true; }

 private:
  jobs::TransformSetup setup_;
  double limit_;
  SourceRows rows_;
};

}  // namespace

std::unique_ptr<RowMap> make_projection(const jobs::TransformSetup& setup) {
  if (setup.map == jobs::MapKind::kTransverseMercator) return std::make_unique<TransverseMercator>(setup);
  return std::make_unique<Upright>(setup);
}

}  // namespace pairloom::workerproc
