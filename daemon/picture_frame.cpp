#include "daemon/picture_frame.h"

#include <fmt/format.h>
#include <span>
#include <string_view>

namespace pairloom::daemon {
namespace {

// W3C PNG (third edition), annex D; bit by bit, for a few dozen bytes.
uint32_t crc32_of(std::span<const std::byte> bytes) {
  uint32_t crc = 0xffffffff;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

void put_text(std::vector<std::byte>& out, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}
void put_u32(std::vector<std::byte>& out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::byte>(value >> shift));
}
void put_chunk(std::vector<std::byte>& out, std::string_view type, std::span<const std::byte> data) {
  put_u32(out, static_cast<uint32_t>(data.size()));
  const size_t begin = out.size();
  put_text(out, type);
  out.insert(out.end(), data.begin(), data.end());
  put_u32(out, crc32_of(std::span(out).subspan(begin)));
}

std::vector<std::byte> png_head(const jobs::TransformSetup& setup) {
  std::vector<std::byte> out, header;
  put_text(out, "\x89PNG\r\n\x1a\n");
  put_u32(header, setup.width_px);
  put_u32(header, setup.height_px);
  const int colour_type = setup.channels == jobs::Channels::kGray ? 0 : setup.channels == jobs::Channels::kRgb ? 2 : 6;
  for (const int value : {8, colour_type, 0, 0, 0}) header.push_back(static_cast<std::byte>(value));
  put_chunk(out, "IHDR", header);
  // The zlib stream begins: deflate, 32 KB window, fastest (RFC 1950, 2.2). The bands' IDAT chunks continue it.
  const std::byte zlib_header[] = {std::byte{0x78}, std::byte{0x01}};
  put_chunk(out, "IDAT", zlib_header);
  return out;
}

}  // namespace

std::vector<std::byte> picture_head(const jobs::TransformSetup& setup) {
  if (setup.container == jobs::Container::kPng) return png_head(setup);
  std::vector<std::byte> out;
  put_text(out, fmt::format("P{}\n{} {}\n255\n", setup.channels == jobs::Channels::kGray ? 5 : 6, setup.width_px,
                            setup.height_px));
  return out;
}

std::vector<std::byte> picture_tail(const jobs::TransformSetup& setup, uint32_t adler32) {
  std::vector<std::byte> out;
  if (setup.container != jobs::Container::kPng) return out;
  // An empty last block ends the deflate stream (RFC 1951, 3.2.6), its checksum the zlib stream.
  std::vector<std::byte> end = {std::byte{0x03}, std::byte{0x00}};
  put_u32(end, adler32);
  put_chunk(out, "IDAT", end);
  put_chunk(out, "IEND", {});
  return out;
}

uint64_t png_row_bytes(const jobs::TransformSetup& setup, uint64_t rows) {
  return rows * (1 + uint64_t{setup.width_px} * static_cast<uint32_t>(setup.channels));
}

// RFC 1950, 8.2: a = 1 + sum of bytes, b = sum of all a; both modulo 65521. After `a` alone come bytes_of_b further steps.
uint32_t joined_adler32(uint32_t a, uint32_t b, uint64_t bytes_of_b) {
  constexpr uint64_t kModulus = 65521;
  const uint64_t sum_a = a & 0xffff, sums_a = a >> 16, sum_b = b & 0xffff, sums_b = b >> 16;
  const uint64_t sum = (sum_a + sum_b + kModulus - 1) % kModulus;
  const uint64_t sums =
      (sums_a + sums_b + (bytes_of_b % kModulus) * (sum_a + kModulus - 1)) % kModulus;
  return static_cast<uint32_t>(sums << 16 | sum);
}

}  // namespace pairloom::daemon
