#include <png.h>
#include <cstdlib>
#include <cstring>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

void on_write(png_structp png, png_bytep data, size_t size) {
  auto& out = *static_cast<Bytes*>(png_get_io_ptr(png));
  const auto* begin = reinterpret_cast<const std::byte*>(data);
  out.insert(out.end(), begin, begin + size);
}
void on_flush(png_structp) {}

int png_colour(PngOptions::Colour colour) {
  switch (colour) {
    case PngOptions::Colour::kGray:
      return PNG_COLOR_TYPE_GRAY;
    case PngOptions::Colour::kGrayAlpha:
      return PNG_COLOR_TYPE_GRAY_ALPHA;
    case PngOptions::Colour::kRgb:
      return PNG_COLOR_TYPE_RGB;
    case PngOptions::Colour::kRgba:
      return PNG_COLOR_TYPE_RGB_ALPHA;
    case PngOptions::Colour::kPalette:
    case PngOptions::Colour::kPaletteAlpha:
      break;
  }
  return PNG_COLOR_TYPE_PALETTE;
}

// The samples as PNG stores them, 8 or 16 bits (big endian) each; smaller depths one sample per byte.
cv::Mat stored_samples(const cv::Mat& image, const PngOptions& options) {
  cv::Mat samples;
  switch (options.colour) {
    case PngOptions::Colour::kGray:
      samples = with_channels(image, 1).clone();
      break;
    case PngOptions::Colour::kGrayAlpha: {
      const cv::Mat bgra = with_channels(image, 4);
      cv::Mat alpha;
      cv::extractChannel(bgra, alpha, 3);
      cv::merge(std::vector<cv::Mat>{with_channels(bgra, 1), alpha}, samples);
      break;
    }
    case PngOptions::Colour::kRgb:
      cv::cvtColor(with_channels(image, 3), samples, cv::COLOR_BGR2RGB);
      break;
    case PngOptions::Colour::kRgba:
      cv::cvtColor(with_channels(image, 4), samples, cv::COLOR_BGRA2RGBA);
      break;
    case PngOptions::Colour::kPalette:
    case PngOptions::Colour::kPaletteAlpha:
      samples = to_cube(with_channels(image, 3));
      break;
  }
  if (options.colour == PngOptions::Colour::kPaletteAlpha) {
    cv::Mat alpha;
    cv::extractChannel(with_channels(image, 4), alpha, 3);
    samples.setTo(kCubeColours, alpha < 128);
  }
  if (options.bits < 8)
    for (auto& v : cv::Mat_<uchar>(samples)) v = static_cast<uchar>(v >> (8 - options.bits));
  if (options.bits == 16) samples.convertTo(samples, CV_16U, 257);
  return samples;
}

void set_palette(png_structp png, png_infop info, bool transparent) {
  png_color palette[kCubeColours + 1] = {};
  png_byte alpha[kCubeColours + 1];
  memset(alpha, 255, sizeof alpha);
  for (int i = 0; i < kCubeColours; ++i) {
    const cv::Vec3b c = cube_colour(i);
    palette[i] = {c[2], c[1], c[0]};
  }
  alpha[kCubeColours] = 0;
  png_set_PLTE(png, info, palette, kCubeColours + 1);
  if (transparent) png_set_tRNS(png, info, alpha, kCubeColours + 1, nullptr);
}

void set_text(png_structp png, png_infop info, const std::string& text) {
  char key[] = "Comment";
  png_text entry{};
  entry.compression = PNG_TEXT_COMPRESSION_zTXt;
  entry.key = key;
  entry.text = const_cast<char*>(text.c_str());
  entry.text_length = text.size();
  png_set_text(png, info, &entry, 1);
}

}  // namespace

Bytes encode_png(const cv::Mat& image, const PngOptions& options) {
  cv::Mat samples = stored_samples(image, options);
  Bytes out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  if (png == nullptr) abort();
  png_infop info = png_create_info_struct(png);
  if (setjmp(png_jmpbuf(png))) abort();  // a test's own encoder has no business failing
  png_set_write_fn(png, &out, on_write, on_flush);
  png_set_user_limits(png, 1'000'000, 1'000'000);
  const int colour = png_colour(options.colour);
  png_set_IHDR(png, info, static_cast<png_uint_32>(samples.cols), static_cast<png_uint_32>(samples.rows), options.bits,
               colour, options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, options.compression);
  if (colour == PNG_COLOR_TYPE_PALETTE) set_palette(png, info, options.colour == PngOptions::Colour::kPaletteAlpha);
  if (!options.text.empty()) set_text(png, info, options.text);
  Bytes exif;
  if (options.orientation != 0) {
    exif = exif_block(options.orientation);
    png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()), reinterpret_cast<png_bytep>(exif.data()));
  }
  png_write_info(png, info);
  if (options.filter >= 0) png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_NONE << options.filter);
  if (options.bits < 8) png_set_packing(png);
  if (options.bits == 16) png_set_swap(png);
  std::vector<png_bytep> rows;
  for (int y = 0; y < samples.rows; ++y) rows.push_back(samples.ptr(y));
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace pairloom::test
