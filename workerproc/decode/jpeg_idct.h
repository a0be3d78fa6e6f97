// Inverse DCTs of the gray JPEG decoder (jpeg_scan.h): an 8x8 block of terms -> 8x8 pixels, or 4x4, 2x2 or 1, each the
// mean of the full picture's pixels it covers. The results equal those of libjpeg-turbo's jpeg_idct_islow (jidctint.c),
// jpeg_idct_4x4, _2x2 and _1x1 (jidctred.c), and of its vector versions where values overflow 16 bits, bit for bit.
// Runs in: worker only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace pairloom::workerproc {

// The terms of several blocks side by side, so that vectors of 128, 256 and 512 bits hold a row of one, two or four.
struct alignas(64) JpegTerms {
  static constexpr size_t kBlocks = 4, kRowStep = kBlocks * 8;
  static constexpr size_t kNowhere = 8 * kRowStep;  // from any block's first term: a place that no transform looks at

  [[gnu::always_inline]] int16_t* block(size_t index) { return values + index * 8; }
  [[gnu::always_inline]] const int16_t* block(size_t index) const { return values + index * 8; }

  int16_t values[kNowhere + kRowStep] = {};  // [vertical frequency][block][horizontal frequency], then kNowhere
};

// The transforms for one kind of processor.
struct JpegIdct {
  // Of the first `count` (1 to JpegTerms::kBlocks) blocks. `quant`: 64 values, row-major, 16-byte aligned; products wrap
  // to 16 bits. Block i's first pixel is at out[i], and its rows are `stride` apart.
  using Function = void (*)(const JpegTerms& terms, const int16_t* quant, uint8_t* const* out, size_t count,
                            size_t stride);

  const char* name;
  Function to_8x8, to_4x4, to_2x2;
};

// Those that this processor has, the fastest first; the last is plain C++. All give the same pixels.
std::span<const JpegIdct> jpeg_idcts();

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
