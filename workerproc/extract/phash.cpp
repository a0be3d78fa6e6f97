#include "workerproc/extract/phash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "workerproc/decode/clones.h"

namespace pairloom::workerproc {
namespace {

// by_term[k][i] = by_sample[i][k] = cos(pi (k + 1) (2 i + 1) / (2 n)); the scale is left out, it does not change the
// order.
template <size_t kSize, size_t kTerms>
struct Cosines {
  std::array<std::array<double, kSize>, kTerms> by_term;
  std::array<std::array<double, kTerms>, kSize> by_sample;
  Cosines() {
    for (size_t k = 0; k < kTerms; ++k)
      for (size_t i = 0; i < kSize; ++i)
        by_sample[i][k] = by_term[k][i] =
            std::cos(std::numbers::pi * static_cast<double>((k + 1) * (2 * i + 1)) / static_cast<double>(2 * kSize));
  }
};

// sums += weight * row. The order of the additions is fixed, whatever the vector width.
PAIRLOOM_CLONES void add_weighted(const double* __restrict row, double weight, double* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) sums[i] += weight * row[i];
}

template <size_t kSize, size_t kTerms>
Code phash(const View& view, AreaSummer& summer) {
  static const Cosines<kSize, kTerms> cosines;
  const auto sums = summer.sum(view, kSize, kSize);

  // The mean plays no part in these terms; taking an exact integer away first makes a flat picture exactly zero.
  std::array<double, kSize * kSize> cells;
  for (size_t i = 0; i < cells.size(); ++i) cells[i] = static_cast<double>(static_cast<int64_t>(sums[i] - sums[0]));
  std::array<double, kTerms * kTerms> terms{};
  for (size_t v = 0; v < kTerms; ++v) {
    std::array<double, kSize> columns{};  // vertical frequency v + 1 of each column
    for (size_t y = 0; y < kSize; ++y) add_weighted(&cells[y * kSize], cosines.by_term[v][y], columns.data(), kSize);
    for (size_t x = 0; x < kSize; ++x)
      add_weighted(cosines.by_sample[x].data(), columns[x], &terms[v * kTerms], kTerms);
  }

  auto sorted = terms;
  const auto middle = sorted.begin() + (sorted.size() / 2 - 1);
  std::nth_element(sorted.begin(), middle, sorted.end());
  Code code;
  for (size_t i = 0; i < terms.size(); ++i) code.words[i / 64] |= uint64_t{terms[i] > *middle} << (i % 64);
  return code;
}

}  // namespace

Code phash64(const View& view, AreaSummer& summer) {
  return phash<32, 8>(view, summer);
}
Code phash256(const View& view, AreaSummer& summer) {
  return phash<64, 16>(view, summer);
}

}  // namespace pairloom::workerproc
