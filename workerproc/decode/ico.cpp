// Windows icons and cursors: the largest picture in the file, a PNG or a bitmap with a mask, by the decoders of those.
// Layout: learn.microsoft.com/previous-versions/ms997538(v=msdn.10).
#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr size_t kDirectoryBytes = 6, kEntryBytes = 16, kFileHeaderBytes = 14, kInfoHeaderBytes = 40;
constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n";

struct Entry {
  uint32_t width = 0, height = 0, bits = 0;
  std::span<const std::byte> bytes;
};

// The sizes in the directory stop at 256; what the picture itself says goes further.
Entry read_entry(std::span<const std::byte> file, size_t index) {
  const ByteReader directory(file);
  const size_t at = kDirectoryBytes + index * kEntryBytes;
  Entry entry;
  entry.bytes = directory.slice(directory.u32(at + 12).value_or(0), directory.u32(at + 8).value_or(0));
  const ByteReader little(entry.bytes), big(entry.bytes, true);
  if (little.starts_with(kPngMagic)) {
    entry.width = big.u32(16).value_or(0);
    entry.height = big.u32(20).value_or(0);
    entry.bits = 32;
  } else if (little.u32(0) == kInfoHeaderBytes && little.has(0, kInfoHeaderBytes)) {
    entry.width = *little.u32(4);
    entry.height = *little.u32(8) / 2;  // picture and mask
    entry.bits = *little.u16(14);
  }
  return entry;
}

Result<Entry> largest_entry(std::span<const std::byte> file) {
  const uint32_t count = ByteReader(file).u16(4).value_or(0);
  Entry best;
  const auto rank = [](const Entry& entry) { return std::pair(uint64_t{entry.width} * entry.height, entry.bits); };
  for (uint32_t i = 0; i < count; ++i)
    if (const Entry entry = read_entry(file, i); rank(entry) > rank(best)) best = entry;
  if (best.width == 0) return fail(Errc::kCorrupt, "icon: there is no picture in it");
  return best;
}

void put_number(std::vector<std::byte>& bytes, size_t at, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

size_t palette_bytes(const ByteReader& bitmap) {
  const uint32_t bits = *bitmap.u16(14), used = *bitmap.u32(32);
  if (bits > 8) return *bitmap.u32(16) == 3 ? 12 : 0;  // bit masks
  return 4u * (used == 0 ? 1u << bits : std::min(used, 1u << bits));
}

// The bitmap as a BMP file: a header in front, and half the height.
std::vector<std::byte> as_bmp(const Entry& entry, size_t pixels_at) {
  std::vector<std::byte> bmp(kFileHeaderBytes);
  bmp[0] = std::byte{'B'};
  bmp[1] = std::byte{'M'};
  put_number(bmp, 10, static_cast<uint32_t>(kFileHeaderBytes + pixels_at));
  bmp.insert(bmp.end(), entry.bytes.begin(), entry.bytes.end());
  put_number(bmp, kFileHeaderBytes + 8, entry.height);
  return bmp;
}

// How opaque the pixels are: by their fourth byte where one is used, else by the mask behind the picture (1: not).
class Opacity {
 public:
  Opacity(const Entry& entry, size_t pixels_at) : bitmap_(entry.bytes), entry_(entry), pixels_at_(pixels_at) {
    const auto stride = [](uint64_t bits) { return static_cast<size_t>((bits + 31) / 32 * 4); };
    stride_ = stride(uint64_t{entry.width} * entry.bits);
    mask_stride_ = stride(entry.width);
    mask_at_ = pixels_at + stride_ * entry.height;
    for (size_t y = 0; entry.bits == 32 && y < entry.height && !by_bytes_; ++y)
      for (size_t x = 0; x < entry.width && !by_bytes_; ++x) by_bytes_ = alpha_byte(x, y) != 0;
  }
  uint8_t at(size_t x, size_t y) const {
    if (by_bytes_) return alpha_byte(x, y);
    const uint32_t mask = bitmap_.u8(mask_at_ + (entry_.height - 1 - y) * mask_stride_ + x / 8).value_or(0);
    return (mask >> (7 - x % 8) & 1) != 0 ? 0 : 255;
  }

 private:
  uint8_t alpha_byte(size_t x, size_t y) const {
    return static_cast<uint8_t>(
        bitmap_.u8(pixels_at_ + (entry_.height - 1 - y) * stride_ + 4 * x + 3).value_or(0));
  }

  ByteReader bitmap_;
  const Entry& entry_;
  size_t pixels_at_, stride_ = 0, mask_stride_ = 0, mask_at_ = 0;
  bool by_bytes_ = false;
};

Result<> decode_bitmap(const Entry& entry, const DecodeRequest& request, Picture& picture) {
  const size_t pixels_at = kInfoHeaderBytes + palette_bytes(ByteReader(entry.bytes));
  PAIRLOOM_TRY(begin_picture(picture, request, "icon", entry.width, entry.height, entry.bytes.size()));
  Picture opaque;
  DecodeRequest whole = request;
  whole.layout = PixelLayout::kBgr;
  whole.min_short_side_px = 0;
  PAIRLOOM_TRY(decode_bmp(as_bmp(entry, pixels_at), whole, opaque));

  const Opacity opacity(entry, pixels_at);
  std::vector<uint8_t> row(size_t{entry.width} * 4);
  RowWriter writer(picture, Samples::kBgra);
  for (size_t y = 0; y < entry.height; ++y) {
    for (size_t x = 0; x < entry.width; ++x) {
      memcpy(&row[4 * x], &opaque.pixels[y * opaque.stride_bytes + 3 * x], 3);
      row[4 * x + 3] = opacity.at(x, y);
      picture.has_alpha = picture.has_alpha || row[4 * x + 3] != 255;
    }
    writer.write(row.data());
  }
  return {};
}

}  // namespace

Result<> decode_ico(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  PAIRLOOM_ASSIGN(const Entry entry, largest_entry(file));
  if (ByteReader(entry.bytes).starts_with(kPngMagic)) return decode_png(entry.bytes, request, picture);
  if (entry.bits != 1 && entry.bits != 4 && entry.bits != 8 && entry.bits != 16 && entry.bits != 24 && entry.bits != 32)
    return fail(Errc::kUnsupported, fmt::format("icon: {} bits a pixel: not supported", entry.bits));
  return decode_bitmap(entry, request, picture);
}

}  // namespace pairloom::workerproc
