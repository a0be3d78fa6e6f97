#include "workerproc/decode/png_plain.h"

#include <libdeflate.h>

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "workerproc/decode/byte_reader.h"
#include "workerproc/decode/png_filters.h"
#include "workerproc/decode/raster.h"

namespace pairloom::workerproc {
namespace {

// The whole file is inflated at once: larger ones go row by row through libpng.
constexpr uint64_t kMaxRawBytes = 64u << 20;
constexpr size_t kSignatureBytes = 8, kChunkFrameBytes = 12;  // length, name, CRC-32

using Decompressor = std::unique_ptr<libdeflate_decompressor, decltype(&libdeflate_free_decompressor)>;

struct Header {
  uint32_t width = 0, height = 0;
  Samples samples = Samples::kGray;
  bool wide = false;  // 16 bits a sample
  size_t pixel_bytes() const { return bytes_per_pixel(samples) * (wide ? 2 : 1); }
};

std::optional<Header> read_header(const ByteReader& reader, bool keep_16_bits) {
  if (reader.u32(8) != 13u || !reader.starts_with("IHDR", 12)) return std::nullopt;
  const uint32_t bits = reader.u8(24).value_or(0), colour = reader.u8(25).value_or(0);
  const bool plain_methods = reader.u8(26) == 0u && reader.u8(27) == 0u && reader.u8(28) == 0u;  // not interlaced
  Header header{reader.u32(16).value_or(0), reader.u32(20).value_or(0), Samples::kGray, bits == 16};
  if (!plain_methods || (bits != 8 && !(bits == 16 && keep_16_bits))) return std::nullopt;
  switch (colour) {
    case 0:
      return header;
    case 2:
      header.samples = Samples::kRgb;
      return header;
    case 4:
      header.samples = Samples::kGrayAlpha;
      return header;
    case 6:
      header.samples = Samples::kRgba;
      return header;
    default:
      return std::nullopt;
  }
}

// The compressed data: of one IDAT chunk in place, of several gathered. Nothing if any chunk is damaged, out of place,
// or one that libpng should see.
std::optional<std::span<const std::byte>> find_data(const ByteReader& reader, std::vector<std::byte>& gathered) {
  std::span<const std::byte> data;
  gathered.clear();
  bool data_ended = false;
  for (size_t at = kSignatureBytes; reader.has(at, kChunkFrameBytes);) {
    const size_t length = *reader.u32(at);
    if (!reader.has(at, kChunkFrameBytes + length)) return std::nullopt;
    const auto name_and_body = reader.slice(at + 4, 4 + length), body = reader.slice(at + 8, length);
    if (libdeflate_crc32(0, name_and_body.data(), name_and_body.size()) != *reader.u32(at + 8 + length))
      return std::nullopt;
    if (reader.starts_with("IDAT", at + 4)) {
      if (data_ended) return std::nullopt;
      if (!data.empty() && gathered.empty()) gathered.assign(data.begin(), data.end());
      if (!data.empty()) gathered.insert(gathered.end(), body.begin(), body.end());
      data = gathered.empty() ? body : gathered;
    } else {
      data_ended = !data.empty();
      if (reader.starts_with("IEND", at + 4)) return length == 0 && data_ended ? std::optional(data) : std::nullopt;
      const bool is_header = at == kSignatureBytes;
      const bool critical = (*reader.u8(at + 4) & 0x20) == 0;
      if ((critical && !is_header) || reader.starts_with("tRNS", at + 4)) return std::nullopt;
    }
    at += kChunkFrameBytes + length;
  }
  return std::nullopt;
}

// Big-endian samples of 16 bits, in the machine's order.
const uint8_t* native_order(const uint8_t* row, size_t bytes, std::vector<uint8_t>& out) {
  out.assign(row, row + bytes);
  if constexpr (std::endian::native == std::endian::little)
    for (size_t i = 0; i + 1 < bytes; i += 2) std::swap(out[i], out[i + 1]);
  return out.data();
}

}  // namespace

bool decode_plain_png(std::span<const std::byte> file, Picture& picture) {
  const ByteReader reader(file, true);
  const auto header = read_header(reader, picture.bits_per_sample == 16);
  if (!header || header->width != picture.full_width_px || header->height != picture.full_height_px) return false;
  const size_t row_bytes = header->width * header->pixel_bytes(), stride = row_bytes + 1;  // the filter first
  if (uint64_t{stride} * header->height > kMaxRawBytes) return false;

  thread_local Decompressor decompressor(libdeflate_alloc_decompressor(), &libdeflate_free_decompressor);
  thread_local std::vector<std::byte> gathered;
  thread_local std::vector<uint8_t> raw, native;
  const auto data = find_data(reader, gathered);
  if (!data || decompressor == nullptr) return false;
  const size_t raw_bytes = stride * header->height;
  if (raw.size() < stride + raw_bytes + kRowSlackBytes) raw.resize(stride + raw_bytes + kRowSlackBytes);
  uint8_t* rows = raw.data() + stride;  // a row of zeros before them
  std::fill_n(raw.data(), stride, uint8_t{0});
  size_t read_bytes = 0, written_bytes = 0;
  if (libdeflate_zlib_decompress_ex(decompressor.get(), data->data(), data->size(), rows, raw_bytes, &read_bytes,
                                    &written_bytes) != LIBDEFLATE_SUCCESS ||
      read_bytes != data->size() || written_bytes != raw_bytes)
    return false;

  RowWriter writer(picture, header->samples);
  for (size_t y = 0, done = 0; y < header->height; y += done) {
    uint8_t* stored = rows + y * stride;
    done = unfilter_rows(stored, header->height - y, row_bytes, header->pixel_bytes());
    if (done == 0) return false;
    for (size_t i = 0; i < done; ++i, stored += stride)
      writer.write(header->wide ? native_order(stored + 1, row_bytes, native) : stored + 1);
  }
  picture.has_alpha = header->samples == Samples::kGrayAlpha || header->samples == Samples::kRgba;
  return true;
}

}  // namespace pairloom::workerproc
