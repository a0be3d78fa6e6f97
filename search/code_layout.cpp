#include "search/code_layout.h"

#include <unistd.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

#include "base/fd.h"

namespace pairloom::search {

uint64_t checksum_of(const HeaderSlot& slot) {
  return XXH3_64bits(&slot, offsetof(HeaderSlot, checksum));
}

tl::unexpected<Error> damaged(const std::string& path, const std::string& why) {
  return fail(Errc::kIndexCorrupt, "code file '" + path + "' " + why);
}

namespace {

std::optional<HeaderSlot> newest_slot(std::span<const std::byte, kHeaderBytes> header) {
  std::optional<HeaderSlot> newest;
  for (uint64_t i = 0; i < kSlotCount; ++i) {
    HeaderSlot slot;
    std::memcpy(&slot, header.data() + i * kSlotStride, sizeof slot);
    if (slot.magic != kMagic || slot.format_version != kFormatVersion || slot.checksum != checksum_of(slot)) continue;
    if (!newest || slot.sequence > newest->sequence) newest = slot;
  }
  return newest;
}

}  // namespace

// The header that counts. A writer may be publishing meanwhile: 1. we read slot 0 while it is being written (torn);
// 2. the writer finishes, syncs, and begins slot 1; 3. we read slot 1, torn too. So a bad header is read once more.
Result<HeaderSlot> read_header(int fd, const std::string& path) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    alignas(HeaderSlot) std::array<std::byte, kHeaderBytes> header{};
    // Not by the file offset: other processes may have the same open file.
    for (size_t got = 0; got < header.size();) {
      const ssize_t n = ::pread(fd, header.data() + got, header.size() - got, static_cast<off_t>(got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail_errno("cannot read '" + path + "'", errno);
      if (n == 0) return damaged(path, "is cut short");
      got += static_cast<size_t>(n);
    }
    if (auto slot = newest_slot(header)) return *slot;
  }
  return damaged(path, "has no valid header");
}

uint64_t checksum_of_block(const std::byte* block, const BlockLayout& layout, uint64_t count) {
  uint64_t sum = 0;
  const auto add = [&](uint64_t offset, size_t size) { sum = XXH3_64bits_withSeed(block + offset, size, sum); };
  for (uint32_t w = 0; w < layout.words; ++w) add(layout.word_offset(w), count * sizeof(uint64_t));
  add(layout.content_ids_offset(), count * sizeof(uint32_t));
  add(layout.flags_offset(), count);
  return sum;
}

void put_entry(std::byte* block, const BlockLayout& layout, uint64_t index, uint32_t content_id, const Code& code,
               uint8_t flags) {
  for (uint32_t w = 0; w < layout.words; ++w) {
    std::memcpy(block + layout.word_offset(w) + index * sizeof(uint64_t), &code.words[w], sizeof(uint64_t));
  }
  std::memcpy(block + layout.content_ids_offset() + index * sizeof(uint32_t), &content_id, sizeof content_id);
  std::memcpy(block + layout.flags_offset() + index, &flags, sizeof flags);
}

}  // namespace pairloom::search
