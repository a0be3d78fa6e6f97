#include <tiffio.h>
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

struct MemoryFile {
  Bytes bytes;
  size_t at = 0;
};
MemoryFile& file_of(thandle_t handle) {
  return *static_cast<MemoryFile*>(handle);
}

tmsize_t on_read(thandle_t handle, void* data, tmsize_t size) {
  MemoryFile& file = file_of(handle);
  const size_t count = std::min(static_cast<size_t>(size), file.bytes.size() - std::min(file.at, file.bytes.size()));
  if (count > 0) memcpy(data, file.bytes.data() + file.at, count);
  file.at += count;
  return static_cast<tmsize_t>(count);
}
tmsize_t on_write(thandle_t handle, void* data, tmsize_t size) {
  MemoryFile& file = file_of(handle);
  const auto count = static_cast<size_t>(size);
  if (file.bytes.size() < file.at + count) file.bytes.resize(file.at + count);
  memcpy(file.bytes.data() + file.at, data, count);
  file.at += count;
  return size;
}
toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
  MemoryFile& file = file_of(handle);
  file.at = static_cast<size_t>(offset) + (whence == SEEK_CUR ? file.at : whence == SEEK_END ? file.bytes.size() : 0);
  return file.at;
}
int on_close(thandle_t) {
  return 0;
}
toff_t on_size(thandle_t handle) {
  return file_of(handle).bytes.size();
}

uint16_t photometric_of(TiffOptions::Colour colour, bool jpeg) {
  switch (colour) {
    case TiffOptions::Colour::kGray:
      return PHOTOMETRIC_MINISBLACK;
    case TiffOptions::Colour::kMinIsWhite:
      return PHOTOMETRIC_MINISWHITE;
    case TiffOptions::Colour::kPalette:
      return PHOTOMETRIC_PALETTE;
    case TiffOptions::Colour::kCmyk:
      return PHOTOMETRIC_SEPARATED;
    case TiffOptions::Colour::kRgb:
    case TiffOptions::Colour::kRgba:
      break;
  }
  return jpeg ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB;
}

uint16_t compression_of(TiffOptions::Compression compression) {
  static constexpr uint16_t kCodes[] = {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
                                        COMPRESSION_PACKBITS, COMPRESSION_JPEG};
  return kCodes[static_cast<int>(compression)];
}

// Interleaved samples of 8 or 16 bits; 1-bit images are packed row by row into bytes.
cv::Mat stored_samples(const cv::Mat& image, const TiffOptions& options) {
  cv::Mat samples;
  switch (options.colour) {
    case TiffOptions::Colour::kGray:
      samples = with_channels(image, 1).clone();
      break;
    case TiffOptions::Colour::kMinIsWhite:
      samples = 255 - with_channels(image, 1);
      break;
    case TiffOptions::Colour::kRgb:
      cv::cvtColor(with_channels(image, 3), samples, cv::COLOR_BGR2RGB);
      break;
    case TiffOptions::Colour::kRgba:
      cv::cvtColor(with_channels(image, 4), samples, cv::COLOR_BGRA2RGBA);
      break;
    case TiffOptions::Colour::kPalette:
      samples = to_cube(with_channels(image, 3));
      break;
    case TiffOptions::Colour::kCmyk: {
      cv::Mat rgb;
      cv::cvtColor(with_channels(image, 3), rgb, cv::COLOR_BGR2RGB);
      cv::Mat cmy = cv::Scalar::all(255) - rgb;
      cv::merge(std::vector<cv::Mat>{cmy, cv::Mat::zeros(cmy.size(), CV_8UC1)}, samples);
      break;
    }
  }
  if (options.bits == 16) samples.convertTo(samples, CV_16U, 257);
  if (options.bits == 1) {
    cv::Mat packed = cv::Mat::zeros(samples.rows, (samples.cols + 7) / 8, CV_8UC1);
    for (int y = 0; y < samples.rows; ++y)
      for (int x = 0; x < samples.cols; ++x)
        if (samples.at<uchar>(y, x) >= 128) packed.at<uchar>(y, x / 8) |= static_cast<uchar>(0x80 >> (x % 8));
    samples = packed;
  }
  return samples;
}

void set_fields(TIFF* tiff, cv::Size size, int channels, const TiffOptions& options) {
  const bool jpeg = options.compression == TiffOptions::Compression::kJpeg;
  const uint16_t photometric = photometric_of(options.colour, jpeg);
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, size.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, size.height);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, options.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, channels);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, options.planar ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression_of(options.compression));
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, photometric);
  if (photometric == PHOTOMETRIC_YCBCR) TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
  if (options.orientation != 0) TIFFSetField(tiff, TIFFTAG_ORIENTATION, options.orientation);
  if (options.camera_raw) TIFFSetField(tiff, TIFFTAG_DNGVERSION, "\1\4\0\0");
  if (options.colour == TiffOptions::Colour::kRgba) {
    const uint16_t extra = EXTRASAMPLE_UNASSALPHA;
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &extra);
  }
  if (photometric == PHOTOMETRIC_PALETTE) {
    std::vector<uint16_t> red(256), green(256), blue(256);
    for (size_t i = 0; i < kCubeColours; ++i) {
      const cv::Vec3b c = cube_colour(static_cast<int>(i));
      red[i] = static_cast<uint16_t>(c[2] * 257);
      green[i] = static_cast<uint16_t>(c[1] * 257);
      blue[i] = static_cast<uint16_t>(c[0] * 257);
    }
    TIFFSetField(tiff, TIFFTAG_COLORMAP, red.data(), green.data(), blue.data());
  }
  if (options.tiled) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, 64);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, 64);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, options.rows_per_strip);
  }
}

// One plane of samples (all channels, or one) as strips or tiles; tiles at the edge are padded with zeros.
void write_plane(TIFF* tiff, const cv::Mat& plane, uint16_t index, bool tiled) {
  if (!tiled) {
    for (int y = 0; y < plane.rows; ++y)
      if (TIFFWriteScanline(tiff, const_cast<uchar*>(plane.ptr(y)), static_cast<uint32_t>(y), index) < 0) abort();
    return;
  }
  cv::Mat padded;
  cv::copyMakeBorder(plane, padded, 0, (64 - plane.rows % 64) % 64, 0, (64 - plane.cols % 64) % 64,
                     cv::BORDER_CONSTANT);
  for (int y = 0; y < padded.rows; y += 64)
    for (int x = 0; x < padded.cols; x += 64) {
      cv::Mat tile = padded(cv::Rect(x, y, 64, 64)).clone();
      if (TIFFWriteTile(tiff, tile.data, static_cast<uint32_t>(x), static_cast<uint32_t>(y), 0, index) < 0) abort();
    }
}

void write_page(TIFF* tiff, const cv::Mat& image, const TiffOptions& options) {
  const cv::Mat samples = stored_samples(image, options);
  set_fields(tiff, image.size(), samples.channels(), options);
  if (options.planar) {
    std::vector<cv::Mat> planes;
    cv::split(samples, planes);
    for (size_t i = 0; i < planes.size(); ++i) write_plane(tiff, planes[i], static_cast<uint16_t>(i), options.tiled);
  } else {
    write_plane(tiff, samples, 0, options.tiled);
  }
  TIFFWriteDirectory(tiff);
}

}  // namespace

Bytes encode_tiff(const cv::Mat& image, const TiffOptions& options) {
  MemoryFile file;
  TIFF* tiff = TIFFClientOpen("memory", options.big_endian ? "wb" : "wl", &file, on_read, on_write, on_seek, on_close,
                              on_size, nullptr, nullptr);
  if (tiff == nullptr) abort();
  write_page(tiff, image, options);
  for (int page = 1; page < options.pages; ++page) write_page(tiff, cv::Mat::zeros(image.size(), CV_8UC3), options);
  for (int level = 1; level <= options.levels; ++level) {
    TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE);
    const cv::Size size((image.cols + (1 << level) - 1) >> level, (image.rows + (1 << level) - 1) >> level);
    write_page(tiff, cv::Mat(size, CV_8UC3, cv::Scalar::all(40 * level)), options);
  }
  TIFFClose(tiff);
  return std::move(file.bytes);
}

}  // namespace pairloom::test
