// Numbers out of a file's bytes, every access checked: what lies beyond the end reads as nothing. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace pairloom::workerproc {

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes, bool big_endian = false)
      : bytes_(bytes), big_endian_(big_endian) {}

  size_t size() const { return bytes_.size(); }
  // All of [at, at + count) exists.
  bool has(size_t at, size_t count) const { return at <= bytes_.size() && count <= bytes_.size() - at; }
  // [at, at + count), as far as it exists.
  std::span<const std::byte> slice(size_t at, size_t count) const {
    if (at >= bytes_.size()) return {};
    return bytes_.subspan(at, count < bytes_.size() - at ? count : bytes_.size() - at);
  }
  bool starts_with(std::string_view text, size_t at = 0) const {
    if (!has(at, text.size())) return false;
    for (size_t i = 0; i < text.size(); ++i)
      if (bytes_[at + i] != static_cast<std::byte>(text[i])) return false;
    return true;
  }

  std::optional<uint32_t> u8(size_t at) const { return number(at, 1); }
  std::optional<uint32_t> u16(size_t at) const { return number(at, 2); }
  std::optional<uint32_t> u32(size_t at) const { return number(at, 4); }

 private:
  std::optional<uint32_t> number(size_t at, size_t count) const {
    if (!has(at, count)) return std::nullopt;
    uint32_t value = 0;
    for (size_t i = 0; i < count; ++i)
      value = value << 8 | std::to_integer<uint32_t>(bytes_[big_endian_ ? at + i : at + count - 1 - i]);
    return value;
  }

  std::span<const std::byte> bytes_;
  bool big_endian_;
};

}  // namespace pairloom::workerproc
