#include "workerproc/decode/exif.h"

#include "workerproc/decode/byte_reader.h"

namespace pairloom::workerproc {

uint8_t exif_orientation(std::span<const std::byte> block) {
  constexpr uint32_t kOrientationTag = 0x0112, kShort = 3;
  constexpr size_t kEntryBytes = 12;
  if (ByteReader(block).starts_with(std::string_view("Exif\0\0", 6))) block = block.subspan(6);
  const bool big_endian = ByteReader(block).starts_with("MM");
  if (!big_endian && !ByteReader(block).starts_with("II")) return 1;
  const ByteReader tiff(block, big_endian);
  if (tiff.u16(2) != 42u) return 1;
  const size_t ifd = tiff.u32(4).value_or(0);
  const size_t entries = tiff.u16(ifd).value_or(0);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = ifd + 2 + i * kEntryBytes;
    if (!tiff.has(entry, kEntryBytes)) return 1;
    if (tiff.u16(entry) != kOrientationTag) continue;
    if (tiff.u16(entry + 2) != kShort || tiff.u32(entry + 4) != 1u) return 1;
    const uint32_t orientation = tiff.u16(entry + 8).value_or(1);
    return orientation >= 1 && orientation <= 8 ? static_cast<uint8_t>(orientation) : uint8_t{1};
  }
  return 1;
}

}  // namespace pairloom::workerproc
