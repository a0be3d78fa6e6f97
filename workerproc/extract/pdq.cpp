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

// The reference's DCT matrix: 16 rows of frequency 1..16, without the mean.
struct DctMatrix {
  alignas(64) float rows[kTerms][kPdqSide];
  alignas(64) float columns[kPdqSide][kTerms];
  DctMatrix() {
    const double scale = std::sqrt(2.0 / kPdqSide);
    for (size_t i = 0; i < kTerms; ++i)
      for (size_t j = 0; j < kPdqSide; ++j)
        columns[j][i] = rows[i][j] = static_cast<float>(
            scale * std::cos(std::numbers::pi / 2 / kPdqSide * static_cast<double>(i + 1) * static_cast<double>(2 * j + 1)));
  }
};

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

// One weighted sum per entry of the band. Eight partial sums, added in a fixed order: the same float whatever the vector width.
PAIRLOOM_CLONES void apply_band(const Band& band, const float* __restrict values, float* __restrict out) {
  for (size_t entry = 0; entry < kPdqSide; ++entry) {
    const float* weights = &band.weights[band.offset[entry]];
    const float* from = values + band.first[entry];
    float lane[kBandLanes] = {};
    for (size_t i = 0; i < band.count[entry]; i += kBandLanes)
      for (size_t l = 0; l < kBandLanes; ++l) lane[l] += weights[i + l] * from[i + l];
    out[entry] = ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
  }
}

// imageDomainQualityMetric of the reference: how much neighbouring samples differ, 100 = enough.
PAIRLOOM_CLONES int quality_of(const Samples64& samples) {
  int sum = 0;
  for (size_t i = 0; i + 1 < kPdqSide; ++i)
    for (size_t j = 0; j < kPdqSide; ++j) sum += std::abs(static_cast<int>((samples[i][j] - samples[i + 1][j]) * 100 / 255));
  for (size_t i = 0; i < kPdqSide; ++i)
    for (size_t j = 0; j + 1 < kPdqSide; ++j) sum += std::abs(static_cast<int>((samples[i][j] - samples[i][j + 1]) * 100 / 255));
  return std::min(100, sum / 90);
}

PAIRLOOM_CLONES void low_terms(const DctMatrix& dct, const Samples64& samples, float (&terms)[kTerms * kTerms]) {
  for (size_t i = 0; i < kTerms; ++i) {
    float vertical[kPdqSide] = {};
    for (size_t k = 0; k < kPdqSide; ++k)
      for (size_t j = 0; j < kPdqSide; ++j) vertical[j] += dct.rows[i][k] * samples[k][j];
    float out[kTerms] = {};
    for (size_t k = 0; k < kPdqSide; ++k)
      for (size_t j = 0; j < kTerms; ++j) out[j] += vertical[k] * dct.columns[k][j];
    memcpy(terms + i * kTerms, out, sizeof out);
  }
}

Code bits_of(const float (&terms)[kTerms * kTerms]) {
  float sorted[kTerms * kTerms];
  memcpy(sorted, terms, sizeof sorted);
  constexpr size_t kMiddle = kTerms * kTerms / 2 - 1;  // the lower median, as Torben's algorithm in the reference gives it
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
  const size_t stride = width + kBandLanes;  // apply_band reads into the padding, times zero
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
      const float weight = rows.weights[rows.offset[entry] + at];
      if (is_gray) weigh_gray(row, weight, sums, width, at == 0);
      else weigh_luma(luma_.data(), weight, sums, width, at == 0);
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
