#include "workerproc/locate/background.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

constexpr uint8_t kFar = 255;           // more than any radius (jobs::kMaxDiameterPx / 2)
constexpr size_t kSumBlock = 1u << 14;  // so many samples have a sum within 32 bits, and bytes a sum of squares

PAIRLOOM_CLONES void mark_bright(const uint8_t* image, uint8_t* distances, size_t count) {
  for (size_t i = 0; i < count; ++i) distances[i] = image[i] != 0 ? 0 : kFar;
}
PAIRLOOM_CLONES void mark_bright(const uint16_t* image, uint8_t* distances, size_t count) {
  for (size_t i = 0; i < count; ++i) distances[i] = image[i] != 0 ? 0 : kFar;
}

// out[i] = least of in[i], in[i - step] + step, in[i + step] + step, without passing kFar.
PAIRLOOM_CLONES void spread(const uint8_t* in, uint8_t* __restrict out, uint8_t step, size_t count) {
  const uint8_t *left = in - step, *right = in + step;
  const auto last = static_cast<uint8_t>(kFar - step);
  for (size_t i = 0; i < count; ++i) {
    const uint8_t least = left[i] < right[i] ? left[i] : right[i];
    const auto far = static_cast<uint8_t>(least < last ? least + step : kFar);
    out[i] = in[i] < far ? in[i] : far;
  }
}

PAIRLOOM_CLONES void cover(const uint8_t* distances, uint8_t reach, uint8_t* __restrict covered, size_t count) {
  for (size_t i = 0; i < count; ++i) covered[i] = static_cast<uint8_t>(covered[i] | (distances[i] <= reach ? 1 : 0));
}

struct Sums {
  uint32_t count = 0, sum = 0;
  uint64_t squares = 0;
};
// Over the pixels that are not covered; at most kSumBlock.
template <class Sample>
inline __attribute__((always_inline)) Sums sum_uncovered(const Sample* raw, const uint8_t* covered, size_t count) {
  uint32_t n = 0, sum = 0;
  std::conditional_t<sizeof(Sample) == 1, uint32_t, uint64_t> squares = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto uncovered = static_cast<Sample>(covered[i] - 1);  // all bits, or none
    const uint32_t value = static_cast<Sample>(raw[i] & uncovered);
    n += uncovered & 1u;
    sum += value;
    squares += value * value;  // below 2^32
  }
  return {n, sum, squares};
}
PAIRLOOM_CLONES Sums sums_of(const uint8_t* raw, const uint8_t* covered, size_t count) {
  return sum_uncovered(raw, covered, count);
}
PAIRLOOM_CLONES Sums sums_of(const uint16_t* raw, const uint8_t* covered, size_t count) {
  return sum_uncovered(raw, covered, count);
}

BackgroundLevel level_of(uint64_t count, uint64_t sum, uint64_t squares) {
  constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
  if (count == 0) return {kUnknown, kUnknown};
  const double n = static_cast<double>(count), mean = static_cast<double>(sum) / n;
  if (count == 1) return {mean, kUnknown};
  // n * squares - sum * sum is exact, where a difference of doubles would lose the small scatter of a bright ground.
  __extension__ using Wide = unsigned __int128;
  const double scatter = static_cast<double>(Wide{count} * squares - Wide{sum} * sum);
  return {mean, std::sqrt(scatter) / n};
}

}  // namespace

void Background::give_memory_back() {
  std::vector<uint8_t>().swap(distances_);
}

template <class Sample>
BackgroundLevel Background::measure(const Frame<Sample>& raw, const Frame<Sample>& image) {
  const size_t width = image.width_px, height = image.height_px, pad = kFar;
  const int radius = disk_.radius_px();
  distances_.resize(width * height);
  // Steps of 1, 2, 4 .. spread distances up to their sum; each step reads what lies beside the row.
  std::vector<uint8_t>& line = line_;
  line.assign(2 * (width + 2 * pad), kFar);
  for (uint32_t y = 0; y < height; ++y) {
    uint8_t *in = line.data() + pad, *out = in + width + 2 * pad;
    mark_bright(image.row(y), in, width);
    for (int step = 1, reached = 0; reached < radius; reached += step, step *= 2, std::swap(in, out))
      spread(in, out, static_cast<uint8_t>(step), width);
    std::copy_n(in, width, distances_.begin() + static_cast<ptrdiff_t>(y * width));
  }

  uint64_t count = 0, sum = 0, squares = 0;
  for (int64_t y = 0; y < static_cast<int64_t>(height); ++y) {
    covered_.assign(width, 0);
    for (int dy = -radius; dy <= radius; ++dy) {
      if (y + dy < 0 || y + dy >= static_cast<int64_t>(height)) continue;
      cover(&distances_[static_cast<size_t>(y + dy) * width], static_cast<uint8_t>(disk_.half_width(dy)),
            covered_.data(), width);
    }
    const Sample* row = raw.row(static_cast<uint32_t>(y));
    for (size_t x = 0; x < width; x += kSumBlock) {
      const Sums sums = sums_of(row + x, &covered_[x], std::min(kSumBlock, width - x));
      count += sums.count;
      sum += sums.sum;
      squares += sums.squares;
    }
  }
  return level_of(count, sum, squares);
}

template BackgroundLevel Background::measure(const Frame<uint8_t>&, const Frame<uint8_t>&);
template BackgroundLevel Background::measure(const Frame<uint16_t>&, const Frame<uint16_t>&);

}  // namespace pairloom::workerproc
