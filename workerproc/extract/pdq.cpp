#include "workerproc/extract/pdq.h"

#include <algorithm>
#include <cmath>
#include <cstring>
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

// sums = or += weight * row.
template <class Pixel>
inline void weigh(const Pixel* __restrict row, float weight, float* __restrict sums, size_t width, bool first) {
  if (first)
    for (size_t x = 0; x < width; ++x) sums[x] = weight * static_cast<float>(row[x]);
  else
    for (size_t x = 0; x < width; ++x) sums[x] += weight * static_cast<float>(row[x]);
}
PAIRLOOM_CLONES void weigh_gray(const uint8_t* row, float weight, float* sums, size_t width, bool first) {
  weigh(row, weight, sums, width, first);
}
PAIRLOOM_CLONES void weigh_luma(const float* row, float weight, float* sums, size_t width, bool first) {
  weigh(row, weight, sums, width, first);
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

// One weighted sum per entry of the band. Eight partial sums, added in a fixed order: the same float whatever the
// machine. `kGroups` is band.groups, or 0 for any.
template <size_t kGroups>
inline void apply(const Band& band, const float* values, float* out) {
  const size_t groups = kGroups != 0 ? kGroups : band.groups;
  const float* weights = band.weights.data();
  for (size_t entry = 0; entry < kPdqSide; ++entry) {
    const float* from = values + band.first[entry];
    Lanes sum = load(weights) * load(from);
    for (size_t i = 1; i < groups; ++i) sum += load(weights + i * kBandLanes) * load(from + i * kBandLanes);
    weights += groups * kBandLanes;
    out[entry] = ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
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

Code bits_of(const float (&terms)[kTerms * kTerms]) {
  float sorted[kTerms * kTerms];
  memcpy(sorted, terms, sizeof sorted);
  constexpr size_t kMiddle =
      kTerms * kTerms / 2 - 1;  // the lower median, as Torben's algorithm in the reference gives it
  std::nth_element(sorted, sorted + kMiddle, sorted + kTerms * kTerms);
  Code code;
  for (size_t i = 0; i < kTerms * kTerms; ++i) code.words[i / 64] |= uint64_t{terms[i] > sorted[kMiddle]} << (i % 64);
  return code;
}

}  // namespace

// The row of samples that `sums` is complete for. Mirrored axes are turned here.
void PdqHasher::close_row(const float* sums, const Band& columns, const View& view, size_t entry) {
  float* out = samples_[view.rows.mirrored ? kPdqSide - 1 - entry : entry];
  apply_band(columns, sums, out);
  if (view.columns.mirrored) std::reverse(out, out + kPdqSide);
}

// Reads each decoded row once and adds it to the entries it belongs to; an entry is closed after its last row.
void PdqHasher::sample(const View& view, const Band& rows, const Band& columns) {
  const Picture& picture = view.picture;
  const size_t width = picture.width_px;
  const size_t stride = width + columns.groups * kBandLanes;  // apply_band reads into the padding, times zero
  open_.assign(stride * rows.most_open, 0.0f);
  luma_.resize(width);
  size_t oldest = 0;
  for (uint32_t y = 0; y < picture.height_px && oldest < kPdqSide; ++y) {
    if (y < rows.first[oldest]) continue;
    const uint8_t* row = picture.pixels.data() + size_t{y} * picture.stride_bytes;
    const bool is_gray = picture.layout == PixelLayout::kGray;
    if (!is_gray) luma_of(row, luma_.data(), width);
    for (size_t entry = oldest; entry < kPdqSide && rows.first[entry] <= y; ++entry) {
      float* sums = &open_[entry % rows.most_open * stride];
      const uint32_t at = y - rows.first[entry];
      const float weight = rows.weights_of(entry)[at];
      if (is_gray)
        weigh_gray(row, weight, sums, width, at == 0);
      else
        weigh_luma(luma_.data(), weight, sums, width, at == 0);
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
