#include "workerproc/extract/phash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace pairloom::workerproc {
namespace {

// Row k: cos(pi (k + 1) (2 i + 1) / (2 n)); the scale is left out, it does not change the order.
template <size_t kSize, size_t kTerms>
struct Cosines {
  std::array<std::array<double, kSize>, kTerms> rows;
  Cosines() {
    for (size_t k = 0; k < kTerms; ++k)
      for (size_t i = 0; i < kSize; ++i)
        rows[k][i] = std::cos(std::numbers::pi * static_cast<double>((k + 1) * (2 * i + 1)) / static_cast<double>(2 * kSize));
  }
};

template <size_t kSize, size_t kTerms>
Code phash(const View& view, AreaSummer& summer) {
  static const Cosines<kSize, kTerms> cosines;
  const auto sums = summer.sum(view, kSize, kSize);

  // The mean plays no part in these terms; taking an exact integer away first makes a flat picture exactly zero.
  std::array<std::array<double, kSize>, kTerms> columns{};  // vertical transform
  for (size_t k = 0; k < kTerms; ++k)
    for (size_t y = 0; y < kSize; ++y) {
      const double cosine = cosines.rows[k][y];
      for (size_t x = 0; x < kSize; ++x)
        columns[k][x] += cosine * static_cast<double>(static_cast<int64_t>(sums[y * kSize + x] - sums[0]));
    }
  std::array<double, kTerms * kTerms> terms{};
  for (size_t v = 0; v < kTerms; ++v)
    for (size_t u = 0; u < kTerms; ++u)
      for (size_t x = 0; x < kSize; ++x) terms[v * kTerms + u] += columns[v][x] * cosines.rows[u][x];

  auto sorted = terms;
  const auto middle = sorted.begin() + (sorted.size() / 2 - 1);
  std::nth_element(sorted.begin(), middle, sorted.end());
  Code code;
  for (size_t i = 0; i < terms.size(); ++i) code.words[i / 64] |= uint64_t{terms[i] > *middle} << (i % 64);
  return code;
}

}  // namespace

Code phash64(const View& view, AreaSummer& summer) { return phash<32, 8>(view, summer); }
Code phash256(const View& view, AreaSummer& summer) { return phash<64, 16>(view, summer); }

}  // namespace pairloom::workerproc
