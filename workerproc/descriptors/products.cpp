// The choice of a kernel, and the portable ones.
#include "workerproc/descriptors/products.h"

#include <cstring>

namespace pairloom::workerproc {
namespace {

bool has(MatchKernel kernel) {
#if defined(__x86_64__)
  if (kernel == MatchKernel::kAvx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni") &&
           __builtin_cpu_supports("avx512vpopcntdq");
  if (kernel == MatchKernel::kAvx2) return __builtin_cpu_supports("avx2");
#endif
  return kernel == MatchKernel::kPortable;
}

// Written out: without the POPCNT instruction std::popcount is a call, and this the compiler makes vectors of.
uint32_t popcount_32(uint32_t x) {
  x -= x >> 1 & 0x55555555u;
  x = (x & 0x33333333u) + (x >> 2 & 0x33333333u);
  return ((x + (x >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
}

uint32_t group_at(const uint8_t* bytes) {
  uint32_t group;
  std::memcpy(&group, bytes, sizeof group);
  return group;
}

}  // namespace

std::string_view name_of(MatchKernel kernel) {
  switch (kernel) {
    case MatchKernel::kPortable:
      return "portable";
    case MatchKernel::kAvx2:
      return "avx2";
    case MatchKernel::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::vector<MatchKernel> available_match_kernels() {
  std::vector<MatchKernel> kernels;
  for (const MatchKernel k : {MatchKernel::kPortable, MatchKernel::kAvx2, MatchKernel::kAvx512})
    if (has(k)) kernels.push_back(k);
  return kernels;
}

MatchKernel best_match_kernel() {
  static const MatchKernel best = available_match_kernels().back();
  return best;
}

ProductTile product_tile(MatchKernel kernel, Norm norm) {
  const bool l2 = norm == Norm::kL2;
#if defined(__x86_64__)
  if (kernel == MatchKernel::kAvx512) return l2 ? dot_avx512 : bits_avx512;
  if (kernel == MatchKernel::kAvx2) return l2 ? dot_avx2 : bits_avx2;
#endif
  static_cast<void>(kernel);
  return l2 ? dot_portable : bits_portable;
}

void dot_portable(const uint8_t* rows, const uint8_t* block, size_t groups,
                  int32_t (&products)[kTileRows][kBlockColumns]) {
  for (size_t r = 0; r < kTileRows; ++r) {
    int32_t sums[kBlockColumns] = {};
    for (size_t g = 0; g < groups; ++g) {
      const uint8_t* a = rows + (r * groups + g) * kGroupBytes;
      const uint8_t* b = block + g * kBlockColumns * kGroupBytes;
      for (size_t c = 0; c < kBlockColumns; ++c)
        for (size_t i = 0; i < kGroupBytes; ++i) sums[c] += a[i] * static_cast<int8_t>(b[c * kGroupBytes + i]);
    }
    std::memcpy(products[r], sums, sizeof sums);
  }
}

void bits_portable(const uint8_t* rows, const uint8_t* block, size_t groups,
                   int32_t (&products)[kTileRows][kBlockColumns]) {
  for (size_t r = 0; r < kTileRows; ++r) {
    int32_t sums[kBlockColumns] = {};
    for (size_t g = 0; g < groups; ++g) {
      const uint32_t a = group_at(rows + (r * groups + g) * kGroupBytes);
      for (size_t c = 0; c < kBlockColumns; ++c)
        sums[c] += static_cast<int32_t>(popcount_32(a & group_at(block + (g * kBlockColumns + c) * kGroupBytes)));
    }
    std::memcpy(products[r], sums, sizeof sums);
  }
}

}  // namespace pairloom::workerproc
