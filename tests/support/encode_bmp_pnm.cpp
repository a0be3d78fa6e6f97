#include <fmt/format.h>
#include <cstdlib>
#include <string>
#include <utility>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

void put(Bytes& out, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

// One run per stretch of equal bytes; 0,0 ends a row, 0,1 the picture.
Bytes rle_rows(const cv::Mat& gray) {
  Bytes out;
  for (int y = gray.rows - 1; y >= 0; --y) {
    const uchar* row = gray.ptr(y);
    for (int x = 0; x < gray.cols;) {
      int run = 1;
      while (run < 255 && x + run < gray.cols && row[x + run] == row[x]) ++run;
      put(out, static_cast<uint32_t>(run), 1);
      put(out, row[x], 1);
      x += run;
    }
    put(out, 0, 2);
  }
  put(out, 0x0100, 2);
  return out;
}

void put_row(Bytes& out, const cv::Mat& source, int y, int bits) {
  const size_t start = out.size();
  if (bits == 1) {
    for (int x = 0; x < source.cols; x += 8) {
      uint32_t byte = 0;
      for (int i = 0; i < 8 && x + i < source.cols; ++i) byte |= (source.at<uchar>(y, x + i) >= 128 ? 0x80u : 0u) >> i;
      put(out, byte, 1);
    }
  } else if (bits == 16) {
    for (int x = 0; x < source.cols; ++x) {
      const cv::Vec3b p = source.at<cv::Vec3b>(y, x);
      put(out, static_cast<uint32_t>(p[2] >> 3 << 10 | p[1] >> 3 << 5 | p[0] >> 3), 2);
    }
  } else {
    const auto* row = reinterpret_cast<const std::byte*>(source.ptr(y));
    out.insert(out.end(), row, row + source.cols * source.channels());
  }
  while ((out.size() - start) % 4 != 0) put(out, 0, 1);
}

}  // namespace

Bytes encode_bmp(const cv::Mat& image, const BmpOptions& options) {
  const int channels = options.bits <= 8 ? 1 : options.bits == 32 ? 4 : 3;
  const cv::Mat source = with_channels(image, channels);
  const uint32_t colours = options.bits == 1 ? 2 : options.bits == 8 ? 256 : 0;
  Bytes pixels;
  if (options.rle) pixels = rle_rows(source);
  for (int i = 0; i < source.rows && !options.rle; ++i)
    put_row(pixels, source, options.top_down ? i : source.rows - 1 - i, options.bits);

  Bytes out;
  const uint32_t offset = 14 + 40 + 4 * colours;
  put(out, 0x4d42, 2);  // "BM"
  put(out, offset + static_cast<uint32_t>(pixels.size()), 4);
  put(out, 0, 4);
  put(out, offset, 4);
  put(out, 40, 4);  // BITMAPINFOHEADER
  put(out, static_cast<uint32_t>(source.cols), 4);
  put(out, static_cast<uint32_t>(options.top_down ? -source.rows : source.rows), 4);
  put(out, 1, 2);
  put(out, static_cast<uint32_t>(options.bits), 2);
  put(out, options.rle ? 1 : 0, 4);
  put(out, static_cast<uint32_t>(pixels.size()), 4);
  put(out, 2835, 4);
  put(out, 2835, 4);
  put(out, colours, 4);
  put(out, 0, 4);
  for (uint32_t i = 0; i < colours; ++i) put(out, (colours == 2 ? i * 255 : i) * 0x010101, 4);
  out.insert(out.end(), pixels.begin(), pixels.end());
  return out;
}

Bytes encode_pnm(const cv::Mat& image, int kind, int max_value) {
  if (kind < 1 || kind > 6) abort();
  const bool bitmap = kind == 1 || kind == 4, text = kind <= 3, colour = kind == 3 || kind == 6;
  cv::Mat source = with_channels(image, colour ? 3 : 1);
  std::string head = fmt::format("P{}\n# drawn by a test\n{} {}\n", kind, source.cols, source.rows);
  if (!bitmap) head += fmt::format("{}\n", max_value);
  std::string body;
  for (int y = 0; y < source.rows; ++y) {
    uint32_t bits = 0;
    for (int x = 0; x < source.cols; ++x) {
      for (int c = source.channels() - 1; c >= 0; --c) {  // BGR -> RGB
        const int sample = source.ptr(y)[x * source.channels() + c];
        const int value = bitmap ? (sample < 128 ? 1 : 0) : (sample * max_value + 127) / 255;
        if (text) {
          body += fmt::format("{} ", value);
        } else if (bitmap) {
          bits |= static_cast<uint32_t>(value) << (7 - x % 8);
        } else {
          if (max_value > 255) body += static_cast<char>(value >> 8);
          body += static_cast<char>(value);
        }
      }
      if (kind == 4 && (x % 8 == 7 || x + 1 == source.cols)) body += static_cast<char>(std::exchange(bits, 0));
    }
    if (text) body += "\n";
  }
  head += body;
  const auto* begin = reinterpret_cast<const std::byte*>(head.data());
  return Bytes(begin, begin + head.size());
}

}  // namespace pairloom::test
