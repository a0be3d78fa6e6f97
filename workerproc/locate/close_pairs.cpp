#include "workerproc/locate/close_pairs.h"

#include <algorithm>

namespace pairloom::workerproc {
namespace {

constexpr uint32_t kNone = UINT32_MAX;
constexpr double kLeastCellPx = 8;

uint32_t cell_of(double at, double cell_px, uint32_t cells) {
  return std::min(static_cast<uint32_t>(std::max(at, 0.0) / cell_px), cells - 1);
}

}  // namespace

bool ClosePairs::are_close(const jobs::Particle& a, const jobs::Particle& b) const {
  const double y = a.y / separation_px_ - b.y / separation_px_, x = a.x / separation_px_ - b.x / separation_px_;
  constexpr double kLimit = 1 - 1e-7;  // exactly `separation_px` apart is far enough
  return y * y + x * x <= kLimit * kLimit;
}

void ClosePairs::compare(const std::vector<jobs::Particle>& particles, uint32_t i, uint32_t first) {
  const jobs::Particle& a = particles[i];
  for (uint32_t j = first; j != kNone; j = next_in_cell_[j]) {
    if (j <= i || !are_close(a, particles[j])) continue;
    const jobs::Particle& b = particles[j];
    const double corner_a = a.y / separation_px_ + a.x / separation_px_,
                 corner_b = b.y / separation_px_ + b.x / separation_px_;
    const bool first_stays = a.mass != b.mass ? a.mass > b.mass : corner_a > corner_b;
    goes_[first_stays ? j : i] = 1;
  }
}

void ClosePairs::drop_lighter(std::vector<jobs::Particle>& particles, uint32_t width_px, uint32_t height_px) {
  if (separation_px_ <= 0 || particles.size() < 2) return;
  const double cell_px = std::max(separation_px_, kLeastCellPx);
  const auto across = static_cast<uint32_t>(width_px / cell_px) + 1,
             down = static_cast<uint32_t>(height_px / cell_px) + 1;
  const auto count = static_cast<uint32_t>(particles.size());
  first_in_cell_.assign(size_t{across} * down, kNone);
  next_in_cell_.resize(count);
  goes_.assign(count, 0);
  for (uint32_t i = 0; i < count; ++i) {
    const size_t cell =
        size_t{cell_of(particles[i].y, cell_px, down)} * across + cell_of(particles[i].x, cell_px, across);
    next_in_cell_[i] = first_in_cell_[cell];
    first_in_cell_[cell] = i;
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t y = cell_of(particles[i].y, cell_px, down), x = cell_of(particles[i].x, cell_px, across);
    for (uint32_t row = y - (y > 0); row <= std::min(y + 1, down - 1); ++row)
      for (uint32_t column = x - (x > 0); column <= std::min(x + 1, across - 1); ++column)
        compare(particles, i, first_in_cell_[size_t{row} * across + column]);
  }
  size_t kept = 0;
  for (size_t i = 0; i < particles.size(); ++i)
    if (goes_[i] == 0) particles[kept++] = particles[i];
  particles.resize(kept);
}

}  // namespace pairloom::workerproc
