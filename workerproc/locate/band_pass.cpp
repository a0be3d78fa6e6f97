#include "workerproc/locate/band_pass.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// Row loops work on blocks of so many pixels, whose sums stay in registers.
constexpr size_t kBlock = 16;

// Calls work(x, kBlock as a constant) for whole blocks and work(x, 1) for what is left.
template <class Work>
inline __attribute__((always_inline)) void by_blocks(size_t width, Work work) {
  size_t x = 0;
  for (; x + kBlock <= width; x += kBlock) work(x, std::integral_constant<size_t, kBlock>());
  for (; x < width; ++x) work(x, std::integral_constant<size_t, 1>());
}

// out[x] = sum over j of rows[j][x] * kernel[j]; the kernel is symmetric about `reach`. Summed as scipy's correlate1d
// does: the middle first, then pairs from the outside in.
template <class Sample>
inline __attribute__((always_inline)) void weigh_rows(const Sample* const* rows, const double* kernel, size_t reach,
                                                      double* out, size_t width) {
  by_blocks(width, [=](size_t x, auto block) {
    double sum[block()];
    for (size_t i = 0; i < block(); ++i) sum[i] = rows[reach][x + i] * kernel[reach];
    for (size_t j = 0; j < reach; ++j) {
      const Sample *above = rows[j] + x, *below = rows[2 * reach - j] + x;
      for (size_t i = 0; i < block(); ++i) sum[i] += static_cast<double>(int{above[i]} + int{below[i]}) * kernel[j];
    }
    for (size_t i = 0; i < block(); ++i) out[x + i] = sum[i];
  });
}

// The same along a row: in[x .. x + 2 * reach] lie under the kernel of pixel x. Then subtracts the background and cuts
// at the threshold. Raises peaks[kBlock] to what it meets.
template <class Sample>
inline __attribute__((always_inline)) void weigh_columns(const double* in, const double* kernel, size_t reach,
                                                         const Sample* background, double threshold, double* out,
                                                         double* peaks, size_t width) {
  by_blocks(width, [=](size_t x, auto block) {
    double sum[block()];
    for (size_t i = 0; i < block(); ++i) sum[i] = in[x + reach + i] * kernel[reach];
    for (size_t j = 0; j < reach; ++j) {
      const double *left = in + x + j, *right = in + x + 2 * reach - j;
      for (size_t i = 0; i < block(); ++i) sum[i] += (left[i] + right[i]) * kernel[j];
    }
    for (size_t i = 0; i < block(); ++i) {
      const double above = sum[i] - background[x + i];
      const double kept = above >= threshold ? above : 0.0;
      out[x + i] = kept;
      peaks[i] = peaks[i] > kept ? peaks[i] : kept;
    }
  });
}

// Whole-number division of a sum of samples by the size of the mean, by way of (sum + 1/2) / size: that is at least
// 1/2 size away from any whole number, much more than float (8-bit samples, sums below 2^21) or double lose on the way.
template <class Sample>
using Quotient = std::conditional_t<sizeof(Sample) == 1, float, double>;
template <class Sample>
inline Sample quotient(int32_t sum, Quotient<Sample> reciprocal) {
  return static_cast<Sample>(static_cast<int32_t>((static_cast<Quotient<Sample>>(sum) + Quotient<Sample>(0.5)) * reciprocal));
}

// Moves the window of the column sums down by a row and writes the columns' means.
template <class Sample>
inline __attribute__((always_inline)) void slide_columns(const Sample* __restrict entering,
                                                         const Sample* __restrict leaving, int32_t* __restrict sums,
                                                         double size, Sample* __restrict means, size_t width) {
  const auto reciprocal = static_cast<Quotient<Sample>>(1 / size);
  for (size_t x = 0; x < width; ++x) {
    const int32_t sum = sums[x] + entering[x] - leaving[x];
    sums[x] = sum;
    means[x] = quotient<Sample>(sum, reciprocal);
  }
}

template <class Sample>
inline __attribute__((always_inline)) void mean_of_window(const uint32_t* running_sums, size_t size, Sample* __restrict means,
                                                          size_t width) {
  const auto reciprocal = static_cast<Quotient<Sample>>(1 / static_cast<double>(size));
  for (size_t x = 0; x < width; ++x)  // running sums may have wrapped around; their difference has not
    means[x] = quotient<Sample>(static_cast<int32_t>(running_sums[x + size] - running_sums[x]), reciprocal);
}

template <class Sample>
inline __attribute__((always_inline)) void stretch(const double* __restrict in, double factor, Sample* __restrict out,
                                                   size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<Sample>(static_cast<int32_t>(in[i] * factor));
}

// One of each for either kind of sample: clones cannot be templates.
PAIRLOOM_CLONES void weigh_rows_of(const uint8_t* const* r, const double* k, size_t n, double* out, size_t w) {
  weigh_rows(r, k, n, out, w);
}
PAIRLOOM_CLONES void weigh_rows_of(const uint16_t* const* r, const double* k, size_t n, double* out, size_t w) {
  weigh_rows(r, k, n, out, w);
}
PAIRLOOM_CLONES void weigh_columns_of(const double* in, const double* k, size_t n, const uint8_t* background, double t,
                                      double* out, double* peaks, size_t w) {
  weigh_columns(in, k, n, background, t, out, peaks, w);
}
PAIRLOOM_CLONES void weigh_columns_of(const double* in, const double* k, size_t n, const uint16_t* background, double t,
                                      double* out, double* peaks, size_t w) {
  weigh_columns(in, k, n, background, t, out, peaks, w);
}
PAIRLOOM_CLONES void slide_columns_of(const uint8_t* in, const uint8_t* gone, int32_t* sums, double size,
                                      uint8_t* means, size_t w) {
  slide_columns(in, gone, sums, size, means, w);
}
PAIRLOOM_CLONES void slide_columns_of(const uint16_t* in, const uint16_t* gone, int32_t* sums, double size,
                                      uint16_t* means, size_t w) {
  slide_columns(in, gone, sums, size, means, w);
}
PAIRLOOM_CLONES void mean_of_window_of(const uint32_t* sums, size_t size, uint8_t* means, size_t w) {
  mean_of_window(sums, size, means, w);
}
PAIRLOOM_CLONES void mean_of_window_of(const uint32_t* sums, size_t size, uint16_t* means, size_t w) {
  mean_of_window(sums, size, means, w);
}
PAIRLOOM_CLONES void stretch_of(const double* in, double factor, uint8_t* out, size_t n) {
  stretch(in, factor, out, n);
}
PAIRLOOM_CLONES void stretch_of(const double* in, double factor, uint16_t* out, size_t n) {
  stretch(in, factor, out, n);
}

}  // namespace

std::vector<double> gaussian_kernel(double sigma_px) {
  if (sigma_px <= 0) return {1.0};
  const int reach = static_cast<int>(4 * sigma_px + 0.5);
  std::vector<double> kernel;
  double sum = 0;
  for (int x = -reach; x <= reach; ++x) {
    kernel.push_back(std::exp(x * x / (-2 * sigma_px * sigma_px)));
    sum += kernel.back();
  }
  for (double& weight : kernel) weight /= sum;
  return kernel;
}

template <class Sample>
BandPass<Sample>::BandPass(double noise_size_px, uint32_t smoothing_size_px, double threshold)
    : kernel_(gaussian_kernel(noise_size_px)),
      reach_(kernel_.size() / 2),
      smoothing_size_px_(smoothing_size_px),
      threshold_(threshold) {}

template <class Sample>
void BandPass<Sample>::give_memory_back() {
  std::vector<double>().swap(band_passed_);
}

template <class Sample>
void BandPass<Sample>::begin(const Frame<Sample>& frame) {
  const size_t width = frame.width_px, half = smoothing_size_px_ / 2;
  if (band_passed_.size() < frame.pixel_count()) band_passed_ = std::vector<double>(frame.pixel_count());
  blurred_.assign(width + 2 * reach_, 0.0);
  zeros_.assign(width, 0);
  rows_.resize(kernel_.size());
  means_.resize(width + 2 * half);
  running_sums_.resize(width + 2 * half + 1);
  background_.resize(width);
  // The window of the row above the first: mean_of_row() moves it down by one.
  column_sums_.assign(width, 0);
  for (size_t k = 0; k < smoothing_size_px_; ++k) {
    const size_t below_top = k > half ? k - half - 1 : 0;  // rows above the frame are its first
    const Sample* row = frame.row(static_cast<uint32_t>(std::min<size_t>(below_top, frame.height_px - 1)));
    for (size_t x = 0; x < width; ++x) column_sums_[x] += row[x];
  }
}

template <class Sample>
void BandPass<Sample>::blur_columns(const Frame<Sample>& frame, uint32_t y) {
  for (size_t j = 0; j < rows_.size(); ++j) {
    const auto at = static_cast<int64_t>(y + j) - static_cast<int64_t>(reach_);
    rows_[j] = at < 0 || at >= frame.height_px ? zeros_.data() : frame.row(static_cast<uint32_t>(at));
  }
  weigh_rows_of(rows_.data(), kernel_.data(), reach_, blurred_.data() + reach_, frame.width_px);
}

// Leaves the mean of the square around each pixel of row `y` in background_. Rows are asked for in order.
template <class Sample>
void BandPass<Sample>::mean_of_row(const Frame<Sample>& frame, uint32_t y) {
  const size_t width = frame.width_px, half = smoothing_size_px_ / 2;
  const Sample* entering = frame.row(static_cast<uint32_t>(std::min<size_t>(y + half, frame.height_px - 1)));
  const Sample* leaving = frame.row(y > half ? static_cast<uint32_t>(y - half - 1) : 0);
  Sample* means = means_.data() + half;
  slide_columns_of(entering, leaving, column_sums_.data(), smoothing_size_px_, means, width);
  std::fill_n(means_.begin(), half, means[0]);
  std::fill_n(means + width, half, means[width - 1]);
  uint32_t sum = 0;
  for (size_t i = 0; i < means_.size(); ++i) {
    running_sums_[i] = sum;
    sum += means_[i];
  }
  running_sums_[means_.size()] = sum;
  mean_of_window_of(running_sums_.data(), smoothing_size_px_, background_.data(), width);
}

template <class Sample>
double BandPass<Sample>::run(const Frame<Sample>& frame, Sample* out) {
  begin(frame);
  double peaks[kBlock] = {};
  for (uint32_t y = 0; y < frame.height_px; ++y) {
    blur_columns(frame, y);
    mean_of_row(frame, y);
    weigh_columns_of(blurred_.data(), kernel_.data(), reach_, background_.data(), threshold_,
                     band_passed_.data() + size_t{y} * frame.width_px, peaks, frame.width_px);
  }
  const double peak = *std::max_element(std::begin(peaks), std::end(peaks));
  const double factor = peak > 0 ? std::numeric_limits<Sample>::max() / peak : 1.0;
  stretch_of(band_passed_.data(), factor, out, frame.pixel_count());
  return factor;
}

template class BandPass<uint8_t>;
template class BandPass<uint16_t>;

}  // namespace pairloom::workerproc
