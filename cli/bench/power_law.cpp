#include "cli/bench/power_law.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>

namespace pairloom::cli {
namespace {

// Student's t for a two-sided 95 % interval.
double student_t(size_t degrees_of_freedom) {
  static constexpr double kTable[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
  if (degrees_of_freedom == 0) return std::numeric_limits<double>::infinity();
  if (degrees_of_freedom <= std::size(kTable)) return kTable[degrees_of_freedom - 1];
  return 1.96 + 2.4 / static_cast<double>(degrees_of_freedom);
}

struct Complexity {
  double exponent;
  const char* name;
};
constexpr Complexity kComplexities[] = {{0, "constant, O(1)"},    {0.5, "as the square root, O(n^1/2)"},
                                        {1, "linear, O(n)"},      {1.5, "O(n^3/2)"},
                                        {2, "quadratic, O(n^2)"}, {3, "cubic, O(n^3)"}};
// An exponent is not known better than this from a handful of sizes, whatever the fit says: caches and fixed costs bend
// the line.
constexpr double kLeastError = 0.12, kMostError = 0.2;

}  // namespace

double PowerLaw::at(double size) const {
  return factor * std::pow(size, exponent);
}

std::optional<PowerLaw> fit_power_law(std::span<const CostPoint> points) {
  const auto n = static_cast<double>(points.size());
  double mean_x = 0, mean_y = 0;
  for (const CostPoint& p : points) {
    mean_x += std::log(p.size) / n;
    mean_y += std::log(p.cost) / n;
  }
  double xx = 0, xy = 0, yy = 0;
  for (const CostPoint& p : points) {
    const double x = std::log(p.size) - mean_x, y = std::log(p.cost) - mean_y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  if (points.size() < 2 || xx < 1e-12) return std::nullopt;
  PowerLaw law;
  law.exponent = xy / xx;
  law.factor = std::exp(mean_y - law.exponent * mean_x);
  const double residual = std::max(0.0, yy - law.exponent * xy);
  law.r_squared = yy > 0 ? 1 - residual / yy : 1;
  law.exponent_error = points.size() == 2 ? std::numeric_limits<double>::infinity()
                                          : student_t(points.size() - 2) * std::sqrt(residual / (n - 2) / xx);
  return law;
}

std::string complexity_of(const PowerLaw& law) {
  const auto distance = [&law](const Complexity& c) { return std::abs(c.exponent - law.exponent); };
  const auto* nearest = std::min_element(std::begin(kComplexities), std::end(kComplexities),
                                         [&](const auto& a, const auto& b) { return distance(a) < distance(b); });
  if (distance(*nearest) <= std::clamp(law.exponent_error, kLeastError, kMostError)) return nearest->name;
  return fmt::format("O(n^{:.2f})", law.exponent);
}

}  // namespace pairloom::cli
