#include "workerproc/locate/band_pass.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

#define PAIRLOOM_INLINE inline __attribute__((always_inline))

// So many pairs of a kernel's weights are applied in one pass along a row: enough to keep the sums in registers, and
// unrolled, because the compiler vectorises along the kernel instead of along the row when it sees a loop.
constexpr size_t kPairs = 4;

// sums[x] += (left[j][x] + right[j][x]) * weight[j] for the four j, one after the other.
template <class Value>
struct Pairs {
  const Value *left[kPairs], *right[kPairs];
  double weight[kPairs];
};
// double for doubles; int for samples, whose sum is exact.
template <class Value>
PAIRLOOM_INLINE double sum_of(Value a, Value b) {
  return static_cast<double>(a + b);
}
template <class Value>
PAIRLOOM_INLINE void add_pairs(const Pairs<Value>& p, double* __restrict sums, size_t width) {
  const Value *a0 = p.left[0], *a1 = p.left[1], *a2 = p.left[2], *a3 = p.left[3];
  const Value *b0 = p.right[0], *b1 = p.right[1], *b2 = p.right[2], *b3 = p.right[3];
  const double w0 = p.weight[0], w1 = p.weight[1], w2 = p.weight[2], w3 = p.weight[3];
  for (size_t x = 0; x < width; ++x) {
    double sum = sums[x];
    sum += sum_of(a0[x], b0[x]) * w0;
    sum += sum_of(a1[x], b1[x]) * w1;
    sum += sum_of(a2[x], b2[x]) * w2;
    sum += sum_of(a3[x], b3[x]) * w3;
    sums[x] = sum;
  }
}
template <class Value>
PAIRLOOM_INLINE void weigh(const Value* __restrict middle, double weight, double* __restrict sums, size_t width) {
  for (size_t x = 0; x < width; ++x) sums[x] = static_cast<double>(middle[x]) * weight;
}

// Takes the background off and cuts at the threshold. Raises peaks[x] to what it meets in that column.
template <class Sample>
PAIRLOOM_INLINE void subtract(const double* __restrict blurred, const Sample* __restrict background, double threshold,
                              double* __restrict out, double* __restrict peaks, size_t width) {
  for (size_t x = 0; x < width; ++x) {
    const double above = blurred[x] - static_cast<double>(background[x]);
    const double kept = above >= threshold ? above : 0.0;
    out[x] = kept;
    peaks[x] = peaks[x] > kept ? peaks[x] : kept;
  }
}

// Whole-number division of a sum of samples by the size of the mean, by way of (sum + 1/2) / size: that is at least
// 1/2 size away from any whole number, much more than float (8-bit samples, sums below 2^21) or double lose on the way.
template <class Sample>
using Quotient = std::conditional_t<sizeof(Sample) == 1, float, double>;
template <class Sample>
inline Sample quotient(int32_t sum, Quotient<Sample> reciprocal) {
  return static_cast<Sample>(
      static_cast<int32_t>((static_cast<Quotient<Sample>>(sum) + Quotient<Sample>(0.5)) * reciprocal));
}

// Moves the window of the column sums down by a row and writes the columns' means.
template <class Sample>
PAIRLOOM_INLINE void slide_columns(const Sample* __restrict entering, const Sample* __restrict leaving,
                                   int32_t* __restrict sums, double size, Sample* __restrict means, size_t width) {
  const auto reciprocal = static_cast<Quotient<Sample>>(1 / size);
  for (size_t x = 0; x < width; ++x) {
    const int32_t sum = sums[x] + entering[x] - leaving[x];
    sums[x] = sum;
    means[x] = quotient<Sample>(sum, reciprocal);
  }
}

template <class Sample>
PAIRLOOM_INLINE void mean_of_window(const uint32_t* running_sums, size_t size, Sample* __restrict means, size_t width) {
  const auto reciprocal = static_cast<Quotient<Sample>>(1 / static_cast<double>(size));
  for (size_t x = 0; x < width; ++x)  // running sums may have wrapped around; their difference has not
    means[x] = quotient<Sample>(static_cast<int32_t>(running_sums[x + size] - running_sums[x]), reciprocal);
}

template <class Sample>
PAIRLOOM_INLINE void stretch(const double* __restrict in, double factor, Sample* __restrict out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = static_cast<Sample>(static_cast<int32_t>(in[i] * factor));
}

// One of each for either kind of sample: clones cannot be templates.
PAIRLOOM_WIDE_CLONES void add_pairs_of(const Pairs<uint8_t>& pairs, double* sums, size_t w) {
  add_pairs(pairs, sums, w);
}
PAIRLOOM_WIDE_CLONES void add_pairs_of(const Pairs<uint16_t>& pairs, double* sums, size_t w) {
  add_pairs(pairs, sums, w);
}
PAIRLOOM_WIDE_CLONES void add_pairs_of(const Pairs<double>& pairs, double* sums, size_t w) {
  add_pairs(pairs, sums, w);
}
PAIRLOOM_WIDE_CLONES void weigh_of(const uint8_t* middle, double weight, double* sums, size_t w) {
  weigh(middle, weight, sums, w);
}
PAIRLOOM_WIDE_CLONES void weigh_of(const uint16_t* middle, double weight, double* sums, size_t w) {
  weigh(middle, weight, sums, w);
}
PAIRLOOM_WIDE_CLONES void weigh_of(const double* middle, double weight, double* sums, size_t w) {
  weigh(middle, weight, sums, w);
}
PAIRLOOM_WIDE_CLONES void subtract_of(const double* blurred, const uint8_t* background, double t, double* out,
                                      double* peaks, size_t w) {
  subtract(blurred, background, t, out, peaks, w);
}
PAIRLOOM_WIDE_CLONES void subtract_of(const double* blurred, const uint16_t* background, double t, double* out,
                                      double* peaks, size_t w) {
  subtract(blurred, background, t, out, peaks, w);
}
PAIRLOOM_WIDE_CLONES void slide_columns_of(const uint8_t* in, const uint8_t* gone, int32_t* sums, double size,
                                      uint8_t* means, size_t w) {
  slide_columns(in, gone, sums, size, means, w);
}
PAIRLOOM_WIDE_CLONES void slide_columns_of(const uint16_t* in, const uint16_t* gone, int32_t* sums, double size,
                                      uint16_t* means, size_t w) {
  slide_columns(in, gone, sums, size, means, w);
}
PAIRLOOM_WIDE_CLONES void mean_of_window_of(const uint32_t* sums, size_t size, uint8_t* means, size_t w) {
  mean_of_window(sums, size, means, w);
}
PAIRLOOM_WIDE_CLONES void mean_of_window_of(const uint32_t* sums, size_t size, uint16_t* means, size_t w) {
  mean_of_window(sums, size, means, w);
}
PAIRLOOM_WIDE_CLONES void stretch_of(const double* in, double factor, uint8_t* out, size_t n) {
  stretch(in, factor, out, n);
}
PAIRLOOM_WIDE_CLONES void stretch_of(const double* in, double factor, uint16_t* out, size_t n) {
  stretch(in, factor, out, n);
}

// sums[x] = sum over j of line(j)[x] * kernel[j], where line(j) is what lies under weight j. Summed as scipy's
// correlate1d does: the middle first, then pairs from the outside in.
template <class Line>
void convolve(Line line, const std::vector<double>& kernel, double* sums, size_t width) {
  const size_t reach = kernel.size() / 2;
  weigh_of(line(reach), kernel[reach], sums, width);
  for (size_t j = 0; j < reach; j += kPairs) {
    Pairs<std::remove_const_t<std::remove_pointer_t<decltype(line(0))>>> pairs;
    for (size_t i = 0; i < kPairs; ++i) {
      pairs.left[i] = line(j + i);
      pairs.right[i] = line(2 * reach - j - i);
      pairs.weight[i] = kernel[j + i];
    }
    add_pairs_of(pairs, sums, width);
  }
}

// With zeros at both ends, so that whole passes of kPairs go into it; they change no sum.
std::vector<double> padded(std::vector<double> kernel) {
  const size_t pad = (kPairs - kernel.size() / 2 % kPairs) % kPairs;
  kernel.insert(kernel.begin(), pad, 0.0);
  kernel.insert(kernel.end(), pad, 0.0);
  return kernel;
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
    : kernel_(padded(gaussian_kernel(noise_size_px))),
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
  smooth_.resize(width);
  peaks_.assign(width, 0.0);
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

// Leaves row `y` of the Gaussian in smooth_.
template <class Sample>
void BandPass<Sample>::blur_row(const Frame<Sample>& frame, uint32_t y) {
  const auto row_under = [&](size_t j) {
    const auto at = static_cast<int64_t>(y + j) - static_cast<int64_t>(reach_);
    return at < 0 || at >= frame.height_px ? zeros_.data() : frame.row(static_cast<uint32_t>(at));
  };
  convolve(row_under, kernel_, blurred_.data() + reach_, frame.width_px);
  const auto shifted = [this](size_t j) -> const double* { return blurred_.data() + j; };
  convolve(shifted, kernel_, smooth_.data(), frame.width_px);
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
  for (uint32_t y = 0; y < frame.height_px; ++y) {
    blur_row(frame, y);
    mean_of_row(frame, y);
    double* out_row = band_passed_.data() + size_t{y} * frame.width_px;
    subtract_of(smooth_.data(), background_.data(), threshold_, out_row, peaks_.data(), frame.width_px);
  }
  const double peak = *std::max_element(peaks_.begin(), peaks_.end());
  const double factor = peak > 0 ? std::numeric_limits<Sample>::max() / peak : 1.0;
  stretch_of(band_passed_.data(), factor, out, frame.pixel_count());
  return factor;
}

template class BandPass<uint8_t>;
template class BandPass<uint16_t>;

}  // namespace pairloom::workerproc
