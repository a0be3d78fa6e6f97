// The bytes of a code file (docs/code_file.md), shared by its reader and its writer. Not included outside search/.
// Runs in: any process.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/algorithm.h"
#include "search/code_file.h"

namespace pairloom::search {

static_assert(std::endian::native == std::endian::little, "code files are little-endian and mapped as they are");

// Two header slots, each in a page of its own, so that a torn write damages one of them only. Blocks follow.
constexpr uint64_t kSlotStride = 4096;
constexpr uint64_t kSlotCount = 2;
constexpr uint64_t kHeaderBytes = kSlotStride * kSlotCount;
constexpr std::array<char, 8> kMagic = {'p', 'l', 'c', 'o', 'd', 'e', 's', '\n'};
constexpr uint32_t kFormatVersion = 1;

struct HeaderSlot {
  std::array<char, 8> magic = kMagic;
  uint32_t format_version = kFormatVersion;
  uint8_t algorithm = 0;
  uint8_t zero_8 = 0;
  uint16_t bits = 0;
  uint32_t block_codes = kBlockCodes;
  uint32_t zero_32 = 0;
  uint64_t index_id = 0;
  uint64_t generation = 0;
  uint64_t sequence = 0;       // 1, 2, ...; it lies in slot sequence % 2; the higher valid one counts
  uint64_t published = 0;      // codes
  uint64_t tail_checksum = 0;  // of the published part of the last block if that is not full, else 0
  uint64_t checksum = 0;       // XXH3-64 of the bytes before it
};
static_assert(sizeof(HeaderSlot) == 72 && offsetof(HeaderSlot, checksum) == 64);

uint64_t checksum_of(const HeaderSlot& slot);
// The slot that counts; kIndexCorrupt when neither is valid.
Result<HeaderSlot> read_header(int fd, const std::string& path);
// kIndexCorrupt: "code file 'path' why".
tl::unexpected<Error> damaged(const std::string& path, const std::string& why);

// Where things lie within one block. All offsets are multiples of 64.
struct BlockLayout {
  explicit constexpr BlockLayout(int bits) : words(static_cast<uint32_t>(bits) / 64) {}
  uint32_t words;  // per code: 1 or 4
  constexpr uint64_t word_offset(uint32_t word) const { return word * kBlockCodes * sizeof(uint64_t); }
  constexpr uint64_t content_ids_offset() const { return word_offset(words); }
  constexpr uint64_t flags_offset() const { return content_ids_offset() + kBlockCodes * sizeof(uint32_t); }
  constexpr uint64_t seal_offset() const { return flags_offset() + kBlockCodes; }  // u64 checksum of a full block
  constexpr uint64_t bytes() const { return seal_offset() + 64; }
};

constexpr uint64_t blocks_for(uint64_t codes) {
  return codes / kBlockCodes + (codes % kBlockCodes != 0);
}

// XXH3-64 over the first `count` entries of each array in file order; the sum of one array seeds that of the next.
uint64_t checksum_of_block(const std::byte* block, const BlockLayout& layout, uint64_t count);

void put_entry(std::byte* block, const BlockLayout& layout, uint64_t index, uint32_t content_id, const Code& code,
               uint8_t flags);

}  // namespace pairloom::search
