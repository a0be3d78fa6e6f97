// Two passes over the codes. The first marks a hash of each code in a table of bits, and in a second one what was
// marked before; the second pass looks exactly, and only at codes whose hash was met twice: usually few.
#include "search/distinct_codes.h"

#include <algorithm>
#include <bit>

namespace pairloom::search {

namespace {

constexpr uint64_t kMarksPerCode = 4;  // at least: then a quarter of the codes or less meet another's mark by chance

uint64_t hash_of(const Code& code) {
  uint64_t h = 0;
  for (const uint64_t word : code.words) h = (h ^ word ^ (h >> 29)) * 0x9e3779b97f4a7c15;
  return h ^ (h >> 32);
}

Code code_at(const CodeBlock& block, uint32_t index, int words) {
  Code code;
  for (int w = 0; w < words; ++w) code.words[static_cast<size_t>(w)] = block.words[w][index];
  return code;
}

class Marks {
 public:
  explicit Marks(uint64_t codes)
      : shift_(64 - std::max(12, static_cast<int>(std::bit_width(codes * kMarksPerCode)))),
        once_(uint64_t{1} << (58 - shift_)),
        twice_(once_.size()) {}
  void add(uint64_t hash) {
    const uint64_t at = place(hash), bit = uint64_t{1} << (at % 64);
    twice_[at / 64] |= once_[at / 64] & bit;
    once_[at / 64] |= bit;
  }
  bool met_twice(uint64_t hash) const { return (twice_[place(hash) / 64] >> (place(hash) % 64) & 1) != 0; }

 private:
  uint64_t place(uint64_t hash) const { return hash * 0xff51afd7ed558ccd >> shift_; }
  int shift_;
  std::vector<uint64_t> once_, twice_;
};

// The earliest position of each code that was asked for. Open addressing; half empty at least.
class EarliestPositions {
 public:
  explicit EarliestPositions(const CodeFile& codes) : codes_(codes), slots_(1024) {}

  // `position` itself if the code is new.
  uint64_t find_or_insert(const Code& code, uint64_t hash, uint64_t position) {
    if (2 * ++used_ > slots_.size()) grow();
    for (uint64_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[at];
      if (slot.next_position == 0) {
        slot = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(position + 1)};
        return position;
      }
      const uint64_t other = slot.next_position - uint64_t{1};
      if (slot.hash == static_cast<uint32_t>(hash >> 32) && codes_.code(other) == code) {
        --used_;
        return other;
      }
    }
  }

 private:
  struct Slot {
    uint32_t hash = 0;           // its upper half
    uint32_t next_position = 0;  // position + 1; 0 = empty
  };

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.next_position == 0) continue;
      uint64_t at = hash_of(codes_.code(slot.next_position - uint64_t{1})) & (slots_.size() - 1);
      while (slots_[at].next_position != 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  const CodeFile& codes_;
  std::vector<Slot> slots_;  // a power of two
  uint64_t used_ = 0;
};

}  // namespace

DistinctCodes DistinctCodes::find(const CodeFile& codes, uint64_t count, bool include_low_information,
                                  const std::function<void(uint64_t, uint64_t)>& visit_equal,
                                  const std::function<void()>& progress) {
  const int words = codes.bits() / 64;
  DistinctCodes distinct;
  distinct.count_ = std::min(count, codes.size());
  distinct.bits_.resize(distinct.count_ / 64 + 1);
  const auto each = [&](auto&& take) {
    for (uint64_t b = 0; b * kBlockCodes < distinct.count_; ++b) {
      const CodeBlock block = codes.block(b);
      const auto last = static_cast<uint32_t>(std::min(distinct.count_ - block.first_position, uint64_t{block.count}));
      for (uint32_t i = 0; i < last; ++i) {
        if (!include_low_information && (block.flags[i] & kLowInformation) != 0) continue;
        const Code code = code_at(block, i, words);
        take(block.first_position + i, code, hash_of(code));
      }
      if (progress && b % 16 == 15) progress();
    }
  };
  Marks marks(distinct.count_);
  each([&](uint64_t, const Code&, uint64_t hash) { marks.add(hash); });
  EarliestPositions earliest(codes);
  each([&](uint64_t position, const Code& code, uint64_t hash) {
    const uint64_t first = marks.met_twice(hash) ? earliest.find_or_insert(code, hash, position) : position;
    if (first == position) {
      distinct.bits_[position / 64] |= uint64_t{1} << (position % 64);
      ++distinct.size_;
    } else if (visit_equal) {
      visit_equal(first, position);
    }
  });
  return distinct;
}

}  // namespace pairloom::search
