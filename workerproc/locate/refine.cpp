#include "workerproc/locate/refine.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pairloom::workerproc {
namespace {

// A centre of mass nearer to the middle than this, in both directions, is centred.
constexpr double kShiftThresholdPx = 0.6;

// One step towards the centre of mass if it is far off, and never so far that the disk would leave the frame.
uint32_t moved(uint32_t at, double off_centre, uint32_t radius, uint32_t length) {
  if (off_centre > kShiftThresholdPx) ++at;
  if (off_centre < -kShiftThresholdPx) --at;
  return std::clamp(at, radius, length - 1 - radius);
}

// Centre of mass, from the middle of the disk. Divided as a distance from the disk's corner, as trackpy does it: with a
// remainder of exactly 0.6 the rounding decides whether the disk moves.
double off_centre(int64_t moment, uint64_t mass, uint32_t radius) {
  if (mass == 0) return 0;  // possible only when the disk has moved off its maximum
  const auto from_corner = static_cast<double>(moment + static_cast<int64_t>(mass * radius));
  return from_corner / static_cast<double>(mass) - radius;
}

}  // namespace

Refiner::Refiner(const Disk& disk, uint32_t max_iterations, bool characterize)
    : disk_(disk), max_iterations_(max_iterations), characterize_(characterize) {
  for (int dy = -disk.radius_px(); dy <= disk.radius_px(); ++dy)
    for (int dx = -disk.half_width(dy); dx <= disk.half_width(dy); ++dx) {
      const double angle = std::atan2(dy, dx);
      cosines_.push_back(std::cos(2 * angle));
      sines_.push_back(std::sin(2 * angle));
    }
}

template <class Sample>
Refiner::Moments Refiner::moments(const Frame<Sample>& image, PixelAt middle) const {
  Moments sums;
  const int radius = disk_.radius_px();
  const Sample* row = image.row(middle.y - static_cast<uint32_t>(radius)) + middle.x;
  for (int dy = -radius; dy <= radius; ++dy, row += image.width_px) {
    const int half = disk_.half_width(dy);
    uint32_t mass = 0;
    int32_t x = 0;  // at most 127 * 128 * 65535
    for (int dx = -half; dx <= half; ++dx) {
      mass += row[dx];
      x += row[dx] * dx;
    }
    sums.mass += mass;
    sums.x += x;
    sums.y += int64_t{mass} * dy;
  }
  return sums;
}

// Radius of gyration, eccentricity, greatest brightness and raw mass of the disk around `middle`; particle.mass is set.
template <class Sample>
void Refiner::characterize(const Frame<Sample>& raw, const Frame<Sample>& image, PixelAt middle,
                           jobs::Particle& particle) const {
  const int radius = disk_.radius_px();
  const size_t first = size_t{middle.y - static_cast<uint32_t>(radius)} * image.width_px + middle.x;
  const Sample *row = image.pixels + first, *raw_row = raw.pixels + first;
  const double *cosine = cosines_.data(), *sine = sines_.data();
  uint64_t raw_mass = 0, second_moment = 0;
  Sample brightest = 0;
  double along = 0, across = 0;
  for (int dy = -radius; dy <= radius; ++dy, row += image.width_px, raw_row += raw.width_px) {
    const int half = disk_.half_width(dy);
    uint64_t mass = 0, x_squared = 0;
    double row_along = 0, row_across = 0;
    for (int dx = -half; dx <= half; ++dx) {
      const Sample value = row[dx];
      mass += value;
      x_squared += value * static_cast<uint64_t>(dx * dx);
      raw_mass += raw_row[dx];
      brightest = std::max(brightest, value);
      row_along += value * *cosine++;
      row_across += value * *sine++;
    }
    second_moment += x_squared + mass * static_cast<uint64_t>(dy * dy);
    along += row_along;
    across += row_across;
  }
  const double centre = image.row(middle.y)[middle.x];
  particle.size = std::sqrt(static_cast<double>(second_moment) / particle.mass);
  particle.ecc = std::sqrt(along * along + across * across) / (particle.mass - centre + 1e-6);
  particle.signal = brightest;
  particle.raw_mass = static_cast<double>(raw_mass);
}

template <class Sample>
void Refiner::refine(const Frame<Sample>& raw, const Frame<Sample>& image, std::span<const PixelAt> maxima,
                     std::vector<jobs::Particle>& particles) const {
  const auto radius = static_cast<uint32_t>(disk_.radius_px());
  particles.clear();
  for (const PixelAt& maximum : maxima) {
    jobs::Particle particle;
    PixelAt middle = maximum, next = maximum;
    for (uint32_t i = 0; i < max_iterations_; ++i) {
      middle = next;
      const Moments sums = moments(image, middle);
      const double off_y = off_centre(sums.y, sums.mass, radius), off_x = off_centre(sums.x, sums.mass, radius);
      particle.y = off_y + middle.y;
      particle.x = off_x + middle.x;
      particle.mass = static_cast<double>(sums.mass);
      if (std::abs(off_y) < kShiftThresholdPx && std::abs(off_x) < kShiftThresholdPx) break;
      next = {moved(middle.y, off_y, radius, image.height_px), moved(middle.x, off_x, radius, image.width_px)};
    }
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    particle.size = particle.ecc = particle.signal = particle.raw_mass = particle.ep = kNone;
    if (characterize_) characterize(raw, image, middle, particle);
    particles.push_back(particle);
  }
}

template void Refiner::refine(const Frame<uint8_t>&, const Frame<uint8_t>&, std::span<const PixelAt>,
                              std::vector<jobs::Particle>&) const;
template void Refiner::refine(const Frame<uint16_t>&, const Frame<uint16_t>&, std::span<const PixelAt>,
                              std::vector<jobs::Particle>&) const;

}  // namespace pairloom::workerproc
