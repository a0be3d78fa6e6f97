// Photoshop documents (PSD, PSB) by our own code: the composite picture that every reader but Photoshop shows, row by
// row. It is already blended (on white), so its extra channels are not looked at. Layout: Adobe Photoshop File Formats
// Specification.
#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

constexpr uint32_t kBitmap = 0, kGray = 1, kIndexed = 2, kRgb = 3, kCmyk = 4, kMultichannel = 7, kDuotone = 8;
constexpr uint32_t kRaw = 0, kRunLengths = 1;
constexpr uint32_t kVersionInfo = 1057;  // an image resource: is there a composite?

struct Header {
  bool big = false;  // PSB
  uint32_t channels = 0, width = 0, height = 0, depth = 0, mode = 0;
  size_t palette_at = 0, data_at = 0;
  uint32_t compression = kRaw;
  bool has_layers_alpha = false;  // some of the composite was transparent
  uint32_t colours() const {
    return mode == kCmyk ? 4 : mode == kRgb ? 3 : 1;
  }
  size_t row_bytes() const { return (size_t{width} * depth + 7) / 8; }
};

tl::unexpected<Error> cut_off() {
  return fail(Errc::kCorrupt, "Photoshop: the file ends too early");
}

// False if the file says that it was saved without one.
bool has_composite(const ByteReader& file, size_t at, size_t end) {
  while (at + 12 <= end && file.starts_with("8BIM", at)) {
    const uint32_t id = file.u16(at + 4).value_or(0), name_bytes = file.u8(at + 6).value_or(0) + 1;
    const size_t size_at = at + 6 + name_bytes + name_bytes % 2, bytes = file.u32(size_at).value_or(0);
    if (id == kVersionInfo) return file.u8(size_at + 8).value_or(1) != 0;
    at = size_at + 4 + bytes + bytes % 2;
  }
  return true;
}

Result<Header> read_header(const ByteReader& file) {
  Header header;
  if (!file.has(0, 26)) return cut_off();
  header.big = *file.u16(4) == 2;
  header.channels = *file.u16(12);
  header.height = *file.u32(14);
  header.width = *file.u32(18);
  header.depth = *file.u16(22);
  header.mode = *file.u16(24);
  return header;
}

// The sections before the picture: palette, resources, layers.
Result<> find_data(const ByteReader& file, Header& header) {
  size_t at = 26;
  header.palette_at = at + 4;
  const auto palette_bytes = file.u32(at);
  if (!palette_bytes) return cut_off();
  at += 4 + size_t{*palette_bytes};
  if (header.mode == kIndexed && *palette_bytes < 768)
    return fail(Errc::kCorrupt, "Photoshop: there is no colour table");
  const auto resource_bytes = file.u32(at);
  if (!resource_bytes) return cut_off();
  if (!has_composite(file, at + 4, at + 4 + size_t{*resource_bytes}))
    return fail(Errc::kUnsupported,
                "Photoshop: layers only; save it with \"Maximize compatibility\" to have a picture in it");
  at += 4 + size_t{*resource_bytes};
  const auto high = header.big ? file.u32(at) : std::optional<uint32_t>(0);
  const auto low = file.u32(at + (header.big ? 4 : 0));
  if (!high || !low) return cut_off();
  const size_t length_bytes = header.big ? 8 : 4;
  const uint64_t layer_bytes = uint64_t{*high} << 32 | *low;
  if (layer_bytes > file.size()) return cut_off();
  if (layer_bytes > 0)
    header.has_layers_alpha = (file.u16(at + 2 * length_bytes).value_or(0) & 0x8000) != 0;  // a negative count says so
  at += length_bytes + layer_bytes;
  const auto compression = file.u16(at);
  if (!compression) return cut_off();
  header.compression = *compression;
  header.data_at = at + 2;
  return {};
}

Result<> check(const Header& header) {
  const bool known_mode = header.mode == kBitmap || header.mode == kGray || header.mode == kIndexed ||
                          header.mode == kRgb || header.mode == kCmyk || header.mode == kMultichannel ||
                          header.mode == kDuotone;
  const bool known_depth = header.mode == kBitmap ? header.depth == 1
                                                  : header.depth == 8 || (header.depth == 16 && header.mode != kIndexed);
  if (!known_mode || !known_depth)
    return fail(Errc::kUnsupported, fmt::format("Photoshop: colour mode {}, {} bits: not supported", header.mode,
                                                header.depth));
  if (header.channels < header.colours() || header.channels > 56)
    return fail(Errc::kCorrupt, fmt::format("Photoshop: {} channels in colour mode {}", header.channels, header.mode));
  return {};
}

// The rows of each channel, wherever they lie: channels come one after another.
class ChannelRows {
 public:
  ChannelRows(const ByteReader& file, const Header& header) : file_(file), header_(header) {}

  // Where the rows of each colour channel begin. With run lengths a table tells how long each is.
  Result<> begin() {
    const size_t rows = header_.height, count_bytes = header_.big ? 4 : 2;
    if (header_.compression == kRaw) {
      for (size_t c = 0; c < header_.colours(); ++c) at_[c] = header_.data_at + c * rows * header_.row_bytes();
      return {};
    }
    if (header_.compression != kRunLengths)
      return fail(Errc::kUnsupported, fmt::format("Photoshop: compression {} is not supported", header_.compression));
    const size_t entries = rows * header_.channels;
    if (!file_.has(header_.data_at, entries * count_bytes)) return cut_off();
    size_t at = header_.data_at + entries * count_bytes;
    for (size_t c = 0; c < header_.colours(); ++c) {
      at_[c] = at;
      for (size_t y = 0; y < rows; ++y) at += length_of(c, y);
    }
    return {};
  }
  // The next row of channel `c`. False if it is not all there.
  bool next(size_t c, size_t y, uint8_t* row) {
    const size_t bytes = header_.row_bytes();
    if (header_.compression == kRaw) {
      if (!file_.has(at_[c], bytes)) return false;
      memcpy(row, file_.slice(at_[c], bytes).data(), bytes);
      at_[c] += bytes;
      return true;
    }
    const size_t length = length_of(c, y);
    const bool ok = file_.has(at_[c], length) && unpack(file_.slice(at_[c], length), row, bytes);
    at_[c] += length;
    return ok;
  }

 private:
  size_t length_of(size_t c, size_t y) const {
    const size_t entry = c * header_.height + y;
    return header_.big ? file_.u32(header_.data_at + 4 * entry).value_or(0)
                       : file_.u16(header_.data_at + 2 * entry).value_or(0);
  }
  // PackBits.
  static bool unpack(std::span<const std::byte> in, uint8_t* out, size_t bytes) {
    size_t done = 0;
    for (size_t at = 0; at < in.size() && done < bytes;) {
      const auto code = std::to_integer<uint8_t>(in[at++]);
      if (code == 128) continue;
      const size_t count = std::min<size_t>(code < 128 ? code + 1u : 257u - code, bytes - done);
      if (at + (code < 128 ? count : 1) > in.size()) return false;
      if (code < 128)
        memcpy(out + done, &in[at], count);
      else
        memset(out + done, std::to_integer<uint8_t>(in[at]), count);
      at += code < 128 ? count : 1;
      done += count;
    }
    return done == bytes;
  }

  ByteReader file_;
  const Header& header_;
  std::array<size_t, 4> at_{};
};

// One row of each colour channel -> gray or RGB.
class PixelRow {
 public:
  PixelRow(const ByteReader& file, const Header& header, bool wide) : header_(header), wide_(wide) {
    for (auto& channel : channels_) channel.resize(header.row_bytes());
    if (header.mode == kIndexed)
      for (size_t i = 0; i < palette_.size(); ++i)
        palette_[i] = static_cast<uint8_t>(file.u8(header.palette_at + i).value_or(0));
    row_.resize(size_t{header.width} * bytes_per_pixel(samples()) * (wide ? 2 : 1));
  }
  Samples samples() const {
    return header_.mode == kRgb || header_.mode == kCmyk || header_.mode == kIndexed ? Samples::kRgb : Samples::kGray;
  }
  uint8_t* channel(size_t c) { return channels_[c].data(); }
  const uint8_t* convert() {
    const size_t step = bytes_per_pixel(samples());
    for (size_t x = 0; x < header_.width; ++x) {
      if (wide_)
        for (size_t c = 0; c < step; ++c) {
          const uint16_t value = wide_sample(c, x);
          memcpy(&row_[2 * (x * step + c)], &value, 2);
        }
      else
        convert_pixel(x, &row_[x * step]);
    }
    return row_.data();
  }

 private:
  uint16_t wide_sample(size_t c, size_t x) const {
    return static_cast<uint16_t>(channels_[c][2 * x] << 8 | channels_[c][2 * x + 1]);
  }
  uint8_t sample(size_t c, size_t x) const {
    if (header_.depth == 16) return static_cast<uint8_t>((wide_sample(c, x) + 128u) / 257u);
    return channels_[c][x];
  }
  void convert_pixel(size_t x, uint8_t* out) const {
    switch (header_.mode) {
      case kBitmap:  // 1 is black
        out[0] = (channels_[0][x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
        break;
      case kIndexed:  // all reds, all greens, all blues
        for (size_t c = 0; c < 3; ++c) out[c] = palette_[c * 256 + channels_[0][x]];
        break;
      case kCmyk:  // 0 is full ink
        for (size_t c = 0; c < 3; ++c) out[c] = static_cast<uint8_t>((sample(c, x) * sample(3, x) + 127u) / 255u);
        break;
      case kRgb:
        for (size_t c = 0; c < 3; ++c) out[c] = sample(c, x);
        break;
      default:
        out[0] = sample(0, x);
    }
  }

  const Header& header_;
  bool wide_;
  std::array<std::vector<uint8_t>, 4> channels_;
  std::array<uint8_t, 768> palette_{};
  std::vector<uint8_t> row_;
};

}  // namespace

Result<> decode_psd(std::span<const std::byte> bytes, const DecodeRequest& request, Picture& picture) {
  const ByteReader file(bytes, true);
  PAIRLOOM_ASSIGN(Header header, read_header(file));
  PAIRLOOM_TRY(check(header));
  const bool keeps_16_bits = header.depth == 16 && header.mode != kCmyk;
  PAIRLOOM_TRY(begin_picture(picture, request, "Photoshop", header.width, header.height, bytes.size(),
                             keeps_16_bits ? 16 : 8));
  picture.stored_bits = static_cast<uint8_t>(header.depth);
  PAIRLOOM_TRY(find_data(file, header));
  picture.has_alpha = header.has_layers_alpha;
  ChannelRows rows(file, header);
  PAIRLOOM_TRY(rows.begin());
  PixelRow pixels(file, header, picture.bits_per_sample == 16);
  RowWriter writer(picture, pixels.samples());
  for (size_t y = 0; y < header.height; ++y) {
    for (size_t c = 0; c < header.colours(); ++c)
      if (!rows.next(c, y, pixels.channel(c))) return cut_off();
    writer.write(pixels.convert());
  }
  return {};
}

}  // namespace pairloom::workerproc
