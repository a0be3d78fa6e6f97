#include "workerproc/transform/trigonometry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace pairloom::workerproc {
namespace {

constexpr double kError = 1e-14;

std::vector<double> steps(double from, double to, size_t count) {
  std::vector<double> all(count);
  for (size_t i = 0; i < count; ++i)
    all[i] = from + (to - from) * static_cast<double>(i) / static_cast<double>(count - 1);
  return all;
}

TEST(Trigonometry, AnglesOfPointsInAllQuadrantsAndOnTheAxes) {
  auto x = steps(-3, 3, 1001);
  x.insert(x.end(), {0, 1e-300, -1e-300, 1e300, -1e300, 0.41421356237309503, 2.414213562373095});
  std::vector<double> angles(x.size());
  for (const double y : {-1e5, -2.0, -1.0, -1e-12, 1e-300, 1e-9, 0.3, 1.0, 7.0}) {
    angles_of_points(y, x.data(), angles.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) ASSERT_NEAR(angles[i], std::atan2(y, x[i]), kError) << y << " " << x[i];
  }
}

TEST(Trigonometry, ArcsinesUpToBothEnds) {
  const auto s = steps(-1, 1, 20'001);
  std::vector<double> angles(s.size());
  for (const double factor : {1.0, -1.0, 0.25}) {
    arcsines(factor, s.data(), angles.data(), s.size());
    for (size_t i = 0; i < s.size(); ++i) ASSERT_NEAR(angles[i], std::asin(factor * s[i]), kError) << s[i];
  }
}

TEST(Trigonometry, InverseHyperbolicTangentsStayFiniteAtTheEnds) {
  const auto s = steps(-1, 1, 20'001);
  std::vector<double> out(s.size());
  inverse_hyperbolic_tangents(-1, s.data(), out.data(), s.size());
  for (size_t i = 1; i + 1 < s.size(); ++i) ASSERT_NEAR(out[i], std::atanh(-s[i]), kError) << s[i];
  EXPECT_GT(out.front(), 18);
  EXPECT_LT(out.back(), -18);
}

// Vector code and what is left over at a row's end must agree, or a picture's width would change its pixels.
TEST(Trigonometry, IsTheSameAtEveryPlaceOfARow) {
  const auto x = steps(-0.9, 0.9, 37);
  std::vector<double> whole(x.size()), alone(1);
  for (const auto function : {angles_of_points, arcsines, inverse_hyperbolic_tangents}) {
    function(0.7, x.data(), whole.data(), x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      function(0.7, &x[i], alone.data(), 1);
      ASSERT_EQ(alone[0], whole[i]) << x[i];
    }
  }
}

}  // namespace
}  // namespace pairloom::workerproc
