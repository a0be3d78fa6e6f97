#include "tests/unit/workerproc/sample_files.h"

#include <algorithm>
#include <opencv2/imgproc.hpp>

#include "tests/support/draw.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

cv::Mat gray_as_bgr(const cv::Mat& bgr) {
  return with_channels(with_channels(bgr, 1), 3);
}
cv::Mat black_and_white(const cv::Mat& bgr) {
  cv::Mat mask = with_channels(bgr, 1) >= 128;
  return with_channels(mask, 3);
}
cv::Mat cubed(const cv::Mat& bgr) {
  cv::Mat indices = to_cube(bgr), shown(bgr.size(), CV_8UC3);
  for (int y = 0; y < bgr.rows; ++y)
    for (int x = 0; x < bgr.cols; ++x) shown.at<cv::Vec3b>(y, x) = cube_colour(indices.at<uchar>(y, x));
  return shown;
}
// Palette pictures are transparent where alpha is below 128 and opaque elsewhere.
cv::Mat cubed_where_opaque(const cv::Mat& bgra) {
  cv::Mat shown = cubed(with_channels(bgra, 3)), alpha;
  cv::extractChannel(bgra, alpha, 3);
  shown.setTo(cv::Scalar::all(255), alpha < 128);
  return shown;
}
cv::Mat gray_bits(const cv::Mat& bgr, int bits) {
  cv::Mat gray = with_channels(bgr, 1).clone();
  for (auto& v : cv::Mat_<uchar>(gray)) v = static_cast<uchar>((v >> (8 - bits)) * 255 / ((1 << bits) - 1));
  return with_channels(gray, 3);
}
cv::Mat five_bits(const cv::Mat& bgr) {
  cv::Mat shown = bgr.clone();
  for (auto& pixel : cv::Mat_<cv::Vec3b>(shown))
    for (int c = 0; c < 3; ++c) pixel[c] = static_cast<uchar>(((pixel[c] >> 3) * 255 + 15) / 31);
  return shown;
}

class List {
 public:
  void add(std::string name, ImageFormat format, Bytes bytes, const cv::Mat& shown, double mean_error = 0) {
    files_.push_back({std::move(name), format, std::move(bytes), shown, mean_error});
  }
  std::vector<SampleFile> take() { return std::move(files_); }

 private:
  std::vector<SampleFile> files_;
};

void add_jpegs(List& list, const cv::Mat& bgr) {
  using Colour = JpegOptions::Colour;
  using Subsampling = JpegOptions::Subsampling;
  const auto add = [&](std::string name, const JpegOptions& options, double error) {
    const bool gray = options.colour == Colour::kGray;
    list.add("jpeg " + name, ImageFormat::kJpeg, encode_jpeg(bgr, options), gray ? gray_as_bgr(bgr) : bgr, error);
  };
  add("4:2:0", {}, 6);
  add("4:4:4", {.quality = 95, .subsampling = Subsampling::k444}, 4);
  add("4:2:2", {.subsampling = Subsampling::k422}, 6);
  add("4:4:0", {.subsampling = Subsampling::k440}, 6);
  add("4:1:1", {.subsampling = Subsampling::k411}, 7);
  add("4:1:0", {.subsampling = Subsampling::k410}, 7);  // TurboJPEG has no name for it
  add("gray", {.colour = Colour::kGray}, 4);
  add("RGB", {.quality = 95, .colour = Colour::kRgb, .subsampling = Subsampling::k444}, 4);
  add("CMYK", {.quality = 95, .colour = Colour::kCmyk, .subsampling = Subsampling::k444}, 5);
  add("YCCK", {.quality = 95, .colour = Colour::kYcck, .subsampling = Subsampling::k444}, 6);
  add("progressive", {.progressive = true}, 6);
  add("restart markers", {.restart_mcus = 3}, 6);
}

void add_pngs(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  using Colour = PngOptions::Colour;
  const auto add = [&](std::string name, const cv::Mat& image, const PngOptions& options, const cv::Mat& shown,
                       double error = 0) {
    list.add("png " + name, ImageFormat::kPng, encode_png(image, options), shown, error);
  };
  add("RGB", bgr, {}, bgr);
  add("RGB interlaced", bgr, {.interlaced = true}, bgr);
  add("RGB 16 bit", bgr, {.bits = 16}, bgr);
  add("gray", bgr, {.colour = Colour::kGray}, gray_as_bgr(bgr));
  add("gray 16 bit", bgr, {.colour = Colour::kGray, .bits = 16}, gray_as_bgr(bgr));
  add("gray 4 bit", bgr, {.colour = Colour::kGray, .bits = 4}, gray_bits(bgr, 4));
  add("gray 2 bit interlaced", bgr, {.colour = Colour::kGray, .bits = 2, .interlaced = true}, gray_bits(bgr, 2));
  add("gray 1 bit", bgr, {.colour = Colour::kGray, .bits = 1}, gray_bits(bgr, 1));
  add("palette", bgr, {.colour = Colour::kPalette}, cubed(bgr));
  add("RGBA", bgra, {.colour = Colour::kRgba}, composite_on_white(bgra), 0.6);
  add("RGBA 16 bit", bgra, {.colour = Colour::kRgba, .bits = 16}, composite_on_white(bgra), 0.6);
  add("gray alpha", bgra, {.colour = Colour::kGrayAlpha}, gray_as_bgr(composite_on_white(bgra)), 0.6);
  add("palette with transparency", bgra, {.colour = Colour::kPaletteAlpha}, cubed_where_opaque(bgra));
}

void add_webps(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  const auto add = [&](std::string name, const cv::Mat& image, const WebpOptions& options, const cv::Mat& shown,
                       double error) {
    list.add("webp " + name, ImageFormat::kWebp, encode_webp(image, options), shown, error);
  };
  add("lossy", bgr, {}, bgr, 8);
  add("lossless", bgr, {.lossless = true}, bgr, 0);
  add("lossy alpha", bgra, {}, composite_on_white(bgra), 8);
  add("lossless alpha", bgra, {.lossless = true}, composite_on_white(bgra), 0.6);
  add("animated", bgr, {.lossless = true, .frames = 3}, bgr, 0);
  add("with EXIF", bgr, {.lossless = true, .orientation = 1}, bgr, 0);
}

void add_tiffs(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  using Colour = TiffOptions::Colour;
  using Compression = TiffOptions::Compression;
  const auto add = [&](std::string name, const cv::Mat& image, const TiffOptions& options, const cv::Mat& shown,
                       double error = 0) {
    list.add("tiff " + name, ImageFormat::kTiff, encode_tiff(image, options), shown, error);
  };
  add("RGB LZW", bgr, {}, bgr);
  add("RGB plain", bgr, {.compression = Compression::kNone}, bgr);
  add("RGB PackBits", bgr, {.compression = Compression::kPackBits}, bgr);
  add("RGB deflate tiles", bgr, {.compression = Compression::kDeflate, .tiled = true}, bgr);
  add("RGB planes", bgr, {.planar = true}, bgr);
  add("RGB planes in tiles", bgr, {.tiled = true, .planar = true}, bgr);
  add("RGB 16 bit big endian", bgr, {.bits = 16, .big_endian = true}, bgr);
  add("RGB 16 bit planes", bgr, {.bits = 16, .planar = true}, bgr);
  add("RGB JPEG", bgr, {.compression = Compression::kJpeg}, bgr, 12);
  add("gray", bgr, {.colour = Colour::kGray}, gray_as_bgr(bgr));
  add("gray 16 bit", bgr, {.colour = Colour::kGray, .bits = 16}, gray_as_bgr(bgr));
  add("bilevel", bgr, {.colour = Colour::kGray, .bits = 1}, black_and_white(bgr));
  add("min is white", bgr, {.colour = Colour::kMinIsWhite}, gray_as_bgr(bgr));
  add("palette", bgr, {.colour = Colour::kPalette}, cubed(bgr));
  add("CMYK", bgr, {.colour = Colour::kCmyk}, bgr);
  add("RGBA", bgra, {.colour = Colour::kRgba}, composite_on_white(bgra), 0.6);
  add("two pages", bgr, {.pages = 2}, bgr);
}

void add_others(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  list.add("gif", ImageFormat::kGif, encode_gif(bgr), cubed(bgr));
  list.add("gif interlaced", ImageFormat::kGif, encode_gif(bgr, {.interlaced = true}), cubed(bgr));
  list.add("gif animated", ImageFormat::kGif, encode_gif(bgr, {.frames = 3}), cubed(bgr));
  list.add("gif transparent", ImageFormat::kGif, encode_gif(bgra, {.transparent = true}), cubed_where_opaque(bgra));
  list.add("bmp 24 bit", ImageFormat::kBmp, encode_bmp(bgr), bgr);
  list.add("bmp 24 bit top down", ImageFormat::kBmp, encode_bmp(bgr, {.top_down = true}), bgr);
  list.add("bmp 32 bit", ImageFormat::kBmp, encode_bmp(bgr, {.bits = 32}), bgr);
  list.add("bmp 16 bit", ImageFormat::kBmp, encode_bmp(bgr, {.bits = 16}), five_bits(bgr));
  list.add("bmp 8 bit", ImageFormat::kBmp, encode_bmp(bgr, {.bits = 8}), gray_as_bgr(bgr));
  list.add("bmp 8 bit RLE", ImageFormat::kBmp, encode_bmp(bgr, {.bits = 8, .rle = true}), gray_as_bgr(bgr));
  list.add("bmp 1 bit", ImageFormat::kBmp, encode_bmp(bgr, {.bits = 1}), black_and_white(bgr));
  for (const int kind : {1, 4})
    list.add("pnm P" + std::to_string(kind), ImageFormat::kPnm, encode_pnm(bgr, kind), black_and_white(bgr));
  for (const int kind : {2, 5})
    list.add("pnm P" + std::to_string(kind), ImageFormat::kPnm, encode_pnm(bgr, kind), gray_as_bgr(bgr));
  for (const int kind : {3, 6}) list.add("pnm P" + std::to_string(kind), ImageFormat::kPnm, encode_pnm(bgr, kind), bgr);
  list.add("pnm P6 16 bit", ImageFormat::kPnm, encode_pnm(bgr, 6, 65535), bgr);
}

void add_heifs(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  for (const bool av1 : {false, true}) {
    const auto add = [&](const std::string& name, const cv::Mat& image, HeifOptions options, const cv::Mat& shown,
                         double error) {
      options.av1 = av1;
      list.add((av1 ? "avif " : "heif ") + name, av1 ? ImageFormat::kAvif : ImageFormat::kHeif,
               encode_heif(image, options), shown, error);
    };
    add("lossy", bgr, {}, bgr, 8);
    add("lossy alpha", bgra, {}, composite_on_white(bgra), 8);
    add("gray lossless", with_channels(bgr, 1), {.lossless = true}, gray_as_bgr(bgr), 0);
    add("gray tiles", with_channels(bgr, 1), {.lossless = true, .columns = 2, .rows = 2, .scattered = true},
        gray_as_bgr(bgr), 0);
    add("beside a sequence", with_channels(bgr, 1), {.lossless = true, .sequence = true}, gray_as_bgr(bgr), 0);
  }
}

void add_jxls(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  const auto add = [&](const std::string& name, const cv::Mat& image, const JxlOptions& options, const cv::Mat& shown,
                       double error) {
    list.add("jxl " + name, ImageFormat::kJxl, encode_jxl(image, options), shown, error);
  };
  add("lossy", bgr, {}, bgr, 6);
  add("lossy alpha", bgra, {}, composite_on_white(bgra), 6);
  add("lossless", bgr, {.lossless = true, .container = true}, bgr, 0);
  add("lossless alpha", bgra, {.lossless = true}, composite_on_white(bgra), 0.6);
  add("lossless 16 bit", bgr, {.lossless = true, .bits = 16}, bgr, 0);
  add("gray lossless", with_channels(bgr, 1), {.lossless = true}, gray_as_bgr(bgr), 0);
  add("animated", bgr, {.lossless = true, .frames = 3}, bgr, 0);
}

void add_jp2s(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  const auto add = [&](const std::string& name, const cv::Mat& image, const Jp2Options& options, const cv::Mat& shown,
                       double error) {
    list.add("jp2 " + name, ImageFormat::kJp2, encode_jp2(image, options), shown, error);
  };
  add("lossless", bgr, {}, bgr, 0);
  add("lossless alpha", bgra, {}, composite_on_white(bgra), 0.6);
  add("lossless tiles", bgr, {.tile_side = 64}, bgr, 0);
  add("lossless 16 bit", bgr, {.bits = 16}, bgr, 0);
  add("gray codestream", with_channels(bgr, 1), {.bare = true}, gray_as_bgr(bgr), 0);
  add("lossy", bgr, {.lossless = false, .ratio = 4}, bgr, 6);
  add("lossy codestream", bgr, {.lossless = false, .ratio = 4, .bare = true}, bgr, 6);
}

void add_psds(List& list, const cv::Mat& bgr) {
  using Colour = PsdOptions::Colour;
  const auto add = [&](const std::string& name, const PsdOptions& options, const cv::Mat& shown) {
    list.add("psd " + name, ImageFormat::kPsd, encode_psd(bgr, options), shown);
  };
  add("RGB", {}, bgr);
  add("RGB raw", {.run_lengths = false}, bgr);
  add("RGB 16 bit", {.bits = 16}, bgr);
  add("RGB big", {.big = true}, bgr);
  add("RGB with layers", {.transparent = true}, bgr);
  add("gray", {.colour = Colour::kGray}, gray_as_bgr(bgr));
  add("gray 16 bit raw", {.colour = Colour::kGray, .bits = 16, .run_lengths = false}, gray_as_bgr(bgr));
  add("bilevel", {.colour = Colour::kBitmap}, black_and_white(bgr));
  add("palette", {.colour = Colour::kPalette}, cubed(bgr));
  add("CMYK", {.colour = Colour::kCmyk}, bgr);
}

// Masks know opaque and transparent only.
cv::Mat masked(const cv::Mat& bgra) {
  cv::Mat shown = with_channels(bgra, 3), alpha;
  cv::extractChannel(bgra, alpha, 3);
  shown.setTo(cv::Scalar::all(255), alpha < 128);
  return shown;
}

void add_icons(List& list, const cv::Mat& bgr, const cv::Mat& bgra) {
  const auto add = [&](const std::string& name, const cv::Mat& image, const IcoOptions& options, const cv::Mat& shown,
                       double error = 0) {
    list.add("ico " + name, ImageFormat::kIco, encode_ico(image, options), shown, error);
  };
  add("32 bit", bgr, {}, bgr);
  add("32 bit alpha", bgra, {}, composite_on_white(bgra), 0.6);
  add("24 bit", bgr, {.bits = 24, .smaller_first = true}, bgr);
  add("24 bit mask", bgra, {.bits = 24}, masked(bgra));
  add("8 bit", bgr, {.bits = 8}, gray_as_bgr(bgr));
  add("1 bit", bgr, {.bits = 1}, black_and_white(bgr));
  add("PNG", bgr, {.png = true, .smaller_first = true}, bgr);
  add("cursor", bgr, {.cursor = true}, bgr);
}

}  // namespace

std::vector<SampleFile> sample_files(uint64_t seed, int width, int height) {
  const cv::Mat bgr = draw_picture(seed, width, height), bgra = draw_transparent_picture(seed, width, height);
  List list;
  add_jpegs(list, bgr);
  add_pngs(list, bgr, bgra);
  add_webps(list, bgr, bgra);
  add_tiffs(list, bgr, bgra);
  add_others(list, bgr, bgra);
  add_heifs(list, bgr, bgra);
  add_jxls(list, bgr, bgra);
  add_jp2s(list, bgr, bgra);
  add_psds(list, bgr);
  add_icons(list, bgr, bgra);
  return list.take();
}

cv::Mat draw_transparent_picture(uint64_t seed, int width, int height) {
  cv::Mat bgra = with_channels(draw_picture(seed, width, height), 4);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      const double u = 2.0 * x / width - 1, v = 2.0 * y / height - 1;
      bgra.at<cv::Vec4b>(y, x)[3] = cv::saturate_cast<uchar>(255 * 4 * (1.4 - u * u - v * v));
    }
  return bgra;
}

cv::Mat composite_on_white(const cv::Mat& bgra) {
  cv::Mat shown(bgra.size(), CV_8UC3);
  for (int y = 0; y < bgra.rows; ++y)
    for (int x = 0; x < bgra.cols; ++x) {
      const cv::Vec4b p = bgra.at<cv::Vec4b>(y, x);
      const double a = p[3] / 255.0;
      for (int c = 0; c < 3; ++c) shown.at<cv::Vec3b>(y, x)[c] = cv::saturate_cast<uchar>(p[c] * a + 255 * (1 - a));
    }
  return shown;
}

cv::Mat luma_of(const cv::Mat& bgr) {
  cv::Mat luma(bgr.size(), CV_64F);
  for (int y = 0; y < bgr.rows; ++y)
    for (int x = 0; x < bgr.cols; ++x) {
      const cv::Vec3b p = bgr.at<cv::Vec3b>(y, x);
      luma.at<double>(y, x) = 0.299 * p[2] + 0.587 * p[1] + 0.114 * p[0];
    }
  return luma;
}

cv::Mat stored_for(const cv::Mat& shown, int orientation) {
  cv::Mat stored;
  switch (orientation) {
    case 2:
      cv::flip(shown, stored, 1);
      break;
    case 3:
      cv::rotate(shown, stored, cv::ROTATE_180);
      break;
    case 4:
      cv::flip(shown, stored, 0);
      break;
    case 5:
      cv::transpose(shown, stored);
      break;
    case 6:
      cv::rotate(shown, stored, cv::ROTATE_90_COUNTERCLOCKWISE);
      break;
    case 7:
      cv::rotate(shown, stored, cv::ROTATE_180);
      cv::transpose(stored, stored);
      break;
    case 8:
      cv::rotate(shown, stored, cv::ROTATE_90_CLOCKWISE);
      break;
    default:
      stored = shown.clone();
  }
  return stored;
}

cv::Mat pixels_of(const workerproc::Picture& picture) {
  return cv::Mat(static_cast<int>(picture.height_px), static_cast<int>(picture.width_px),
                 CV_8UC(static_cast<int>(workerproc::channels_of(picture.layout))),
                 const_cast<uint8_t*>(picture.pixels.data()), picture.stride_bytes);
}

workerproc::Picture picture_of(const cv::Mat& image) {
  workerproc::Picture picture;
  picture.width_px = picture.full_width_px = static_cast<uint32_t>(image.cols);
  picture.height_px = picture.full_height_px = static_cast<uint32_t>(image.rows);
  picture.layout = image.channels() == 3 ? workerproc::PixelLayout::kBgr : workerproc::PixelLayout::kGray;
  picture.stride_bytes = picture.width_px * static_cast<uint32_t>(image.channels());
  picture.pixels.resize(size_t{picture.stride_bytes} * picture.height_px);
  image.copyTo(pixels_of(picture));
  return picture;
}

}  // namespace pairloom::test
