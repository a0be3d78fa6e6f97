#include "cli/bench/power_law.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace pairloom::cli {
namespace {

std::vector<CostPoint> points_of(double factor, double exponent, std::vector<double> noise = {}) {
  std::vector<CostPoint> points;
  for (const double size : {1e4, 4e4, 1.6e5, 6.4e5, 2.56e6}) {
    const double bend = noise.empty() ? 1 : noise[points.size()];
    points.push_back({size, factor * std::pow(size, exponent) * bend});
  }
  return points;
}

TEST(PowerLaw, FindsTheExponentThePointsWereMadeWith) {
  for (const double exponent : {0.0, 0.5, 1.0, 1.27, 2.0}) {
    const auto law = fit_power_law(points_of(3e-8, exponent));
    ASSERT_TRUE(law);
    EXPECT_NEAR(law->exponent, exponent, 1e-9);
    EXPECT_NEAR(law->factor, 3e-8, 1e-15);
    EXPECT_NEAR(law->exponent_error, 0, 1e-6);
    EXPECT_NEAR(law->at(1e5), 3e-8 * std::pow(1e5, exponent), 1e-12 * std::pow(1e5, exponent));
  }
  EXPECT_NEAR(fit_power_law(points_of(1, 1))->r_squared, 1, 1e-12);
}

TEST(PowerLaw, ErrorGrowsWithTheScatterAndHoldsTheTruth) {
  const auto quiet = fit_power_law(points_of(1, 1, {1.01, 0.99, 1.01, 0.99, 1.01}));
  const auto loud = fit_power_law(points_of(1, 1, {1.3, 0.8, 1.2, 0.7, 1.3}));
  EXPECT_LT(quiet->exponent_error, loud->exponent_error);
  EXPECT_GT(quiet->r_squared, loud->r_squared);
  EXPECT_NEAR(quiet->exponent, 1, quiet->exponent_error);
  EXPECT_NEAR(loud->exponent, 1, loud->exponent_error);
}

// By hand: x = ln 1, ln e, ln e^2; y = 0, 1, 3. Slope 3/2, residuals 1/6, -1/3, 1/6, t(1) = 12.706.
TEST(PowerLaw, ThreePointsByHand) {
  const std::vector<CostPoint> points = {{1, 1}, {M_E, M_E}, {M_E * M_E, M_E * M_E * M_E}};
  const auto law = fit_power_law(points);
  EXPECT_NEAR(law->exponent, 1.5, 1e-12);
  EXPECT_NEAR(law->exponent_error, 12.706 * std::sqrt((1.0 / 6) / 1 / 2), 1e-9);
}

TEST(PowerLaw, NeedsTwoDifferentSizes) {
  EXPECT_FALSE(fit_power_law({}));
  EXPECT_FALSE(fit_power_law(std::vector<CostPoint>{{10, 1}}));
  EXPECT_FALSE(fit_power_law(std::vector<CostPoint>{{10, 1}, {10, 2}}));
  const auto two = fit_power_law(std::vector<CostPoint>{{10, 1}, {1000, 100}});
  ASSERT_TRUE(two);
  EXPECT_NEAR(two->exponent, 1, 1e-12);
  EXPECT_TRUE(std::isinf(two->exponent_error));
}

TEST(Complexity, NamesTheCommonOnes) {
  const auto name = [](double exponent, double error) { return complexity_of({1, exponent, error, 1}); };
  EXPECT_EQ(name(0.05, 0.01), "constant, O(1)");
  EXPECT_EQ(name(1.02, 0.05), "linear, O(n)");
  EXPECT_EQ(name(0.91, 0.01), "linear, O(n)");
  EXPECT_EQ(name(1.95, 0.1), "quadratic, O(n^2)");
  EXPECT_EQ(name(1.27, 0.02), "O(n^1.27)");
  EXPECT_EQ(name(1.18, 0.3), "linear, O(n)") << "a wide error leaves it possible";
  EXPECT_EQ(name(1.25, 5.0), "O(n^1.25)") << "but not everything";
}

}  // namespace
}  // namespace pairloom::cli
