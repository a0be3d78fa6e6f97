#include "search/code_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "search/code_layout.h"

namespace pairloom::search {

// Blocks in memory: of a file (read-only, behind its header) or anonymous (a builder's).
struct CodeFile::Mapping {
  explicit Mapping(int bits) : layout(bits) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (base != nullptr) ::munmap(base, length);
  }

  BlockLayout layout;
  std::byte* base = nullptr;
  size_t length = 0;
  size_t first_block = 0;  // offset of block 0 from base
  uint64_t count = 0;
  uint64_t tail_checksum = 0;
  std::string path;  // empty = in memory, without checksums

  std::byte* block(uint64_t number) const { return base + first_block + number * layout.bytes(); }
  uint64_t codes_in_block(uint64_t number) const { return std::min(kBlockCodes, count - number * kBlockCodes); }

  bool block_is_intact(uint64_t number) const {
    const uint64_t codes = codes_in_block(number);
    uint64_t expected = tail_checksum;
    if (codes == kBlockCodes) std::memcpy(&expected, block(number) + layout.seal_offset(), sizeof expected);
    return checksum_of_block(block(number), layout, codes) == expected;
  }
};

Result<CodeFile> CodeFile::open(const std::string& path, Algorithm algorithm, uint64_t index_id, uint64_t generation) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return fail(Errc::kIndexMissing, "there is no code file '" + path + "'");
  if (!fd) return fail_errno("cannot open '" + path + "'", errno);
  return open(fd.get(), path, algorithm, index_id, generation);
}

Result<CodeFile> CodeFile::open(int fd, const std::string& path, Algorithm algorithm, uint64_t index_id,
                                uint64_t generation) {
  PAIRLOOM_ASSIGN(const HeaderSlot header, read_header(fd, path));

  const int bits = info(algorithm).bits;
  if (header.algorithm != static_cast<uint8_t>(algorithm) || header.bits != bits || header.block_codes != kBlockCodes) {
    return damaged(path, "is of another algorithm");
  }
  if (header.index_id != index_id || header.generation != generation) return damaged(path, "is of another index");

  auto mapping = std::make_unique<Mapping>(bits);
  mapping->path = path;
  mapping->count = header.published;
  mapping->tail_checksum = header.tail_checksum;
  mapping->first_block = kHeaderBytes;
  struct stat st {};
  if (!stat_open_file(fd, st)) return fail_errno("cannot stat '" + path + "'", errno);
  const uint64_t blocks = blocks_for(header.published);
  if (blocks > (static_cast<uint64_t>(st.st_size) - kHeaderBytes) / mapping->layout.bytes()) {
    return damaged(path, "is cut short");
  }
  if (blocks == 0) return CodeFile(std::move(mapping));

  const size_t length = kHeaderBytes + blocks * mapping->layout.bytes();
  void* base = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return fail_errno("cannot map '" + path + "'", errno);
  // Where the file is not in memory yet, it is read in large pieces, and mapped by few page faults from then on (Linux 5.18).
  ::madvise(base, length, MADV_HUGEPAGE);
  mapping->base = static_cast<std::byte*>(base);
  mapping->length = length;
  // The block that a crash could have left half-written is checked here (microseconds); all of them by verify().
  if (!mapping->block_is_intact(blocks - 1)) return damaged(path, "has a damaged last block");
  return CodeFile(std::move(mapping));
}

uint64_t CodeFile::size() const {
  return mapping_->count;
}
uint64_t CodeFile::block_count() const {
  return blocks_for(mapping_->count);
}
int CodeFile::bits() const {
  return static_cast<int>(mapping_->layout.words * 64);
}

CodeBlock CodeFile::block(uint64_t number) const {
  const BlockLayout& layout = mapping_->layout;
  const std::byte* at = mapping_->block(number);
  CodeBlock block{};
  block.first_position = number * kBlockCodes;
  block.count = static_cast<uint32_t>(mapping_->codes_in_block(number));
  for (uint32_t w = 0; w < layout.words; ++w) {
    block.words[w] = reinterpret_cast<const uint64_t*>(at + layout.word_offset(w));
  }
  block.content_ids = reinterpret_cast<const uint32_t*>(at + layout.content_ids_offset());
  block.flags = reinterpret_cast<const uint8_t*>(at + layout.flags_offset());
  return block;
}

Code CodeFile::code(uint64_t position) const {
  const CodeBlock from = block(position / kBlockCodes);
  Code code;
  for (uint32_t w = 0; w < mapping_->layout.words; ++w) code.words[w] = from.words[w][position % kBlockCodes];
  return code;
}

uint32_t CodeFile::content_id(uint64_t position) const {
  return block(position / kBlockCodes).content_ids[position % kBlockCodes];
}

uint8_t CodeFile::flags(uint64_t position) const {
  return block(position / kBlockCodes).flags[position % kBlockCodes];
}

void CodeFile::release_pages() const {
  // Only of a file: of anonymous memory it would be the end.
  if (!mapping_->path.empty() && mapping_->base != nullptr) ::madvise(mapping_->base, mapping_->length, MADV_DONTNEED);
}

Result<> CodeFile::verify() const {
  if (mapping_->path.empty()) return {};
  for (uint64_t b = 0; b < block_count(); ++b) {
    if (!mapping_->block_is_intact(b)) return damaged(mapping_->path, "is damaged in block " + std::to_string(b));
    if (b % 8 == 7) release_pages();  // about a megabyte: memory for a few blocks, not all
  }
  return {};
}

CodeFile::CodeFile(std::unique_ptr<Mapping> mapping) : mapping_(std::move(mapping)) {}
CodeFile::CodeFile(CodeFile&&) noexcept = default;
CodeFile& CodeFile::operator=(CodeFile&&) noexcept = default;
CodeFile::~CodeFile() = default;

CodeFileBuilder::CodeFileBuilder(Algorithm algorithm)
    : mapping_(std::make_unique<CodeFile::Mapping>(info(algorithm).bits)) {}

Result<> CodeFileBuilder::append(uint32_t content_id, const Code& code, uint8_t flags) {
  CodeFile::Mapping& m = *mapping_;
  const uint64_t block = m.count / kBlockCodes;
  if ((block + 1) * m.layout.bytes() > m.length) {
    // Twice as much each time; moving pages costs no copy.
    const size_t length = (2 * block + 1) * m.layout.bytes();
    void* grown = m.base == nullptr
                      ? ::mmap(nullptr, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                      : ::mremap(m.base, m.length, length, MREMAP_MAYMOVE);
    if (grown == MAP_FAILED) return fail_errno("cannot get memory for the codes", errno);
    ::madvise(grown, length, MADV_HUGEPAGE);  // scans are 2-3 times as fast; without them they work too
    m.base = static_cast<std::byte*>(grown);
    m.length = length;
  }
  put_entry(m.block(block), m.layout, m.count % kBlockCodes, content_id, code, flags);
  ++m.count;
  return {};
}

CodeFile CodeFileBuilder::finish() && {
  return CodeFile(std::move(mapping_));
}

CodeFileBuilder::CodeFileBuilder(CodeFileBuilder&&) noexcept = default;
CodeFileBuilder& CodeFileBuilder::operator=(CodeFileBuilder&&) noexcept = default;
CodeFileBuilder::~CodeFileBuilder() = default;

}  // namespace pairloom::search
