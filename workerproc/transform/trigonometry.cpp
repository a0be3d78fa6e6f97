#include "workerproc/transform/trigonometry.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// Free of branches and calls, so that loops around them become vector code. The rational functions are those of Cephes
// (S. Moshier, "Methods and Programs for Mathematical Functions", 1989; netlib.org/cephes, atan.c and log.c).

// atan(n / d) for n, d >= 0, not both 0: 0 to pi/2.
inline double quadrant_angle(double n, double d) {
  constexpr double kTanPi8 = 0.41421356237309504880;
  const bool steep = n > d;
  const double smaller = steep ? d : n, larger = steep ? n : d;
  // Beyond pi/8: atan(t) = pi/4 + atan((t - 1) / (t + 1)).
  const bool reduce = smaller > kTanPi8 * larger;
  const double t = (reduce ? smaller - larger : smaller) / (reduce ? smaller + larger : larger);
  const double z = t * t;
  const double p = (((-8.750608600031904122785e-1 * z - 1.615753718733365076637e1) * z - 7.500855792314704667340e1) * z -
                    1.228866684490136173410e2) *
                       z -
                   6.485021904942025371773e1;
  const double q = ((((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z +
                     4.328810604912902668951e2) *
                        z +
                    4.853903996359136964868e2) *
                       z +
                   1.945506571482613964425e2;
  const double angle = t + t * z * (p / q) + (reduce ? std::numbers::pi / 4 : 0.0);
  return steep ? std::numbers::pi / 2 - angle : angle;
}

inline double with_sign(double magnitude, double sign) {
  return sign < 0 ? -magnitude : magnitude;
}

// log(x) for normal x > 0.
inline double logarithm(double x) {
  constexpr uint64_t kMantissa = (uint64_t{1} << 52) - 1, kOne = uint64_t{1023} << 52;
  constexpr uint64_t kTwo52 = uint64_t{1075} << 52;  // the bits of 2^52: a small integer in its mantissa is a double
  const auto bits = std::bit_cast<uint64_t>(x);
  double e = std::bit_cast<double>(bits >> 52 | kTwo52) - (0x1p52 + 1023);
  double m = std::bit_cast<double>((bits & kMantissa) | kOne);  // 1 to 2
  const bool large = m > std::numbers::sqrt2;
  m = large ? m * 0.5 : m;
  e = large ? e + 1 : e;
  const double f = m - 1, z = f * f;
  const double p = ((((1.01875663804580931796e-4 * f + 4.97494994976747001425e-1) * f + 4.70579119878881725854) * f +
                     1.44989225341610930846e1) *
                        f +
                    1.79368678507819816313e1) *
                       f +
                   7.70838733755885391666;
  const double q = ((((f + 1.12873587189167450590e1) * f + 4.52279145837532221105e1) * f + 8.29875266912776603211e1) *
                        f +
                    7.11544750618563894466e1) *
                       f +
                   2.31251620126765340583e1;
  return f * (z * p / q) - 0.5 * z + f + e * std::numbers::ln2;
}

}  // namespace

PAIRLOOM_CLONES void angles_of_points(double y, const double* __restrict x, double* __restrict out, size_t count) {
  const double height = std::fabs(y);
  for (size_t i = 0; i < count; ++i) {
    const double angle = quadrant_angle(height, std::fabs(x[i]));
    out[i] = with_sign(x[i] < 0 ? std::numbers::pi - angle : angle, y);
  }
}

PAIRLOOM_CLONES void arcsines(double factor, const double* __restrict s, double* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const double v = factor * s[i], size = std::fabs(v);
    const double cosine_squared = (1 - size) * (1 + size);
    out[i] = with_sign(quadrant_angle(size, std::sqrt(cosine_squared < 0 ? 0.0 : cosine_squared)), v);
  }
}

PAIRLOOM_CLONES void inverse_hyperbolic_tangents(double factor, const double* __restrict s, double* __restrict out,
                                                 size_t count) {
  constexpr double kLeast = 0x1p-53;  // keeps the quotient finite where |v| is 1
  for (size_t i = 0; i < count; ++i) {
    const double v = factor * s[i], size = std::fabs(v), rest = 1 - size;
    out[i] = with_sign(0.5 * logarithm((1 + size) / (rest < kLeast ? kLeast : rest)), v);
  }
}

}  // namespace pairloom::workerproc
