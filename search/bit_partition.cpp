#include "search/bit_partition.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "search/kernels.h"

namespace pairloom::search {

namespace {

// join_word() for 64-bit codes, byte by byte: spread[i][b] is where the bits of byte i go.
struct SpreadTable {
  uint64_t spread[8][256];
  SpreadTable() {
    int to[64];
    int next = 0;
    for (const int part : {0, 1, 2, 3}) {
      for (int row = part / 2; row < 8; row += 2) {
        for (int column = part % 2; column < 8; column += 2) to[row * 8 + column] = next++;
      }
    }
    for (int i = 0; i < 8; ++i) {
      for (unsigned byte = 0; byte < 256; ++byte) {
        uint64_t bits = 0;
        for (int b = 0; b < 8; ++b) bits |= uint64_t{byte >> b & 1} << to[i * 8 + b];
        spread[i][byte] = bits;
      }
    }
  }
};

inline uint64_t spread_bits(uint64_t word) {
  static const SpreadTable table;
  uint64_t out = 0;
  for (int i = 0; i < 8; ++i) out |= table.spread[i][word >> (8 * i) & 255];
  return out;
}

}  // namespace

uint64_t join_word(uint64_t word, int bits) {
  return bits == 64 ? spread_bits(word) : word;
}

BitPartition::BitPartition(BitPartition&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)),
      bytes_(other.bytes_),
      capacity_(std::exchange(other.capacity_, 0)),
      words_(other.words_),
      positions_(other.positions_),
      offsets_(std::move(other.offsets_)),
      next_(std::move(other.next_)) {}

BitPartition::~BitPartition() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

void BitPartition::reserve(size_t count) {
  if (count <= capacity_ && memory_ != nullptr) return;
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
  capacity_ = count + count / 8 + 1024;
  const size_t word_bytes = (capacity_ + kTileOverread) * sizeof(uint64_t);
  bytes_ = word_bytes + capacity_ * sizeof(uint32_t);
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    memory_ = nullptr;
    // As the vectors here do.
    if (const std::new_handler handler = std::get_new_handler()) handler();
    throw std::bad_alloc();
  }
  ::madvise(memory, bytes_, MADV_HUGEPAGE);  // scattered writes miss the TLB less; without it works too
  memory_ = static_cast<std::byte*>(memory);
  words_ = reinterpret_cast<uint64_t*>(memory_);
  positions_ = reinterpret_cast<uint32_t*>(memory_ + word_bytes);
}

void BitPartition::start_buckets(size_t buckets) {
  offsets_.assign(buckets + 1, 0);
}

size_t BitPartition::turn_counts_into_offsets() {
  for (size_t i = 1; i < offsets_.size(); ++i) offsets_[i] += offsets_[i - 1];
  next_.assign(offsets_.begin(), offsets_.end() - 1);
  return offsets_.back();
}

void BitPartition::gather(const CodeFile& codes, const DistinctCodes& distinct, const JoinPiece& piece,
                          const WordCut& cut, const std::function<void()>& often) {
  const int bits = codes.bits();
  const uint32_t keys = piece.last_key - piece.first_key;
  const auto each = [&](auto&& take) {
    for (uint64_t b = 0; b * kBlockCodes < distinct.count(); ++b) {
      const CodeBlock block = codes.block(b);
      const auto last = static_cast<uint32_t>(std::min(distinct.count() - block.first_position, uint64_t{block.count}));
      for (uint32_t i = 0; i < last; ++i) {
        const uint64_t word = join_word(block.words[piece.word][i], bits);
        const uint32_t key = cut.key(word, piece.block) - piece.first_key;  // wraps around if it is below
        if (key < keys && distinct.contains(block.first_position + i)) take(key, word, block.first_position + i);
      }
      if (b % 64 == 63) often();
    }
  };
  start_buckets(keys);
  each([&](uint32_t key, uint64_t, uint64_t) { ++offsets_[key + size_t{1}]; });
  reserve(turn_counts_into_offsets());
  each([&](uint32_t key, uint64_t word, uint64_t position) {
    const uint32_t at = next_[key]++;
    words_[at] = word;
    positions_[at] = static_cast<uint32_t>(position);
  });
}

void BitPartition::sort(const CodeItems& items, uint32_t count, const WordCut& cut, int block) {
  reserve(count);
  start_buckets(cut.keys(block));
  for (uint32_t i = 0; i < count; ++i) ++offsets_[cut.key(items.words[i], block) + size_t{1}];
  turn_counts_into_offsets();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t at = next_[cut.key(items.words[i], block)]++;
    words_[at] = items.words[i];
    positions_[at] = items.positions[i];
  }
}

bool is_cheaper_to_tile(uint32_t count, int choices, uint32_t keys) {
  constexpr double kCompareNs = 0.08, kSortNs = 4, kKeyNs = 1, kBucketNs = 20;
  const double n = count;
  return n * n / 2 * kCompareNs <= choices * (n * kSortNs + keys * kKeyNs + std::min<double>(n / 2, keys) * kBucketNs);
}

}  // namespace pairloom::search
