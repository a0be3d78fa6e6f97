// BMP by our own code: Windows and OS/2 headers, 1 to 32 bits, bit fields, RLE. An alpha channel is ignored, as most
// programs do: half of the writers leave it zero. Layout: learn.microsoft.com/windows/win32/gdi/bitmap-storage.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>

#include <fmt/format.h>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr uint32_t kRgb = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaBitFields = 6;
constexpr size_t kFileHeaderBytes = 14;

struct Header {
  uint32_t header_bytes = 0, bits = 0, compression = kRgb;
  uint32_t width = 0, height = 0;
  bool top_down = false;
  size_t pixels_at = 0, palette_at = 0, palette_entry_bytes = 4, palette_entries = 0;
  std::array<uint32_t, 3> masks{};  // red, green, blue
};

using Palette = std::array<std::array<uint8_t, 3>, 256>;  // BGR; what the file does not define is black

Result<Header> read_header(const ByteReader& file) {
  Header header;
  header.header_bytes = file.u32(kFileHeaderBytes).value_or(0);
  header.pixels_at = file.u32(10).value_or(0);
  if (!file.has(kFileHeaderBytes, header.header_bytes)) return fail(Errc::kCorrupt, "BMP: the file ends in its header");
  const bool core = header.header_bytes == 12;  // OS/2 1.x: 16-bit sizes, palette entries of 3 bytes
  if (core) {
    header.width = *file.u16(18);
    header.height = *file.u16(20);
    header.bits = *file.u16(24);
    header.palette_entry_bytes = 3;
  } else {
    const auto width = static_cast<int32_t>(*file.u32(18)), height = static_cast<int32_t>(*file.u32(22));
    header.width = width > 0 ? static_cast<uint32_t>(width) : 0;
    header.height = static_cast<uint32_t>(std::abs(static_cast<int64_t>(height)));
    header.top_down = height < 0;
    header.bits = *file.u16(28);
    if (header.header_bytes >= 40) header.compression = *file.u32(30);
  }
  const bool masks_follow =
      header.header_bytes == 40 && (header.compression == kBitFields || header.compression == kAlphaBitFields);
  header.palette_at =
      kFileHeaderBytes + header.header_bytes + (masks_follow ? (header.compression == kBitFields ? 12 : 16) : 0);
  header.masks = header.bits == 16 ? std::array<uint32_t, 3>{0x7C00, 0x3E0, 0x1F}
                                   : std::array<uint32_t, 3>{0xFF0000, 0xFF00, 0xFF};
  if (header.compression == kBitFields || header.compression == kAlphaBitFields)
    for (size_t i = 0; i < 3; ++i) header.masks[i] = file.u32(kFileHeaderBytes + 40 + 4 * i).value_or(0);
  if (header.bits <= 8) {
    const uint32_t used = header.header_bytes >= 40 ? *file.u32(46) : 0, all = 1u << header.bits;
    header.palette_entries = used == 0 ? all : std::min(used, all);
  }
  return header;
}

Result<> check(const Header& header) {
  const auto unsupported = [&](const char* what) {
    return fail(Errc::kUnsupported,
                fmt::format("BMP: {} bits, compression {}: {}", header.bits, header.compression, what));
  };
  const uint32_t bits = header.bits;
  if (bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16 && bits != 24 && bits != 32)
    return unsupported("not supported");
  const bool fields = header.compression == kBitFields || header.compression == kAlphaBitFields;
  if (fields && (bits == 16 || bits == 32)) return {};
  if (header.compression == kRle8 && bits == 8 && !header.top_down) return {};
  if (header.compression == kRle4 && bits == 4 && !header.top_down) return {};
  if (header.compression == kRgb) return {};
  return unsupported("not supported");
}

Palette read_palette(const ByteReader& file, const Header& header) {
  Palette palette{};
  for (size_t i = 0; i < header.palette_entries; ++i)
    for (size_t c = 0; c < 3; ++c)
      palette[i][c] = static_cast<uint8_t>(file.u8(header.palette_at + i * header.palette_entry_bytes + c).value_or(0));
  return palette;
}

// The value under a mask, scaled to 0..255 by rounding. An empty mask gives 0.
uint8_t field(uint32_t pixel, uint32_t mask) {
  if (mask == 0) return 0;
  const uint64_t most = mask >> std::countr_zero(mask), value = (pixel & mask) >> std::countr_zero(mask);
  return static_cast<uint8_t>((value * 255 + most / 2) / most);
}

// One stored row -> BGR.
void unpack_row(const uint8_t* in, const Header& header, const Palette& palette, uint8_t* bgr) {
  for (size_t x = 0; x < header.width; ++x, bgr += 3) {
    if (header.bits <= 8) {
      const size_t per_byte = 8 / header.bits, shift = 8 - header.bits * (x % per_byte + 1);
      const auto index = static_cast<size_t>(in[x / per_byte] >> shift) & ((size_t{1} << header.bits) - 1);
      std::copy(palette[index].begin(), palette[index].end(), bgr);
      continue;
    }
    uint32_t pixel = 0;
    const size_t bytes = header.bits / 8;
    for (size_t i = 0; i < bytes; ++i) pixel |= static_cast<uint32_t>(in[x * bytes + i]) << (8 * i);
    for (size_t c = 0; c < 3; ++c) bgr[c] = field(pixel, header.masks[2 - c]);
  }
}

Result<> read_rows(std::span<const std::byte> file, const Header& header, const Palette& palette, Picture& picture) {
  const size_t row_bits = size_t{header.width} * header.bits, stride = (row_bits + 31) / 32 * 4,
               needed = (row_bits + 7) / 8;
  std::vector<uint8_t> bgr(size_t{header.width} * 3);
  RowWriter writer(picture, Samples::kBgr);
  for (uint32_t y = 0; y < header.height; ++y) {
    const size_t at = header.pixels_at + stride * (header.top_down ? y : header.height - 1 - y);
    if (!ByteReader(file).has(at, needed)) return fail(Errc::kCorrupt, "BMP: the file ends before its last row");
    const auto* row = reinterpret_cast<const uint8_t*>(file.data()) + at;
    if (header.bits == 24) {
      writer.write(row);
      continue;
    }
    unpack_row(row, header, palette, bgr.data());
    writer.write(bgr.data());
  }
  return {};
}

// RLE8 and RLE4: (count, value) repeats; (0, 0) ends a row, (0, 1) the picture, (0, 2) moves, (0, n) copies n values.
// Runs that leave the picture are cut off, as everywhere. What no run covers keeps index 0.
class RleReader {
 public:
  RleReader(const ByteReader& file, const Header& header)
      : file_(file), header_(header), indices_(size_t{header.width} * header.height) {}

  Result<> read() {
    for (size_t at = header_.pixels_at; y_ < header_.height;) {
      const auto count = file_.u8(at), value = file_.u8(at + 1);
      if (!count || !value) return fail(Errc::kCorrupt, "BMP: the file ends within its runs");
      at += 2;
      if (*count > 0) {
        for (uint32_t i = 0; i < *count; ++i) put(*value, i);
      } else if (*value == 0) {
        end_row();
      } else if (*value == 1) {
        return {};
      } else if (*value == 2) {
        x_ += file_.u8(at).value_or(0);
        y_ += file_.u8(at + 1).value_or(0);
        at += 2;
      } else {
        at += copy(at, *value);
      }
    }
    return {};
  }
  const uint8_t* row(uint32_t from_bottom) const { return &indices_[size_t{from_bottom} * header_.width]; }

 private:
  // RLE4 holds two indices per byte, the high one first.
  void put(uint32_t byte, uint32_t i) {
    const uint32_t index = header_.bits == 8 ? byte : i % 2 == 0 ? byte >> 4 : byte & 15;
    if (x_ < header_.width && y_ < header_.height)
      indices_[size_t{y_} * header_.width + x_] = static_cast<uint8_t>(index);
    ++x_;
  }
  void end_row() {
    x_ = 0;
    ++y_;
  }
  // Returns the bytes taken: padded to an even number.
  size_t copy(size_t at, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) put(file_.u8(at + (header_.bits == 8 ? i : i / 2)).value_or(0), i);
    const size_t bytes = header_.bits == 8 ? count : (count + 1) / 2;
    return bytes + bytes % 2;
  }

  ByteReader file_;
  const Header& header_;
  std::vector<uint8_t> indices_;  // bottom row first
  uint32_t x_ = 0, y_ = 0;
};

Result<> read_runs(std::span<const std::byte> file, const Header& header, const Palette& palette, Picture& picture) {
  RleReader runs(ByteReader(file), header);
  PAIRLOOM_TRY(runs.read());
  std::vector<uint8_t> bgr(size_t{header.width} * 3);
  RowWriter writer(picture, Samples::kBgr);
  for (uint32_t y = header.height; y-- > 0;) {
    const uint8_t* indices = runs.row(y);
    for (size_t x = 0; x < header.width; ++x)
      std::copy(palette[indices[x]].begin(), palette[indices[x]].end(), &bgr[3 * x]);
    writer.write(bgr.data());
  }
  return {};
}

}  // namespace

Result<> decode_bmp(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  const ByteReader reader(file);
  PAIRLOOM_ASSIGN(const Header header, read_header(reader));
  PAIRLOOM_TRY(check(header));
  PAIRLOOM_TRY(begin_picture(picture, request, "BMP", header.width, header.height, file.size()));
  const Palette palette = read_palette(reader, header);
  const bool runs = header.compression == kRle8 || header.compression == kRle4;
  return runs ? read_runs(file, header, palette, picture) : read_rows(file, header, palette, picture);
}

}  // namespace pairloom::workerproc
