// Rows of 8-bit samples out of an open TIFF, from strips or tiles, interleaved or in planes, without the full raster in
// memory. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <tiffio.h>

#include "base/result.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {

// What the tags of a directory say about its pixels.
struct TiffLayout {
  uint32_t width = 0, height = 0;
  uint16_t bits = 1, samples = 1, photometric = 0, planar = PLANARCONFIG_CONTIG, compression = COMPRESSION_NONE;
  uint16_t sample_format = SAMPLEFORMAT_UINT;
  bool tiled = false;
  bool alpha = false, premultiplied = false;  // the first extra sample
  size_t colours() const;                     // samples that are colour
};
TiffLayout read_tiff_layout(TIFF* tiff);
// True for gray and RGB of 16 bits a sample, which can be handed out as they are.
bool has_16_bit_channels(const TiffLayout& layout);

// The rows as the file stores them: samples of 1..8 or 16 bits (native order), interleaved.
class TiffRows {
 public:
  TiffRows(TIFF* tiff, const TiffLayout& layout) : tiff_(tiff), layout_(layout) {}
  // Makes the buffers. Errors: kTooLarge, kCorrupt (sizes that do not fit together).
  Result<> begin();
  // Row `y`; rows are asked for in order. Null if the data is damaged (the handlers of the TIFF know why). Valid until
  // the next call.
  const uint8_t* row(uint32_t y);

 private:
  bool read_band(uint32_t band);
  bool read_tiles(uint32_t band, uint16_t plane);
  void interleave(uint16_t plane, size_t rows);

  TIFF* tiff_;
  TiffLayout layout_;
  bool by_scanline_ = false;    // interleaved strips: libtiff hands out rows
  uint32_t band_rows_ = 0;      // else: rows of a strip or of a row of tiles
  uint32_t band_ = UINT32_MAX;  // in memory
  size_t row_bytes_ = 0;        // of an interleaved row in band_pixels_
  size_t plane_row_bytes_ = 0;  // of a row of one plane (or, interleaved, of the same row)
  std::vector<uint8_t> unit_;   // one tile or one strip
  std::vector<uint8_t> plane_;  // one plane of a band
  std::vector<uint8_t> band_pixels_;
};

// Stored rows -> rows that RowWriter takes: of 8 bits, or of 16 where those are to be kept.
class TiffSamples {
 public:
  // Null if this layout has no direct conversion.
  static std::unique_ptr<TiffSamples> make(TIFF* tiff, const TiffLayout& layout, bool keep_16_bits);
  Samples samples() const { return samples_; }
  const uint8_t* convert(const uint8_t* stored);

 private:
  TiffSamples(const TiffLayout& layout, Samples samples);
  uint8_t sample(const uint8_t* stored, size_t index) const;
  void keep_pixels(const uint8_t* stored);
  void convert_pixel(const uint8_t* stored, size_t x, uint8_t* out) const;

  TiffLayout layout_;
  Samples samples_;
  bool keep_16_bits_ = false;
  std::vector<uint8_t> palette_;  // RGB triples
  std::vector<uint8_t> row_;
  std::vector<uint16_t> wide_row_;
};

}  // namespace pairloom::workerproc
