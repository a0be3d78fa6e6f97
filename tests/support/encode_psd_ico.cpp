// By hand, after Adobe's and Microsoft's descriptions.
#include <algorithm>
#include <string_view>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

class Writer {
 public:
  explicit Writer(bool big_endian) : big_endian_(big_endian) {}
  Bytes bytes;
  Writer& u(uint64_t value, int count) {
    for (int i = 0; i < count; ++i) {
      const int place = big_endian_ ? count - 1 - i : i;
      bytes.push_back(static_cast<std::byte>(place < 8 ? value >> (8 * place) : 0));
    }
    return *this;
  }
  Writer& text(std::string_view text) {
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return *this;
  }
  Writer& add(const Bytes& more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return *this;
  }

 private:
  bool big_endian_;
};

// Each channel's samples row by row, as the file stores them.
std::vector<std::vector<Bytes>> channel_rows(const cv::Mat& image, const PsdOptions& options) {
  using Colour = PsdOptions::Colour;
  const bool colourful = options.colour == Colour::kRgb || options.colour == Colour::kCmyk;
  cv::Mat source = with_channels(image, colourful ? 3 : 1);
  if (options.colour == Colour::kPalette) source = to_cube(with_channels(image, 3));
  std::vector<cv::Mat> planes;
  cv::split(source, planes);
  if (colourful) std::swap(planes[0], planes[2]);
  // 255 is no ink: the darkest of the channels is taken out as black where that is exact.
  if (options.colour == Colour::kCmyk) planes.push_back(cv::Mat(image.size(), CV_8UC1, cv::Scalar::all(255)));
  if (options.transparent) planes.push_back(cv::Mat(image.size(), CV_8UC1, cv::Scalar::all(77)));
  std::vector<std::vector<Bytes>> channels;
  for (const cv::Mat& plane : planes) {
    std::vector<Bytes> rows;
    for (int y = 0; y < plane.rows; ++y) {
      Writer row(true);
      if (options.colour == Colour::kBitmap) {
        for (int x = 0; x < plane.cols; x += 8) {
          unsigned byte = 0;
          for (int i = 0; i < 8 && x + i < plane.cols; ++i)
            byte |= (plane.at<uchar>(y, x + i) < 128 ? 0x80u : 0u) >> i;
          row.u(byte, 1);
        }
      } else {
        for (int x = 0; x < plane.cols; ++x)
          row.u(plane.at<uchar>(y, x) * (options.bits == 16 ? 257u : 1u), options.bits / 8);
      }
      rows.push_back(row.bytes);
    }
    channels.push_back(std::move(rows));
  }
  return channels;
}

// PackBits: runs of three and more, and what lies between them.
Bytes pack(const Bytes& row) {
  Writer out(true);
  for (size_t at = 0; at < row.size();) {
    size_t run = 1;
    while (at + run < row.size() && run < 128 && row[at + run] == row[at]) ++run;
    if (run >= 3) {
      out.u(257 - run, 1).add({row[at]});
      at += run;
      continue;
    }
    size_t end = at + 1;
    while (end < row.size() && end - at < 128 &&
           !(end + 2 < row.size() && row[end] == row[end + 1] && row[end] == row[end + 2]))
      ++end;
    out.u(end - at - 1, 1).add(Bytes(row.begin() + static_cast<ptrdiff_t>(at), row.begin() + static_cast<ptrdiff_t>(end)));
    at = end;
  }
  return out.bytes;
}

}  // namespace

Bytes encode_psd(const cv::Mat& image, const PsdOptions& options) {
  using Colour = PsdOptions::Colour;
  static constexpr int kModes[] = {0, 1, 2, 3, 4};
  const auto channels = channel_rows(image, options);
  const int depth = options.colour == Colour::kBitmap ? 1 : options.bits;
  Writer out(true);
  out.text("8BPS").u(options.big ? 2 : 1, 2).u(0, 6).u(channels.size(), 2);
  out.u(static_cast<uint64_t>(image.rows), 4).u(static_cast<uint64_t>(image.cols), 4);
  out.u(static_cast<uint64_t>(depth), 2).u(static_cast<uint64_t>(kModes[static_cast<size_t>(options.colour)]), 2);
  if (options.colour == Colour::kPalette) {
    out.u(768, 4);
    for (const int c : {2, 1, 0})
      for (int i = 0; i < 256; ++i) out.u(i < kCubeColours ? cube_colour(i)[c] : 0, 1);
  } else {
    out.u(0, 4);
  }
  Writer resources(true);  // one of another kind with a name before the version info
  resources.text("8BIM").u(1000, 2).u(3, 1).text("abc").u(3, 4).text("xyz").u(0, 1);
  resources.text("8BIM").u(1057, 2).u(0, 2).u(5, 4).u(1, 4).u(options.composite ? 1 : 0, 1).u(0, 1);
  out.u(resources.bytes.size(), 4).add(resources.bytes);
  const int length_bytes = options.big ? 8 : 4;
  if (options.transparent)  // layer info: minus one layer says that the first extra channel is transparency
    out.u(static_cast<uint64_t>(length_bytes) + 2, length_bytes).u(2, length_bytes).u(0xFFFF, 2);
  else
    out.u(0, length_bytes);
  out.u(options.run_lengths ? 1 : 0, 2);
  Writer counts(true), data(true);
  for (const auto& rows : channels)
    for (const Bytes& row : rows) {
      const Bytes stored = options.run_lengths ? pack(row) : row;
      counts.u(stored.size(), options.big ? 4 : 2);
      data.add(stored);
    }
  if (options.run_lengths) out.add(counts.bytes);
  return out.add(data.bytes).bytes;
}

namespace {

// A bitmap without a file header, its height doubled, a mask behind it.
Bytes icon_bitmap(const cv::Mat& image, int bits) {
  const cv::Mat bgra = with_channels(image, 4), gray = with_channels(image, 1);
  Writer out(false);
  out.u(40, 4).u(static_cast<uint64_t>(image.cols), 4).u(2 * static_cast<uint64_t>(image.rows), 4);
  out.u(1, 2).u(static_cast<uint64_t>(bits), 2).u(0, 24);
  const int colours = bits <= 8 ? 1 << bits : 0;
  for (int i = 0; i < colours; ++i) {
    const auto level = static_cast<uint64_t>(i * 255 / (colours - 1));
    out.u(level, 1).u(level, 1).u(level, 1).u(0, 1);
  }
  const auto end_row = [&out](size_t begin) {
    while ((out.bytes.size() - begin) % 4 != 0) out.u(0, 1);
  };
  const auto put_bits = [&out](int width, const auto& is_set) {
    for (int x = 0; x < width; x += 8) {
      unsigned byte = 0;
      for (int i = 0; i < 8 && x + i < width; ++i) byte |= (is_set(x + i) ? 0x80u : 0u) >> i;
      out.u(byte, 1);
    }
  };
  for (int y = image.rows - 1; y >= 0; --y) {
    const size_t begin = out.bytes.size();
    if (bits == 1) put_bits(image.cols, [&](int x) { return gray.at<uchar>(y, x) >= 128; });
    for (int x = 0; bits > 1 && x < image.cols; ++x) {
      const cv::Vec4b pixel = bgra.at<cv::Vec4b>(y, x);
      if (bits == 8) out.u(gray.at<uchar>(y, x), 1);
      for (int c = 0; bits >= 24 && c < bits / 8; ++c) out.u(pixel[c], 1);
    }
    end_row(begin);
  }
  for (int y = image.rows - 1; y >= 0; --y) {
    const size_t begin = out.bytes.size();
    put_bits(image.cols, [&](int x) { return bgra.at<cv::Vec4b>(y, x)[3] < 128; });
    end_row(begin);
  }
  return out.bytes;
}

}  // namespace

Bytes encode_ico(const cv::Mat& image, const IcoOptions& options) {
  std::vector<std::pair<cv::Size, Bytes>> pictures;
  if (options.smaller_first) {
    const cv::Mat small = cv::Mat::zeros(std::max(image.rows / 2, 1), std::max(image.cols / 2, 1), CV_8UC3);
    pictures.emplace_back(small.size(), icon_bitmap(small, 32));
  }
  pictures.emplace_back(image.size(),
                        options.png ? encode_png(image, {.colour = image.channels() == 4 ? PngOptions::Colour::kRgba
                                                                                         : PngOptions::Colour::kRgb})
                                    : icon_bitmap(image, options.bits));
  Writer out(false), data(false);
  out.u(0, 2).u(options.cursor ? 2 : 1, 2).u(pictures.size(), 2);
  for (const auto& [size, bytes] : pictures) {
    const auto side = [](int length) { return length >= 256 ? uint64_t{0} : static_cast<uint64_t>(length); };
    out.u(side(size.width), 1).u(side(size.height), 1).u(0, 2).u(1, 2).u(static_cast<uint64_t>(options.bits), 2);
    out.u(bytes.size(), 4).u(6 + 16 * pictures.size() + data.bytes.size(), 4);
    data.add(bytes);
  }
  return out.add(data.bytes).bytes;
}

}  // namespace pairloom::test
