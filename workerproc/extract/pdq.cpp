#include "workerproc/extract/pdq.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numbers>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kTerms = 16;
constexpr uint32_t kMinSidePx = 5;  // MIN_HASHABLE_DIM of the reference

using Samples64 = float[kPdqSide][kPdqSide];
using Lanes =
    float __attribute__((vector_size(kBandLanes * sizeof(float))));  // one AVX register, or two of SSE or NEON

// The reference's DCT matrix: frequencies 1..16, without the mean. A cosine of even frequency is the same from both
// ends, one of odd frequency changes its sign; so with each pair of opposite samples added or subtracted first, half of
// it is enough.
struct DctMatrix {
  float rows[kTerms][kPdqSide / 2];
  alignas(Lanes) float columns[2][kPdqSide / 2][kBandLanes];  // [frequency is even][sample][(frequency - 1) / 2]
  DctMatrix() {
    const double scale = std::sqrt(2.0 / kPdqSide);
    for (size_t i = 0; i < kTerms; ++i)
      for (size_t j = 0; j < kPdqSide / 2; ++j)
        columns[i % 2][j][i / 2] = rows[i][j] =
            static_cast<float>(scale * std::cos(std::numbers::pi / 2 / kPdqSide * static_cast<double>(i + 1) *
                                                static_cast<double>(2 * j + 1)));
  }
};
static_assert(kTerms == 2 * kBandLanes);

// sums = or += the weighted sum of kRows rows, each `stride` behind the one before, added in their order.
template <size_t kRows, bool kMore>
[[gnu::always_inline]] inline void weigh_some(const uint8_t* __restrict rows, size_t stride,
                                              const float* __restrict weights, float* __restrict sums, size_t width) {
  for (size_t x = 0; x < width; ++x) {
    const float first = weights[0] * static_cast<float>(rows[x]);
    float sum = kMore ? sums[x] + first : first;
    for (size_t k = 1; k < kRows; ++k) sum += weights[k] * static_cast<float>(rows[k * stride + x]);
    sums[x] = sum;
  }
}
template <bool kMore>
[[gnu::always_inline]] inline void weigh_up_to_4(size_t count, const uint8_t* rows, size_t stride,
                                                 const float* weights, float* sums, size_t width) {
  switch (count) {
    case 1: return weigh_some<1, kMore>(rows, stride, weights, sums, width);
    case 2: return weigh_some<2, kMore>(rows, stride, weights, sums, width);
    case 3: return weigh_some<3, kMore>(rows, stride, weights, sums, width);
    default: return weigh_some<4, kMore>(rows, stride, weights, sums, width);
  }
}
// sums = the weighted sum of `count` rows.
PAIRLOOM_WIDE_CLONES void weigh_rows(const uint8_t* rows, size_t stride, const float* weights, size_t count, float* sums,
                                     size_t width) {
  weigh_up_to_4<false>(count, rows, stride, weights, sums, width);
  for (size_t done = 4; done < count; done += 4)
    weigh_up_to_4<true>(count - done, rows + done * stride, stride, weights + done, sums, width);
}

// sums = or += weight * row.
PAIRLOOM_CLONES void weigh_luma(const float* __restrict row, float weight, float* __restrict sums, size_t width,
                                bool first) {
  if (first)
    for (size_t x = 0; x < width; ++x) sums[x] = weight * row[x];
  else
    for (size_t x = 0; x < width; ++x) sums[x] += weight * row[x];
}

PAIRLOOM_CLONES void luma_of(const uint8_t* __restrict bgr, float* __restrict luma, size_t width) {
  for (size_t x = 0; x < width; ++x)
    luma[x] = 0.299f * static_cast<float>(bgr[3 * x + 2]) + 0.587f * static_cast<float>(bgr[3 * x + 1]) +
              0.114f * static_cast<float>(bgr[3 * x]);
}

// Eight floats anywhere in memory.
using LanesInMemory =
    float __attribute__((vector_size(kBandLanes * sizeof(float)), aligned(alignof(float)), may_alias));
const LanesInMemory& load(const float* from) {
  return *reinterpret_cast<const LanesInMemory*>(from);
}

// Lanes of two vectors, those of the second counted from kBandLanes on.
template <int... lanes>
struct Places {};
// out = the lanes `first` of a and b + the lanes `second`. By reference: how a vector is passed by value depends on the
// processor compiled for.
template <int... first, int... second>
[[gnu::always_inline]] inline void add_lanes(Places<first...>, Places<second...>, const Lanes& a, const Lanes& b, Lanes& out) {
  out = __builtin_shufflevector(a, b, first...) + __builtin_shufflevector(a, b, second...);
}

// The sums of eight vectors, in their order: each ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), by lanes. Step by step, two
// vectors become one with half as many sums of each.
[[gnu::always_inline]] inline void sum_each(const Lanes (&v)[kBandLanes], Lanes& out) {
  Lanes fours[4], twos[2];
  for (size_t i = 0; i < 4; ++i)
    add_lanes(Places<0, 1, 2, 3, 8, 9, 10, 11>(), Places<4, 5, 6, 7, 12, 13, 14, 15>(), v[i], v[i + 4], fours[i]);
  for (size_t i = 0; i < 2; ++i)
    add_lanes(Places<0, 1, 8, 9, 4, 5, 12, 13>(), Places<2, 3, 10, 11, 6, 7, 14, 15>(), fours[2 * i], fours[2 * i + 1],
              twos[i]);
  add_lanes(Places<0, 2, 8, 10, 4, 6, 12, 14>(), Places<1, 3, 9, 11, 5, 7, 13, 15>(), twos[0], twos[1], out);
}

// One weighted sum per entry of the band, by eight partial sums, added in a fixed order: the same float whatever the
// machine. `kGroups` is band.groups, or 0 for any.
template <size_t kGroups>
[[gnu::always_inline]] inline void apply(const Band& band, const float* values, float* out) {
  const size_t groups = kGroups != 0 ? kGroups : band.groups;
  const float* weights = band.weights.data();
  for (size_t entry = 0; entry < kPdqSide; entry += kBandLanes) {
    Lanes partial[kBandLanes];
    for (size_t e = 0; e < kBandLanes; ++e) {
      const float* from = values + band.first[entry + e];
      partial[e] = load(weights) * load(from);
      for (size_t i = 1; i < groups; ++i) partial[e] += load(weights + i * kBandLanes) * load(from + i * kBandLanes);
      weights += groups * kBandLanes;
    }
    Lanes sums;
    sum_each(partial, sums);
    memcpy(out + entry, &sums, sizeof sums);
  }
}
PAIRLOOM_CLONES void apply_band(const Band& band, const float* values, float* out) {
  if (band.groups == 1)
    apply<1>(band, values, out);
  else if (band.groups == 2)
    apply<2>(band, values, out);
  else
    apply<0>(band, values, out);
}

// imageDomainQualityMetric of the reference: how much neighbouring samples differ, 100 = enough.
PAIRLOOM_CLONES int quality_of(const Samples64& samples) {
  int sum = 0;
  for (size_t i = 0; i + 1 < kPdqSide; ++i)
    for (size_t j = 0; j < kPdqSide; ++j)
      sum += std::abs(static_cast<int>((samples[i][j] - samples[i + 1][j]) * 100 / 255));
  for (size_t i = 0; i < kPdqSide; ++i)
    for (size_t j = 0; j + 1 < kPdqSide; ++j)
      sum += std::abs(static_cast<int>((samples[i][j] - samples[i][j + 1]) * 100 / 255));
  return std::min(100, sum / 90);
}

PAIRLOOM_CLONES void low_terms(const DctMatrix& dct, const Samples64& samples, float (&terms)[kTerms * kTerms]) {
  constexpr size_t kHalf = kPdqSide / 2, kRowLanes = kPdqSide / kBandLanes;
  Lanes folded[2][kHalf][kRowLanes];  // differences and sums of opposite rows: for odd and for even frequencies
  for (size_t k = 0; k < kHalf; ++k)
    for (size_t l = 0; l < kRowLanes; ++l) {
      const Lanes near = load(&samples[k][l * kBandLanes]), far = load(&samples[kPdqSide - 1 - k][l * kBandLanes]);
      folded[0][k][l] = near - far;
      folded[1][k][l] = near + far;
    }
  for (size_t i = 0; i < kTerms; ++i) {
    Lanes vertical[kRowLanes] = {};
    for (size_t k = 0; k < kHalf; ++k)
      for (size_t l = 0; l < kRowLanes; ++l) vertical[l] += dct.rows[i][k] * folded[i % 2][k][l];
    float row[kPdqSide];
    memcpy(row, vertical, sizeof row);
    Lanes odd = {}, even = {};
    for (size_t k = 0; k < kHalf; ++k) {
      odd += (row[k] - row[kPdqSide - 1 - k]) * load(dct.columns[0][k]);
      even += (row[k] + row[kPdqSide - 1 - k]) * load(dct.columns[1][k]);
    }
    for (size_t j = 0; j < kTerms; ++j) terms[i * kTerms + j] = j % 2 == 0 ? odd[j / 2] : even[j / 2];
  }
}

// The lower median, as Torben's algorithm in the reference gives it: bit by bit, the largest number with fewer than
// half of the terms below it. Floats are in order as integers once the negative ones are turned round.
PAIRLOOM_WIDE_CLONES float lower_median(const float (&terms)[kTerms * kTerms]) {
  constexpr int32_t kSign = std::numeric_limits<int32_t>::min();
  constexpr int32_t kBelow = kTerms * kTerms / 2 - 1;
  int32_t keys[kTerms * kTerms];
  memcpy(keys, terms, sizeof keys);
  for (int32_t& key : keys) key ^= key >> 31 & ~kSign;
  uint32_t median = 0;  // from the least number up
  for (uint32_t bit = uint32_t{1} << 31; bit != 0; bit >>= 1) {
    const int32_t bound = static_cast<int32_t>(median | bit) ^ kSign;
    int32_t below = 0;
    for (const int32_t key : keys) below += key < bound ? 1 : 0;
    if (below <= kBelow) median |= bit;
  }
  const int32_t key = static_cast<int32_t>(median) ^ kSign;
  return std::bit_cast<float>(key ^ (key >> 31 & ~kSign));
}

Code bits_of(const float (&terms)[kTerms * kTerms]) {
  const float median = lower_median(terms);
  Code code;
  for (size_t i = 0; i < kTerms * kTerms; ++i) code.words[i / 64] |= uint64_t{terms[i] > median} << (i % 64);
  return code;
}

}  // namespace

// The row of samples that `sums` is complete for. Mirrored axes are turned here.
void PdqHasher::close_row(const float* sums, const Band& columns, const View& view, size_t entry) {
  float* out = samples_[view.rows.mirrored ? kPdqSide - 1 - entry : entry];
  apply_band(columns, sums, out);
  if (view.columns.mirrored) std::reverse(out, out + kPdqSide);
}

void PdqHasher::sample(const View& view, const Band& rows, const Band& columns) {
  const Picture& picture = view.picture;
  const size_t width = picture.width_px;
  const size_t stride = width + columns.groups * kBandLanes;  // apply_band reads into the padding, times zero
  if (picture.layout == PixelLayout::kGray) {
    open_.assign(stride, 0.0f);
    for (size_t entry = 0; entry < kPdqSide; ++entry) {
      const uint8_t* const first = picture.pixels.data() + size_t{rows.first[entry]} * picture.stride_bytes;
      weigh_rows(first, picture.stride_bytes, rows.weights_of(entry), rows.count[entry], open_.data(), width);
      close_row(open_.data(), columns, view, entry);
    }
    return;
  }

  // Each row becomes luma once and is added to the entries it belongs to; an entry is closed after its last row.
  open_.assign(stride * rows.most_open, 0.0f);
  luma_.resize(width);
  size_t oldest = 0;
  for (uint32_t y = 0; y < picture.height_px && oldest < kPdqSide; ++y) {
    if (y < rows.first[oldest]) continue;
    luma_of(picture.pixels.data() + size_t{y} * picture.stride_bytes, luma_.data(), width);
    for (size_t entry = oldest; entry < kPdqSide && rows.first[entry] <= y; ++entry) {
      float* sums = &open_[entry % rows.most_open * stride];
      const uint32_t at = y - rows.first[entry];
      weigh_luma(luma_.data(), rows.weights_of(entry)[at], sums, width, at == 0);
      if (at + 1 < rows.count[entry]) continue;
      close_row(sums, columns, view, entry);
      ++oldest;
    }
  }
}

PdqHash PdqHasher::hash(const View& view) {
  static const DctMatrix dct;
  if (std::min(view.rows.full_px, view.columns.full_px) < kMinSidePx) return {};
  bands_.trim();
  sample(view, bands_.get(view.rows), bands_.get(view.columns));
  if (view.transposed)
    for (size_t i = 0; i < kPdqSide; ++i)
      for (size_t j = 0; j < i; ++j) std::swap(samples_[i][j], samples_[j][i]);
  float terms[kTerms * kTerms];
  low_terms(dct, samples_, terms);
  return {bits_of(terms), static_cast<uint8_t>(quality_of(samples_))};
}

}  // namespace pairloom::workerproc
