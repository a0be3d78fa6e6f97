// How decoded rows become a Picture: limits, the choice of the reduction, and the way from a format's samples to gray
// BGR or RGBA at the reduced size, row by row, so that no decoder needs the full raster in memory. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {

// No side may be longer, whatever the pixel limit: sums over a side stay within 32 bits (extract/area.h).
constexpr uint32_t kMaxSidePx = 1'000'000;
// Above kBombMinPixels no honest file holds more pixels per byte. DEFLATE reaches 1032 bytes (8256 bilevel pixels) per
// byte, a blank G4 fax page of 600 dpi about 40,000; a lossless WebP of 36 bytes may claim 16383 x 16383 pixels and
// cost 1 GB.
constexpr uint64_t kBombMinPixels = 16'000'000, kBombPixelsPerByte = 100'000;

// The largest of 1, 2, 4, 8 that leaves the short side at least `min_short_side_px`; 1 if that is 0.
uint8_t choose_reduction(uint32_t width_px, uint32_t height_px, uint32_t min_short_side_px);
// Length of a side at 1/reduction: rounded up, as libjpeg does; the last pixel then covers less than `reduction`.
constexpr uint32_t reduced(uint32_t length_px, uint32_t reduction) {
  return (length_px + reduction - 1) / reduction;
}

// Checks the size a header claims for a file of `file_bytes`, then sets the sizes and the reduction of `picture` and
// makes room. `format` begins the messages: "PNG". `bits` is what the file has a sample: with kChannel, 16 are kept.
// Errors: kCorrupt (no pixels), kTooLarge.
Result<> begin_picture(Picture& picture, const DecodeRequest& request, std::string_view format, uint64_t width_px,
                       uint64_t height_px, size_t file_bytes, uint32_t bits = 8);

// What a decoder hands over, interleaved; 8 bits a sample, or what picture.bits_per_sample says. Alpha is straight (not
// premultiplied).
enum class Samples : uint8_t { kGray, kGrayAlpha, kRgb, kRgba, kBgr, kBgra };
constexpr size_t bytes_per_pixel(Samples samples) {
  constexpr size_t kBytes[] = {1, 2, 3, 4, 3, 4};
  return kBytes[static_cast<size_t>(samples)];
}

// One row of `width` pixels in the other layout. Alpha is composited on white, or kept where the layout has it. Gray is
// (19595 R + 38470 G + 7471 B + 32768) >> 16: 0.299, 0.587, 0.114 (ITU-R BT.601) rounded to nearest, the numbers
// libjpeg uses, so that the gray of a PNG and of a JPEG are of one kind.
void convert_line(Samples samples, const uint8_t* in, PixelLayout layout, uint8_t* out, size_t width);
// The same for a row of `picture`, whatever its layout; of kChannel the channel as it is. Sets picture.channels.
void convert_row(Samples samples, const uint8_t* in, Picture& picture, uint8_t* out, size_t width);

// Takes the rows of the full raster from top to bottom and writes the reduced picture, converted as by
// convert_row. A reduced pixel is the mean of its block, rounded to nearest.
class RowWriter {
 public:
  // `picture` has been begun, outlives this, and is not resized meanwhile. Sets its is_gray.
  RowWriter(Picture& picture, Samples samples);
  // full_width_px pixels. Rows beyond the picture's height are ignored. Does not allocate or throw.
  void write(const uint8_t* row);
  uint32_t rows_written() const { return rows_; }

 private:
  void add_to_block(const uint8_t* line);
  void emit_block();

  Picture& picture_;
  Samples samples_;
  size_t channels_;             // of the picture: 1, 3 or 4
  uint32_t rows_ = 0;           // taken
  uint32_t block_rows_ = 0;     // of them in the block under way
  std::vector<uint8_t> line_;   // one full row in the picture's layout
  std::vector<uint16_t> sums_;  // columns of the block under way; at most 8 x 255
};

}  // namespace pairloom::workerproc
