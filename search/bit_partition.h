// The sorting inside the banded join: words and their positions, put into buckets by the bits of one block. Stable, so
// positions ascend in every bucket. Not included outside search/. Runs in: worker, cli.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "search/banded_join.h"

namespace pairloom::search {

// Where the blocks of a word lie.
class WordCut {
 public:
  WordCut() = default;
  explicit WordCut(int blocks) : blocks_(blocks) {
    for (int b = 0; b < blocks; ++b) {
      const int bits = first_bit(b + 1, blocks) - first_bit(b, blocks);
      const auto block = static_cast<size_t>(b);
      shift_[block] = static_cast<uint8_t>(first_bit(b, blocks));
      mask_[block] = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
    }
  }
  int blocks() const { return blocks_; }
  uint32_t keys(int block) const { return static_cast<uint32_t>(mask_[static_cast<size_t>(block)]) + 1; }
  uint32_t key(uint64_t word, int block) const {
    const auto b = static_cast<size_t>(block);
    return static_cast<uint32_t>(word >> shift_[b] & mask_[b]);
  }
  bool is_equal(uint64_t difference, int block) const { return key(difference, block) == 0; }

 private:
  int blocks_ = 0;
  std::array<uint8_t, 64> shift_{};
  std::array<uint64_t, 64> mask_{};
};

struct CodeItems {
  const uint64_t* words;
  const uint32_t* positions;
};

// Codes in buckets. The memory is kept for the next sort; behind the last word lie kTileOverread more.
class BitPartition {
 public:
  BitPartition() = default;
  BitPartition(BitPartition&& other) noexcept;
  BitPartition& operator=(BitPartition&&) = delete;
  ~BitPartition();

  // The codes of the piece, out of the file. `often` is called every few milliseconds.
  void gather(const CodeFile& codes, const DistinctCodes& distinct, const JoinPiece& piece, const WordCut& cut,
              const std::function<void()>& often);
  void sort(const CodeItems& items, uint32_t count, const WordCut& cut, int block);

  uint32_t bucket_count() const { return static_cast<uint32_t>(offsets_.size() - 1); }
  uint32_t size(uint32_t bucket) const { return offsets_[bucket + size_t{1}] - offsets_[bucket]; }
  CodeItems items(uint32_t bucket) const { return {words_ + offsets_[bucket], positions_ + offsets_[bucket]}; }

 private:
  void reserve(size_t count);
  void start_buckets(size_t buckets);
  size_t turn_counts_into_offsets();

  std::byte* memory_ = nullptr;
  size_t bytes_ = 0, capacity_ = 0;
  uint64_t* words_ = nullptr;
  uint32_t* positions_ = nullptr;
  std::vector<uint32_t> offsets_ = {0};  // of the buckets, and the end
  std::vector<uint32_t> next_;           // where the next code of each bucket goes
};

// Whether to compare `count` codes with each other at once instead of sorting them once more, by each of `choices`
// blocks of `keys` different values.
bool is_cheaper_to_tile(uint32_t count, int choices, uint32_t keys);

}  // namespace pairloom::search
