// By hand, after the DNG specification 1.4: TIFF tags, little-endian.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include "tests/support/encode.h"
#include "tests/support/encode_convert.h"

namespace pairloom::test {
namespace {

void put(Bytes& out, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; ++i) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

constexpr uint16_t kByte = 1, kAscii = 2, kShort = 3, kLong = 4, kRational = 5, kSignedRational = 10;

// A directory: its entries in order, what is longer than four bytes behind them.
class Directory {
 public:
  void add(uint16_t tag, uint16_t type, const std::vector<uint64_t>& values) {
    static constexpr size_t kSizes[] = {0, 1, 1, 2, 4, 4, 0, 0, 0, 4, 4};
    Bytes bytes;
    for (const uint64_t value : values) put(bytes, value, kSizes[type]);
    const bool pairs = type == kRational || type == kSignedRational;
    entries_[tag] = {type, static_cast<uint32_t>(pairs ? values.size() / 2 : values.size()), bytes};
  }
  void add(uint16_t tag, std::string_view text) {
    std::vector<uint64_t> values(text.begin(), text.end());
    values.push_back(0);
    add(tag, kAscii, values);
  }
  size_t size() const {
    size_t bytes = 2 + 12 * entries_.size() + 4;
    for (const auto& [tag, entry] : entries_)
      if (entry.bytes.size() > 4) bytes += (entry.bytes.size() + 1) / 2 * 2;
    return bytes;
  }
  void write(Bytes& out) const {
    size_t behind = out.size() + 2 + 12 * entries_.size() + 4;
    Bytes more;
    put(out, entries_.size(), 2);
    for (const auto& [tag, entry] : entries_) {
      put(out, tag, 2);
      put(out, entry.type, 2);
      put(out, entry.count, 4);
      Bytes value = entry.bytes;
      if (value.size() > 4) {
        put(out, behind + more.size(), 4);
        if (value.size() % 2 != 0) value.push_back(std::byte{0});
        more.insert(more.end(), value.begin(), value.end());
        continue;
      }
      value.resize(4);
      out.insert(out.end(), value.begin(), value.end());
    }
    put(out, 0, 4);
    out.insert(out.end(), more.begin(), more.end());
  }

 private:
  struct Entry {
    uint16_t type;
    uint32_t count;
    Bytes bytes;
  };
  std::map<uint16_t, Entry> entries_;
};

// Red, green, green, blue; linear light, 16 bits.
Bytes mosaic(const cv::Mat& bgr) {
  Bytes out;
  for (int y = 0; y < bgr.rows; ++y)
    for (int x = 0; x < bgr.cols; ++x) {
      const int channel = y % 2 == 0 ? (x % 2 == 0 ? 2 : 1) : (x % 2 == 0 ? 1 : 0);
      const double level = bgr.at<cv::Vec3b>(y, x)[channel] / 255.0;
      put(out, static_cast<uint64_t>(std::pow(level, 2.2) * 65535 + 0.5), 2);
    }
  return out;
}

Directory common(int orientation) {
  Directory directory;
  directory.add(271, "Drawn");
  directory.add(272, "By code");
  directory.add(274, kShort, {static_cast<uint64_t>(orientation)});
  directory.add(50706, kByte, {1, 4, 0, 0});
  directory.add(50707, kByte, {1, 1, 0, 0});
  directory.add(50708, "Drawn By code");
  // sRGB primaries seen from XYZ, in ten thousandths
  directory.add(50721, kSignedRational,
                {32405, 10000, uint64_t(-15371), 10000, uint64_t(-4985), 10000, uint64_t(-9693), 10000, 18760, 10000,
                 416, 10000, 556, 10000, uint64_t(-2040), 10000, 10572, 10000});
  directory.add(50728, kRational, {1, 1, 1, 1, 1, 1});
  directory.add(50778, kShort, {21});
  return directory;
}

void describe_sensor(Directory& directory, const cv::Mat& bgr, size_t data_at, size_t data_bytes) {
  directory.add(254, kLong, {0});
  directory.add(256, kLong, {static_cast<uint64_t>(bgr.cols)});
  directory.add(257, kLong, {static_cast<uint64_t>(bgr.rows)});
  directory.add(258, kShort, {16});
  directory.add(259, kShort, {1});
  directory.add(262, kShort, {32803});
  directory.add(273, kLong, {data_at});
  directory.add(277, kShort, {1});
  directory.add(278, kLong, {static_cast<uint64_t>(bgr.rows)});
  directory.add(279, kLong, {data_bytes});
  directory.add(284, kShort, {1});
  directory.add(33421, kShort, {2, 2});
  directory.add(33422, kByte, {0, 1, 1, 2});
  directory.add(50717, kLong, {65535});
}

void describe_preview(Directory& directory, int width, int height, size_t data_at, size_t data_bytes, size_t sensor_at) {
  directory.add(254, kLong, {1});
  directory.add(256, kLong, {static_cast<uint64_t>(width)});
  directory.add(257, kLong, {static_cast<uint64_t>(height)});
  directory.add(258, kShort, {8, 8, 8});
  directory.add(259, kShort, {7});
  directory.add(262, kShort, {6});
  directory.add(273, kLong, {data_at});
  directory.add(277, kShort, {3});
  directory.add(278, kLong, {static_cast<uint64_t>(height)});
  directory.add(279, kLong, {data_bytes});
  directory.add(284, kShort, {1});
  directory.add(330, kLong, {sensor_at});
}

}  // namespace

Bytes encode_dng(const cv::Mat& image, const DngOptions& options) {
  const cv::Mat bgr = with_channels(image, 3);
  const Bytes sensor = mosaic(bgr);
  Bytes preview;
  if (options.preview_width > 0) {
    cv::Mat small;
    cv::resize(bgr, small, {options.preview_width, options.preview_height}, 0, 0, cv::INTER_AREA);
    preview = encode_jpeg(small, {.quality = 95});
    if (preview.size() % 2 != 0) preview.push_back(std::byte{0});
  }
  const size_t preview_at = 8, sensor_at = preview_at + preview.size(), directory_at = sensor_at + sensor.size();
  Bytes out;
  put(out, 0x2A4949, 4);
  put(out, directory_at, 4);
  out.insert(out.end(), preview.begin(), preview.end());
  out.insert(out.end(), sensor.begin(), sensor.end());
  Directory first = common(options.orientation);
  if (preview.empty()) {
    describe_sensor(first, bgr, sensor_at, sensor.size());
    first.write(out);
    return out;
  }
  describe_preview(first, options.preview_width, options.preview_height, preview_at, preview.size(), 0);
  describe_preview(first, options.preview_width, options.preview_height, preview_at, preview.size(),
                   directory_at + first.size());
  first.write(out);
  Directory second;
  describe_sensor(second, bgr, sensor_at, sensor.size());
  second.write(out);
  return out;
}

}  // namespace pairloom::test
