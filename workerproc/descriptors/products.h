// The inner loop of descriptor matching, once per instruction set; all give the same numbers. Each kernel carries its
// own target attribute, so that one binary runs on every x86-64 and uses what the CPU has. Not included outside
// descriptors/. Runs in: worker only.
//
// Both norms come from a product: |a - b|^2 = |a|^2 + |b|^2 - 2 a.b, and with |x| the number of set bits,
// Hamming(a, b) = |a| + |b| - 2 |a & b|. So a kernel computes products only, of a tile of rows with a block of columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pairloom::workerproc {

enum class Norm : uint8_t { kL2, kHamming };

constexpr size_t kTileRows = 8;       // descriptors of one side, each in one piece
constexpr size_t kBlockColumns = 16;  // of the other side, interleaved: bytes 4k..4k+3 of all sixteen lie side by side
constexpr size_t kGroupBytes = 4;     // a descriptor is a whole number of these long

// products[r][c] = sum of rows[r][i] * block[c][i] (kL2: rows unsigned, block signed, exact within 32 bits up to 4096
// bytes), or the number of bits set in both (kHamming). `rows` is kTileRows descriptors of `groups` * kGroupBytes bytes
// back to back, `block` kBlockColumns of them, interleaved, 64-byte aligned.
using ProductTile = void (*)(const uint8_t* rows, const uint8_t* block, size_t groups,
                             int32_t (&products)[kTileRows][kBlockColumns]);

enum class MatchKernel : uint8_t { kPortable, kAvx2, kAvx512 };
std::string_view name_of(MatchKernel kernel);
std::vector<MatchKernel> available_match_kernels();  // on this CPU, slowest first
MatchKernel best_match_kernel();
ProductTile product_tile(MatchKernel kernel, Norm norm);

void dot_portable(const uint8_t*, const uint8_t*, size_t, int32_t (&)[kTileRows][kBlockColumns]);
void bits_portable(const uint8_t*, const uint8_t*, size_t, int32_t (&)[kTileRows][kBlockColumns]);
#if defined(__x86_64__)
void dot_avx2(const uint8_t*, const uint8_t*, size_t, int32_t (&)[kTileRows][kBlockColumns]);
void bits_avx2(const uint8_t*, const uint8_t*, size_t, int32_t (&)[kTileRows][kBlockColumns]);
void dot_avx512(const uint8_t*, const uint8_t*, size_t, int32_t (&)[kTileRows][kBlockColumns]);
void bits_avx512(const uint8_t*, const uint8_t*, size_t, int32_t (&)[kTileRows][kBlockColumns]);
#endif

}  // namespace pairloom::workerproc
