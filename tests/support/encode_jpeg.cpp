#include <algorithm>
#include <cstdio>  // before jpeglib.h, which needs FILE
#include <cstdlib>

#include <jpeglib.h>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

void append(Bytes& out, std::initializer_list<int> values) {
  for (const int v : values) out.push_back(static_cast<std::byte>(v));
}

J_COLOR_SPACE stored_colour(JpegOptions::Colour colour) {
  switch (colour) {
    case JpegOptions::Colour::kGray:
      return JCS_GRAYSCALE;
    case JpegOptions::Colour::kRgb:
      return JCS_RGB;
    case JpegOptions::Colour::kCmyk:
      return JCS_CMYK;
    case JpegOptions::Colour::kYcck:
      return JCS_YCCK;
    case JpegOptions::Colour::kYcc:
      break;
  }
  return JCS_YCbCr;
}

// Adobe's convention, which every writer of CMYK JPEGs follows: values are stored inverted. Black generation by the
// maximum.
cv::Mat to_inverted_cmyk(const cv::Mat& bgr) {
  cv::Mat cmyk(bgr.size(), CV_8UC4);
  for (int y = 0; y < bgr.rows; ++y)
    for (int x = 0; x < bgr.cols; ++x) {
      const cv::Vec3b p = bgr.at<cv::Vec3b>(y, x);
      const int white = std::max({p[0], p[1], p[2], uchar{1}});
      const auto part = [&](int value) { return static_cast<uchar>((value * 255 + white / 2) / white); };
      cmyk.at<cv::Vec4b>(y, x) = {part(p[2]), part(p[1]), part(p[0]), static_cast<uchar>(white)};
    }
  return cmyk;
}

void set_sampling(jpeg_compress_struct& c, JpegOptions::Subsampling subsampling) {
  static constexpr int kFactors[6][2] = {{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}, {4, 2}};
  if (c.num_components < 3) return;
  c.comp_info[0].h_samp_factor = kFactors[static_cast<int>(subsampling)][0];
  c.comp_info[0].v_samp_factor = kFactors[static_cast<int>(subsampling)][1];
  if (c.num_components == 4) {
    c.comp_info[3].h_samp_factor = c.comp_info[0].h_samp_factor;
    c.comp_info[3].v_samp_factor = c.comp_info[0].v_samp_factor;
  }
}

}  // namespace

Bytes exif_block(int orientation, bool big_endian) {
  Bytes out;
  if (big_endian)
    append(out, {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0});
  else
    append(out, {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0});
  return out;
}

Bytes encode_jpeg(const cv::Mat& image, const JpegOptions& options) {
  const bool four = options.colour == JpegOptions::Colour::kCmyk || options.colour == JpegOptions::Colour::kYcck;
  const bool gray = options.colour == JpegOptions::Colour::kGray;
  const cv::Mat source = gray   ? with_channels(image, 1)
                         : four ? to_inverted_cmyk(with_channels(image, 3))
                                : with_channels(image, 3);

  jpeg_compress_struct c{};
  jpeg_error_mgr errors{};
  c.err = jpeg_std_error(&errors);  // prints and exits on errors: right for a test's own encoder
  jpeg_create_compress(&c);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&c, &memory, &size);
  c.image_width = static_cast<JDIMENSION>(source.cols);
  c.image_height = static_cast<JDIMENSION>(source.rows);
  c.input_components = source.channels();
  c.in_color_space = gray ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_EXT_BGR;
  jpeg_set_defaults(&c);
  jpeg_set_colorspace(&c, stored_colour(options.colour));
  jpeg_set_quality(&c, options.quality, TRUE);
  set_sampling(c, options.subsampling);
  if (options.progressive) jpeg_simple_progression(&c);
  c.arith_code = options.arithmetic ? TRUE : FALSE;
  c.restart_interval = static_cast<unsigned>(options.restart_mcus);
  jpeg_start_compress(&c, TRUE);
  if (options.orientation != 0) {
    Bytes app1;
    append(app1, {'E', 'x', 'i', 'f', 0, 0});
    const Bytes block = exif_block(options.orientation, options.big_endian_exif);
    app1.insert(app1.end(), block.begin(), block.end());
    jpeg_write_marker(&c, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(app1.data()),
                      static_cast<unsigned>(app1.size()));
  }
  while (c.next_scanline < c.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(source.ptr(static_cast<int>(c.next_scanline)));
    jpeg_write_scanlines(&c, &row, 1);
  }
  jpeg_finish_compress(&c);
  jpeg_destroy_compress(&c);
  const auto* begin = reinterpret_cast<const std::byte*>(memory);
  Bytes out(begin, begin + size);
  free(memory);
  return out;
}

}  // namespace pairloom::test
