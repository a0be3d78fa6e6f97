#include "workerproc/locate/local_maxima.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// values[i] = the greater of itself and values[i + distance]. The later one is read before it is changed, also by
// vectors.
template <class Sample>
inline __attribute__((always_inline)) void raise(Sample* values, size_t distance, size_t count) {
#pragma GCC ivdep
  for (size_t i = 0; i < count; ++i) values[i] = values[i] > values[i + distance] ? values[i] : values[i + distance];
}
PAIRLOOM_CLONES void raise_to_later(uint8_t* values, size_t distance, size_t count) {
  raise(values, distance, count);
}
PAIRLOOM_CLONES void raise_to_later(uint16_t* values, size_t distance, size_t count) {
  raise(values, distance, count);
}

// 1 where a pixel is the greatest around it and at least `least`, else 0.
template <class Sample>
inline __attribute__((always_inline)) void mark(const Sample* image, const Sample* greatest, Sample least,
                                                uint8_t* marks, size_t count) {
  for (size_t i = 0; i < count; ++i) marks[i] = image[i] == greatest[i] && image[i] >= least ? 1 : 0;
}
PAIRLOOM_CLONES void mark_maxima(const uint8_t* image, const uint8_t* greatest, uint8_t least, uint8_t* marks,
                                 size_t count) {
  mark(image, greatest, least, marks, count);
}
PAIRLOOM_CLONES void mark_maxima(const uint16_t* image, const uint16_t* greatest, uint16_t least, uint8_t* marks,
                                 size_t count) {
  mark(image, greatest, least, marks, count);
}

// Turns values[i] into the greatest of the `window` values from it on, `step` apart, for i < count; as many more are
// readable and changed as that needs. Doubling: the greatest of 2, 4, 8 .. values, and at last of two runs that
// overlap.
template <class Sample>
void slide_maximum(Sample* values, size_t count, size_t window, size_t step) {
  size_t covered = 1;
  for (; 2 * covered <= window; covered *= 2)
    raise_to_later(values, covered * step, count + (window - 2 * covered) * step);
  if (covered < window) raise_to_later(values, (window - covered) * step, count);
}

}  // namespace

double percentile_of(const std::vector<uint32_t>& histogram, double percentile) {
  uint64_t count = 0;
  for (size_t value = 1; value < histogram.size(); ++value) count += histogram[value];
  if (count == 0) return -1;
  const double at = static_cast<double>(count - 1) * (percentile / 100);
  const double below = std::floor(at), part = at - below;
  // The values at `below` and behind it, in sorted order.
  const auto value_at = [&](uint64_t rank) {
    uint64_t seen = 0;
    size_t value = 0;
    while (seen <= rank) seen += histogram[++value];
    return static_cast<double>(value);
  };
  const auto rank = std::min(static_cast<uint64_t>(below), count - 1);
  const double low = value_at(rank), high = value_at(std::min(rank + 1, count - 1));
  return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
}

template <class Sample>
LocalMaxima<Sample>::LocalMaxima(double separation_px, double percentile, uint32_t margin_px)
    : percentile_(percentile),
      margin_px_(margin_px),
      window_px_(std::max(1u, static_cast<uint32_t>(2 * separation_px / std::sqrt(2.0)))) {}

template <class Sample>
void LocalMaxima<Sample>::give_memory_back() {
  std::vector<Sample>().swap(dilated_);
}

template <class Sample>
void LocalMaxima<Sample>::count_values(const Frame<Sample>& image) {
  // Neighbours are often equal, and a counter that was just changed is slow to change again: bytes have four of each.
  constexpr size_t kSets = sizeof(Sample) == 1 ? 4 : 1, kValues = size_t{std::numeric_limits<Sample>::max()} + 1;
  histogram_.assign(kSets * kValues, 0u);
  const Sample* pixel = image.pixels;
  size_t left = image.pixel_count();
  // Most of the pixels of a frame are 0, which are not asked for: eight bytes at a time.
  constexpr size_t kStride = sizeof(uint64_t) / sizeof(Sample);
  for (; left >= kStride; left -= kStride, pixel += kStride) {
    uint64_t word = 0;
    std::memcpy(&word, pixel, sizeof word);
    if (word == 0) continue;
    for (size_t i = 0; i < kStride; ++i) ++histogram_[i % kSets * kValues + pixel[i]];
  }
  for (size_t i = 0; i < left; ++i) ++histogram_[pixel[i]];
  for (size_t i = kValues; i < histogram_.size(); ++i) histogram_[i % kValues] += histogram_[i];
  histogram_.resize(kValues);
}

// Fills dilated_ with the greatest value of the window of each pixel. The window reaches (w - 1) / 2 pixels up and left
// and w / 2 down and right, as scipy's grey_dilation places one of even size; beyond the frame all is 0.
template <class Sample>
void LocalMaxima<Sample>::dilate(const Frame<Sample>& image) {
  const size_t width = image.width_px, height = image.height_px, before = (window_px_ - 1) / 2;
  line_.resize(width + window_px_ - 1);
  dilated_.resize((height + window_px_ - 1) * width);
  std::fill_n(dilated_.begin(), before * width, Sample{0});
  std::fill(dilated_.begin() + static_cast<ptrdiff_t>((before + height) * width), dilated_.end(), Sample{0});
  for (uint32_t y = 0; y < height; ++y) {
    std::fill(line_.begin(), line_.end(), Sample{0});
    std::copy_n(image.row(y), width, line_.begin() + static_cast<ptrdiff_t>(before));
    slide_maximum(line_.data(), width, window_px_, 1);
    std::copy_n(line_.begin(), width, dilated_.begin() + static_cast<ptrdiff_t>((before + y) * width));
  }
  slide_maximum(dilated_.data(), height * width, window_px_, width);
}

template <class Sample>
void LocalMaxima<Sample>::find(const Frame<Sample>& image, std::vector<PixelAt>& maxima) {
  maxima.clear();
  if (image.width_px <= 2 * margin_px_ || image.height_px <= 2 * margin_px_) return;
  count_values(image);
  const double threshold = percentile_of(histogram_, percentile_);
  if (threshold < 0 || threshold >= std::numeric_limits<Sample>::max()) return;
  const auto least = static_cast<Sample>(std::floor(threshold) + 1);
  dilate(image);

  const uint32_t columns = image.width_px - 2 * margin_px_;
  is_maximum_.assign((columns + 7) / 8 * 8, 0);
  for (uint32_t y = margin_px_; y < image.height_px - margin_px_; ++y) {
    const Sample* greatest = dilated_.data() + size_t{y} * image.width_px + margin_px_;
    mark_maxima(image.row(y) + margin_px_, greatest, least, is_maximum_.data(), columns);
    for (uint32_t x = 0; x < columns; x += 8) {
      uint64_t word = 0;
      std::memcpy(&word, &is_maximum_[x], sizeof word);
      if (word == 0) continue;
      for (uint32_t i = x; i < std::min(x + 8, columns); ++i)
        if (is_maximum_[i] != 0) maxima.push_back({y, margin_px_ + i});
    }
  }
}

template class LocalMaxima<uint8_t>;
template class LocalMaxima<uint16_t>;

}  // namespace pairloom::workerproc
