// Boxes of the ISO base media file format (ISO/IEC 14496-12), in which HEIF, AVIF, JPEG XL and JPEG 2000 files come:
// length, type, body. Every access checked. Runs in: worker only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "workerproc/decode/byte_reader.h"

namespace pairloom::workerproc {

constexpr uint32_t fourcc(const char (&name)[5]) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(name[i]);
  return value;
}

struct Box {
  uint32_t type = 0;
  std::span<const std::byte> body;
  bool cut = false;  // the file ends within it
};

// The boxes of a file or of a box's body, one after another.
class BoxReader {
 public:
  explicit BoxReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  // Nothing at the end, and after a box that was cut or whose length cannot be.
  std::optional<Box> next();

 private:
  std::span<const std::byte> bytes_;
};

// The first box of a type; nothing if there is none.
std::optional<Box> find_box(std::span<const std::byte> bytes, uint32_t type);

// Numbers in a row, big-endian, of sizes that the file names. What lies beyond the end is 0 and makes it not ok().
class BoxFields {
 public:
  explicit BoxFields(std::span<const std::byte> bytes) : reader_(bytes, true) {}
  uint64_t number(size_t bytes);  // of 0 to 8 bytes; 0 bytes: 0
  uint32_t u8() { return static_cast<uint32_t>(number(1)); }
  uint32_t u16() { return static_cast<uint32_t>(number(2)); }
  uint32_t u32() { return static_cast<uint32_t>(number(4)); }
  // Version and flags, which begin the body of a "full box".
  uint32_t version() { return u32() >> 24; }
  std::span<const std::byte> rest() const { return reader_.slice(at_, reader_.size()); }
  bool ok() const { return ok_; }

 private:
  ByteReader reader_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace pairloom::workerproc
