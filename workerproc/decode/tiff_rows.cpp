#include "workerproc/decode/tiff_rows.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace pairloom::workerproc {
namespace {

constexpr uint64_t kMaxBandBytes = 1u << 30;

template <class T>
T tag(TIFF* tiff, uint32_t number, T otherwise) {
  T value = otherwise;
  return TIFFGetFieldDefaulted(tiff, number, &value) == 1 ? value : otherwise;
}

}  // namespace

size_t TiffLayout::colours() const {
  switch (photometric) {
    case PHOTOMETRIC_RGB:
    case PHOTOMETRIC_YCBCR:
      return 3;
    case PHOTOMETRIC_SEPARATED:
      return 4;
    default:
      return 1;
  }
}

TiffLayout read_tiff_layout(TIFF* tiff) {
  TiffLayout layout;
  layout.width = tag<uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0);
  layout.height = tag<uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0);
  layout.bits = tag<uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  layout.samples = tag<uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  layout.photometric =
      tag<uint16_t>(tiff, TIFFTAG_PHOTOMETRIC, layout.samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
  layout.planar = layout.samples > 1 ? tag<uint16_t>(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG)
                                     : uint16_t{PLANARCONFIG_CONTIG};
  layout.compression = tag<uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  layout.sample_format = tag<uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  layout.tiled = TIFFIsTiled(tiff) != 0;
  uint16_t extra_count = 0, *extra = nullptr;
  if (TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra) == 1 && extra_count > 0 &&
      extra != nullptr) {
    layout.premultiplied = extra[0] == EXTRASAMPLE_ASSOCALPHA;
    layout.alpha = (layout.premultiplied || extra[0] == EXTRASAMPLE_UNASSALPHA) && layout.samples > layout.colours();
  }
  return layout;
}

Result<> TiffRows::begin() {
  const auto too_large = [] { return fail(Errc::kTooLarge, "TIFF: its strips or tiles are too large to read"); };
  const bool planes = layout_.planar == PLANARCONFIG_SEPARATE;
  by_scanline_ = !layout_.tiled && !planes;
  if (by_scanline_) {
    const uint64_t bytes = TIFFScanlineSize64(tiff_),
                   needed = (uint64_t{layout_.width} * layout_.samples * layout_.bits + 7) / 8;
    if (bytes > kMaxBandBytes) return too_large();
    if (bytes < needed) return fail(Errc::kCorrupt, "TIFF: its rows are shorter than its width");
    unit_.resize(bytes);
    return {};
  }
  if (planes && layout_.bits < 8) return fail(Errc::kUnsupported, fmt::format("TIFF: planes of {} bits", layout_.bits));
  uint64_t unit_bytes = 0, across = 1;
  if (layout_.tiled) {
    const uint32_t tile_width = tag<uint32_t>(tiff_, TIFFTAG_TILEWIDTH, 0);
    band_rows_ = tag<uint32_t>(tiff_, TIFFTAG_TILELENGTH, 0);
    if (tile_width == 0 || band_rows_ == 0) return fail(Errc::kCorrupt, "TIFF: tiles without a size");
    across = (uint64_t{layout_.width} + tile_width - 1) / tile_width;
    unit_bytes = TIFFTileSize64(tiff_);
    plane_row_bytes_ = across * TIFFTileRowSize64(tiff_);
  } else {
    band_rows_ = std::min(tag<uint32_t>(tiff_, TIFFTAG_ROWSPERSTRIP, layout_.height), layout_.height);
    if (band_rows_ == 0) return fail(Errc::kCorrupt, "TIFF: strips without rows");
    unit_bytes = TIFFStripSize64(tiff_);
    plane_row_bytes_ = TIFFScanlineSize64(tiff_);
  }
  const size_t plane_samples = planes ? 1 : layout_.samples;
  row_bytes_ = plane_row_bytes_ * (planes ? layout_.samples : 1u);
  if (unit_bytes == 0 || unit_bytes > kMaxBandBytes || plane_row_bytes_ > kMaxBandBytes ||
      uint64_t{row_bytes_} * band_rows_ > kMaxBandBytes)
    return too_large();
  if (plane_row_bytes_ * 8 < uint64_t{layout_.width} * plane_samples * layout_.bits ||
      unit_bytes * across < uint64_t{plane_row_bytes_} * band_rows_)
    return fail(Errc::kCorrupt, "TIFF: its tiles or strips do not fit its size");
  unit_.resize(unit_bytes);
  if (planes) plane_.resize(plane_row_bytes_ * band_rows_);
  band_pixels_.resize(row_bytes_ * band_rows_);
  return {};
}

const uint8_t* TiffRows::row(uint32_t y) {
  if (by_scanline_) return TIFFReadScanline(tiff_, unit_.data(), y, 0) == 1 ? unit_.data() : nullptr;
  if (y / band_rows_ != band_ && !read_band(y / band_rows_)) return nullptr;
  return &band_pixels_[size_t{y % band_rows_} * row_bytes_];
}

bool TiffRows::read_band(uint32_t band) {
  band_ = band;
  const size_t rows = std::min(band_rows_, layout_.height - band * band_rows_);
  const bool planes = layout_.planar == PLANARCONFIG_SEPARATE;
  for (uint16_t plane = 0; plane < (planes ? layout_.samples : 1); ++plane) {
    if (layout_.tiled) {
      if (!read_tiles(band, plane)) return false;
    } else {
      const uint32_t strip = TIFFComputeStrip(tiff_, band * band_rows_, plane);
      const auto wanted = static_cast<tmsize_t>(rows * plane_row_bytes_);
      if (TIFFReadEncodedStrip(tiff_, strip, plane_.data(), wanted) < wanted) return false;
    }
    if (planes) interleave(plane, rows);
  }
  return true;
}

bool TiffRows::read_tiles(uint32_t band, uint16_t plane) {
  const auto tile_width = tag<uint32_t>(tiff_, TIFFTAG_TILEWIDTH, 1);
  const auto tile_row_bytes = static_cast<size_t>(TIFFTileRowSize64(tiff_));
  uint8_t* out = layout_.planar == PLANARCONFIG_SEPARATE ? plane_.data() : band_pixels_.data();
  for (uint32_t x = 0, column = 0; x < layout_.width; x += tile_width, ++column) {
    const uint32_t tile = TIFFComputeTile(tiff_, x, band * band_rows_, 0, plane);
    if (TIFFReadEncodedTile(tiff_, tile, unit_.data(), static_cast<tmsize_t>(unit_.size())) < 0) return false;
    for (uint32_t y = 0; y < band_rows_; ++y)
      memcpy(out + y * plane_row_bytes_ + column * tile_row_bytes, &unit_[y * tile_row_bytes], tile_row_bytes);
  }
  return true;
}

void TiffRows::interleave(uint16_t plane, size_t rows) {
  const size_t bytes = layout_.bits / 8u, samples = layout_.samples;
  for (size_t y = 0; y < rows; ++y)
    for (size_t x = 0; x < layout_.width; ++x)
      memcpy(&band_pixels_[y * row_bytes_ + (x * samples + plane) * bytes], &plane_[y * plane_row_bytes_ + x * bytes],
             bytes);
}

TiffSamples::TiffSamples(const TiffLayout& layout, Samples samples)
    : layout_(layout), samples_(samples), row_(layout.width * bytes_per_pixel(samples)) {}

bool has_16_bit_channels(const TiffLayout& layout) {
  const bool plain = layout.photometric == PHOTOMETRIC_MINISBLACK || layout.photometric == PHOTOMETRIC_MINISWHITE ||
                     layout.photometric == PHOTOMETRIC_RGB;
  return plain && layout.bits == 16 && layout.samples >= layout.colours();
}

std::unique_ptr<TiffSamples> TiffSamples::make(TIFF* tiff, const TiffLayout& layout, bool keep_16_bits) {
  const bool whole = layout.bits == 8 || layout.bits == 16;
  const bool packed = layout.samples == 1 && (layout.bits == 1 || layout.bits == 2 || layout.bits == 4);
  if ((!whole && !packed) || layout.samples < layout.colours()) return nullptr;
  const auto with = [&](Samples samples) { 
    auto made = std::unique_ptr<TiffSamples>(new TiffSamples(layout, samples));
    made->keep_16_bits_ = keep_16_bits;
    if (keep_16_bits) made->wide_row_.resize(layout.width * bytes_per_pixel(samples));
    return made;
  };
  switch (layout.photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      return with(layout.alpha ? Samples::kGrayAlpha : Samples::kGray);
    case PHOTOMETRIC_RGB:
      return with(layout.alpha ? Samples::kRgba : Samples::kRgb);
    case PHOTOMETRIC_YCBCR:  // only JPEG data, which libtiff hands out as RGB (JPEGCOLORMODE_RGB)
      return layout.compression == COMPRESSION_JPEG && layout.planar == PLANARCONFIG_CONTIG && layout.bits == 8
                 ? with(Samples::kRgb)
                 : nullptr;
    case PHOTOMETRIC_SEPARATED:
      return with(Samples::kRgb);
    case PHOTOMETRIC_PALETTE:
      break;
    default:
      return nullptr;
  }
  uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
  if (layout.bits > 8 || TIFFGetField(tiff, TIFFTAG_COLORMAP, &red, &green, &blue) != 1) return nullptr;
  auto palette = with(Samples::kRgb);
  const size_t entries = size_t{1} << layout.bits;
  bool small = true;  // some writers put 8-bit values into the 16-bit table
  for (size_t i = 0; i < entries; ++i) small = small && red[i] < 256 && green[i] < 256 && blue[i] < 256;
  for (size_t i = 0; i < entries; ++i)
    for (const uint16_t value : {red[i], green[i], blue[i]})
      palette->palette_.push_back(static_cast<uint8_t>(small ? value : value >> 8));
  return palette;
}

// Sample `index` of a row, scaled to 8 bits by rounding; palette indices as they are.
uint8_t TiffSamples::sample(const uint8_t* stored, size_t index) const {
  if (layout_.bits == 8) return stored[index];
  if (layout_.bits == 16) {
    uint16_t value = 0;
    memcpy(&value, stored + 2 * index, 2);
    return static_cast<uint8_t>((value + 128u) / 257u);
  }
  const size_t per_byte = 8u / layout_.bits, shift = 8u - layout_.bits * (index % per_byte + 1);
  const unsigned most = (1u << layout_.bits) - 1,
                 value = static_cast<unsigned>(stored[index / per_byte]) >> shift & most;
  return static_cast<uint8_t>(palette_.empty() ? value * 255 / most : value);
}

void TiffSamples::convert_pixel(const uint8_t* stored, size_t x, uint8_t* out) const {
  const size_t first = x * layout_.samples, colours = layout_.colours();
  if (!palette_.empty()) {
    memcpy(out, &palette_[3u * sample(stored, first)], 3);
    return;
  }
  if (layout_.photometric == PHOTOMETRIC_SEPARATED) {  // ink: 255 is full
    const unsigned light = 255u - sample(stored, first + 3);
    for (size_t c = 0; c < 3; ++c)
      out[c] = static_cast<uint8_t>(((255u - sample(stored, first + c)) * light + 127) / 255);
    return;
  }
  for (size_t c = 0; c < colours; ++c) {
    const uint8_t value = sample(stored, first + c);
    out[c] = layout_.photometric == PHOTOMETRIC_MINISWHITE ? static_cast<uint8_t>(255 - value) : value;
  }
  if (!layout_.alpha) return;
  const uint8_t alpha = sample(stored, first + colours);
  out[colours] = alpha;
  if (layout_.premultiplied)
    for (size_t c = 0; c < colours && alpha > 0; ++c)
      out[c] = static_cast<uint8_t>(std::min(255u, (out[c] * 255u + alpha / 2u) / alpha));
}

void TiffSamples::keep_pixels(const uint8_t* stored) {
  const size_t channels = bytes_per_pixel(samples_);
  for (size_t x = 0; x < layout_.width; ++x)
    for (size_t c = 0; c < channels; ++c) {
      uint16_t& value = wide_row_[x * channels + c];
      memcpy(&value, stored + 2 * (x * layout_.samples + c), 2);
      if (layout_.photometric == PHOTOMETRIC_MINISWHITE && c == 0) value = static_cast<uint16_t>(~value);
    }
}

const uint8_t* TiffSamples::convert(const uint8_t* stored) {
  if (keep_16_bits_) {
    keep_pixels(stored);
    return reinterpret_cast<const uint8_t*>(wide_row_.data());
  }
  const bool as_stored = layout_.bits == 8 && palette_.empty() && layout_.samples == bytes_per_pixel(samples_) &&
                         layout_.photometric != PHOTOMETRIC_MINISWHITE && !layout_.premultiplied;
  if (as_stored) return stored;
  const size_t step = bytes_per_pixel(samples_);
  for (size_t x = 0; x < layout_.width; ++x) convert_pixel(stored, x, &row_[x * step]);
  return row_.data();
}

}  // namespace pairloom::workerproc
