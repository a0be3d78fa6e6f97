#include "workerproc/extract/band.h"

#include <algorithm>

namespace pairloom::workerproc {
namespace {

constexpr size_t kCacheBytes = 16u << 20;

// Original pixels, both ends included.
struct Range {
  int64_t low, high;
};

// What the reference's box filter averages at position `at`: `window` pixels, cut off at the ends.
Range box(int64_t at, int64_t window, int64_t length) {
  const int64_t half = (window + 2) / 2;
  return {std::max<int64_t>(0, at + half - window), std::min<int64_t>(length - 1, at + half - 1)};
}

// The weights of the original pixels from `range.low` on in one output: a box of boxes, by a difference array.
void original_weights(int64_t centre, int64_t window, int64_t length, Range& range, std::vector<double>& weights) {
  const Range outer = box(centre, window, length);
  range = {box(outer.low, window, length).low, box(outer.high, window, length).high};
  weights.assign(static_cast<size_t>(range.high - range.low + 2), 0.0);
  for (int64_t m = outer.low; m <= outer.high; ++m) {
    const Range inner = box(m, window, length);
    const double weight = 1.0 / static_cast<double>((outer.high - outer.low + 1) * (inner.high - inner.low + 1));
    weights[static_cast<size_t>(inner.low - range.low)] += weight;
    weights[static_cast<size_t>(inner.high + 1 - range.low)] -= weight;
  }
  for (size_t i = 1; i < weights.size(); ++i) weights[i] += weights[i - 1];
  weights.pop_back();
}

}  // namespace

Band make_band(const Axis& axis) {
  const int64_t length = axis.full_px, window = (length + 127) / 128;
  Band band;
  std::array<std::vector<double>, kPdqSide> decoded;
  std::vector<double> original;
  for (size_t entry = 0; entry < kPdqSide; ++entry) {
    const size_t output = axis.mirrored ? kPdqSide - 1 - entry : entry;
    const auto centre =
        static_cast<int64_t>((static_cast<double>(output) + 0.5) * static_cast<double>(length) / kPdqSide);
    Range range;
    original_weights(centre, window, length, range, original);
    const auto stored = [&](int64_t shown) { return axis.mirrored ? length - 1 - shown : shown; };
    const int64_t first = std::min(stored(range.low), stored(range.high)) / axis.reduction;
    const int64_t last = std::max(stored(range.low), stored(range.high)) / axis.reduction;
    decoded[entry].assign(static_cast<size_t>(last - first + 1), 0.0);
    for (int64_t p = range.low; p <= range.high; ++p)
      decoded[entry][static_cast<size_t>(stored(p) / axis.reduction - first)] +=
          original[static_cast<size_t>(p - range.low)];
    band.first[entry] = static_cast<uint32_t>(first);
    band.count[entry] = static_cast<uint32_t>(decoded[entry].size());
    band.groups = std::max(band.groups, (decoded[entry].size() + kBandLanes - 1) / kBandLanes);
  }
  band.weights.resize(kPdqSide * band.groups * kBandLanes);
  for (size_t entry = 0; entry < kPdqSide; ++entry)
    std::ranges::transform(decoded[entry], &band.weights[entry * band.groups * kBandLanes],
                           [](double weight) { return static_cast<float>(weight); });
  for (size_t entry = 0, open = 0; entry < kPdqSide;
       ++entry) {  // entries open..entry reach into the first pixel of `entry`
    while (band.first[open] + band.count[open] <= band.first[entry]) ++open;
    band.most_open = std::max(band.most_open, entry - open + 1);
  }
  return band;
}

const Band& BandCache::get(const Axis& axis) {
  const uint64_t key = uint64_t{axis.full_px} << 8 | uint64_t{axis.reduction} << 1 | uint64_t{axis.mirrored};
  const auto found = bands_.find(key);
  if (found != bands_.end()) return found->second;
  const Band& band = bands_.emplace(key, make_band(axis)).first->second;
  bytes_ += sizeof band + band.weights.size() * sizeof(float);
  return band;
}

void BandCache::trim() {
  if (bytes_ <= kCacheBytes) return;
  bands_.clear();
  bytes_ = 0;
}

}  // namespace pairloom::workerproc
