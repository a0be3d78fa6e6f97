// How values are stored. Digests and codes are BLOBs: big-endian, most significant word first, so that SQL's hex() shows
// the usual text form of both. Runs in: supervisor, cli.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/algorithm.h"
#include "base/image.h"
#include "base/text.h"

namespace pairloom::index {

inline void put_big_endian(char* to, uint64_t value) {
  for (int i = 0; i < 8; ++i) to[i] = static_cast<char>(value >> (56 - 8 * i));
}

inline uint64_t get_big_endian(const char* from) {
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(from[i]);
  return value;
}

// A decoder's words, as TEXT must be.
inline std::string as_text(const std::string& message) {
  return is_valid_utf8(message) ? message : escape_for_terminal(message);
}

inline int64_t microseconds(uint64_t ns) {
  return static_cast<int64_t>(ns / 1000);
}

// The bytes of a digest (16) or a code (8 or 32), held in place.
class StoredBytes {
 public:
  explicit StoredBytes(const Digest& digest) : size_(16) {
    put_big_endian(bytes_.data(), digest.hi);
    put_big_endian(bytes_.data() + 8, digest.lo);
  }
  StoredBytes(const Code& code, Algorithm algorithm) : size_(info(algorithm).bits / size_t{8}) {
    for (size_t i = 0; i < size_ / 8; ++i) put_big_endian(bytes_.data() + 8 * i, code.words[size_ / 8 - 1 - i]);
  }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 32> bytes_{};
  size_t size_;
};

// `bytes` must be 16 long (the schema sees to it).
inline Digest digest_from(std::string_view bytes) {
  if (bytes.size() != 16) return {};
  return {.lo = get_big_endian(bytes.data() + 8), .hi = get_big_endian(bytes.data())};
}

// False if the size is not that of the algorithm's codes.
inline bool code_from(std::string_view bytes, Algorithm algorithm, Code& code) {
  if (bytes.size() * 8 != info(algorithm).bits) return false;
  code = Code{};
  for (size_t i = 0; i < bytes.size() / 8; ++i)
    code.words[bytes.size() / 8 - 1 - i] = get_big_endian(bytes.data() + 8 * i);
  return true;
}

}  // namespace pairloom::index
