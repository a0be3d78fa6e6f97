// PNM, P1 to P6 (netpbm.sourceforge.net/doc/pnm.html), by our own code: the format is simpler than any library's
// interface.
#include <algorithm>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "workerproc/decode/formats.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The text of a header or of a plain (P1..P3) raster.
class Text {
 public:
  explicit Text(std::span<const std::byte> file) : file_(file) {}

  size_t at() const { return at_; }
  void skip(size_t count) { at_ = std::min(at_ + count, file_.size()); }
  void skip_space_and_comments() {
    while (at_ < file_.size() && (is_space(peek()) || peek() == '#')) {
      if (peek() == '#')
        while (at_ < file_.size() && peek() != '\n') ++at_;
      else
        ++at_;
    }
  }
  std::optional<uint32_t> number() {
    skip_space_and_comments();
    if (at_ == file_.size() || !is_digit(peek())) return std::nullopt;
    uint64_t value = 0;
    for (; at_ < file_.size() && is_digit(peek()); ++at_)
      value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(peek() - '0'), UINT32_MAX);
    return static_cast<uint32_t>(value);
  }
  // Plain bitmaps need no space between their digits.
  std::optional<uint32_t> binary_digit() {
    skip_space_and_comments();
    if (at_ == file_.size() || (peek() != '0' && peek() != '1')) return std::nullopt;
    return static_cast<uint32_t>(static_cast<char>(file_[at_++]) - '0');
  }

 private:
  char peek() const { return static_cast<char>(file_[at_]); }

  std::span<const std::byte> file_;
  size_t at_ = 0;
};

struct Header {
  bool bitmap = false, plain = false, colour = false;
  bool keep_16_bits = false;
  uint32_t width = 0, height = 0, max_value = 1;
  size_t row_samples() const { return size_t{width} * (colour ? 3 : 1); }
};

uint8_t scaled(uint32_t value, uint32_t max_value) {
  return static_cast<uint8_t>((std::min(value, max_value) * 255u + max_value / 2) / max_value);
}

std::optional<Header> read_header(Text& text, char kind) {
  Header header;
  header.bitmap = kind == '1' || kind == '4';
  header.plain = kind <= '3';
  header.colour = kind == '3' || kind == '6';
  text.skip(2);
  const auto width = text.number(), height = text.number();
  if (!width || !height) return std::nullopt;
  header.width = *width;
  header.height = *height;
  if (!header.bitmap) {
    const auto max_value = text.number();
    if (!max_value || *max_value == 0 || *max_value > 65535) return std::nullopt;
    header.max_value = *max_value;
  }
  if (!header.plain) text.skip(1);  // exactly one white space
  return header;
}

// Samples of 16 bits that are kept are kept as they are, not scaled to the range.
void put_sample(std::span<uint8_t> row, size_t index, uint32_t value, const Header& header) {
  if (header.keep_16_bits) {
    const auto kept = static_cast<uint16_t>(std::min(value, header.max_value));
    memcpy(&row[2 * index], &kept, sizeof kept);
  } else {
    row[index] = scaled(value, header.max_value);
  }
}

bool read_plain_row(Text& text, const Header& header, std::span<uint8_t> row) {
  for (size_t i = 0; i < header.row_samples(); ++i) {
    const auto value = header.bitmap ? text.binary_digit() : text.number();
    if (!value) return false;
    if (header.bitmap)
      row[i] = *value != 0 ? 0 : 255;
    else
      put_sample(row, i, *value, header);
  }
  return true;
}

bool read_raw_row(std::span<const std::byte> file, size_t& at, const Header& header, std::span<uint8_t> row) {
  const size_t sample_bytes = header.max_value > 255 ? 2 : 1;
  const size_t samples = header.row_samples();
  const size_t bytes = header.bitmap ? (samples + 7) / 8 : samples * sample_bytes;
  if (at > file.size() || bytes > file.size() - at) return false;
  const auto* in = reinterpret_cast<const uint8_t*>(file.data()) + at;
  for (size_t i = 0; i < samples; ++i) {
    if (header.bitmap)
      row[i] = (in[i / 8] >> (7 - i % 8) & 1) != 0 ? 0 : 255;
    else if (sample_bytes == 2)
      put_sample(row, i, static_cast<uint32_t>(in[2 * i] << 8 | in[2 * i + 1]), header);
    else
      row[i] = header.max_value == 255 ? in[i] : scaled(in[i], header.max_value);
  }
  at += bytes;
  return true;
}

}  // namespace

Result<> decode_pnm(std::span<const std::byte> file, const DecodeRequest& request, Picture& picture) {
  const char kind = static_cast<char>(file[1]);
  if (kind == '7') return fail(Errc::kUnsupported, "PNM: PAM (P7) is not supported");
  Text text(file);
  auto header = read_header(text, kind);
  if (!header) return fail(Errc::kCorrupt, "PNM: the header is damaged");
  const uint8_t bits = header->max_value > 255 ? 16 : 8;
  PAIRLOOM_TRY(begin_picture(picture, request, "PNM", header->width, header->height, file.size(), bits));
  picture.stored_bits = header->bitmap ? 1 : bits;
  header->keep_16_bits = picture.bits_per_sample == 16;
  std::vector<uint8_t> row(header->row_samples() * picture.bits_per_sample / 8);
  RowWriter writer(picture, header->colour ? Samples::kRgb : Samples::kGray);
  size_t at = text.at();
  for (uint32_t y = 0; y < header->height; ++y) {
    const bool read = header->plain ? read_plain_row(text, *header, row) : read_raw_row(file, at, *header, row);
    if (!read) return fail(Errc::kCorrupt, fmt::format("PNM: breaks off in row {} of {}", y + 1, header->height));
    writer.write(row.data());
  }
  return {};
}

}  // namespace pairloom::workerproc
