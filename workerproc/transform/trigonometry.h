// The few functions of map projections, for rows of numbers: compiled for vectors of several numbers at a time, with
// the same result on every processor, unlike a libm's. Error below 1e-14 relative to the largest value. Runs in: worker
// only.
#pragma once

#include <cstddef>

namespace pairloom::workerproc {

// out[i] = the angle of the point (x[i], y), -pi to pi, as std::atan2(y, x[i]).
void angles_of_points(double y, const double* x, double* out, size_t count);
// out[i] = asin(factor * s[i]) for |factor * s[i]| <= 1.
void arcsines(double factor, const double* s, double* out, size_t count);
// out[i] = atanh(factor * s[i]); +-infinity (or more than 18) where |factor * s[i]| reaches 1.
void inverse_hyperbolic_tangents(double factor, const double* s, double* out, size_t count);

}  // namespace pairloom::workerproc
