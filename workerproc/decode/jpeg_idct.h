// Inverse DCTs of the gray JPEG decoder (jpeg_scan.h): an 8x8 block of terms -> 8x8 pixels, or 4x4, 2x2 or 1, each the
// mean of the full picture's pixels it covers. The results equal those of libjpeg-turbo's jpeg_idct_islow (jidctint.c),
// jpeg_idct_4x4, _2x2 and _1x1 (jidctred.c), and of its vector versions where values overflow 16 bits, bit for bit.
// Runs in: worker only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace pairloom::workerproc {

// `terms` and `quant`: 64 values, row-major (rows: vertical frequency), 16-byte aligned. Products wrap to 16 bits.
// `out`: the block's first pixel; rows are `stride` apart.
void jpeg_idct_8x8(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride);
void jpeg_idct_4x4(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride);
void jpeg_idct_2x2(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride);

// The same in plain C++: what other processors run, and what tests compare with.
void jpeg_idct_8x8_portable(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride);
void jpeg_idct_4x4_portable(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride);
void jpeg_idct_2x2_portable(const int16_t* terms, const int16_t* quant, uint8_t* out, size_t stride);

// An eighth of the DC term. Values far out of range wrap as in libjpeg's table (1024 entries).
inline uint8_t jpeg_idct_1x1(int16_t dc, int16_t quant) {
  const int32_t mean = (static_cast<int32_t>(dc) * quant + 4) >> 3;
  const int32_t wrapped = ((mean + 512) & 1023) - 512;
  return static_cast<uint8_t>(std::clamp(wrapped + 128, 0, 255));
}

// The same for 8x8, 4x4 and 2x2, if the DC term is the only one: every pixel is this. Empty for values so far out of range
// that the larger transforms wrap in ways of their own.
inline std::optional<uint8_t> jpeg_idct_flat(int16_t dc, int16_t quant) {
  const int32_t value = static_cast<int32_t>(dc) * quant;
  if (value < -8192 || value >= 8192) return std::nullopt;
  return static_cast<uint8_t>(std::clamp(((value + 4) >> 3) + 128, 0, 255));
}

}  // namespace pairloom::workerproc
