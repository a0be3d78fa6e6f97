// How cost grows: a power law through measured points, and the name of the complexity that its exponent stands for.
// Runs in: cli.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace pairloom::cli {

struct CostPoint {
  double size = 0, cost = 0;  // both above 0
};

// cost = factor * size ^ exponent
struct PowerLaw {
  double factor = 0, exponent = 0;
  double exponent_error = 0;  // half of the 95 % confidence interval; infinite with two points
  double r_squared = 0;       // 1: all points lie on the line
  double at(double size) const;
};

// Least squares on the logarithms of both. Nothing if there are not two different sizes.
std::optional<PowerLaw> fit_power_law(std::span<const CostPoint> points);

// "linear, O(n)"; or, if the exponent is none of the common ones within its error, "O(n^1.27)".
std::string complexity_of(const PowerLaw& law);

}  // namespace pairloom::cli
