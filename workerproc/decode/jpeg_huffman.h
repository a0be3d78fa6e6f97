// Huffman decoding for the reduced JPEG decoder (jpeg_scan.h): a bit reader, and tables that take several symbols of a
// block in one look-up, so that terms nobody wants are stepped over without being looked at. Runs in: worker only.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace pairloom::workerproc {

// Reads bits from memory without stuffing bytes, most significant first. The window's first `count` bits are the next
// ones (what follows them is either zero or already right). The owner of the memory sees to it that 8 bytes can be read
// wherever `next` may get to; the reader itself checks nothing.
struct BitReader {
  const uint8_t* next = nullptr;
  uint64_t window = 0;
  uint32_t count = 0;

  static constexpr int kWindowBits = 64, kRefilledBits = 56;

  // All of the window are the next bits afterwards; `count`, at least 56, is how many of them `next` is past. (Fabian Giesen, "Reading bits in far too many ways", variant 4.)
  [[gnu::always_inline]] void refill() {
    uint64_t bytes;
    std::memcpy(&bytes, next, sizeof bytes);
    if constexpr (std::endian::native == std::endian::little) bytes = __builtin_bswap64(bytes);
    window |= bytes >> count;
    next += (63 - count) >> 3;
    count |= 56;
  }
  template <int kBits>
  [[gnu::always_inline]] size_t peek() const {
    return window >> (64 - kBits);
  }
  [[gnu::always_inline]] void drop(uint32_t bits) {  // bits < 64
    window <<= bits & 63;
    count -= bits;
  }
  // Bits taken since the reader stood at `begin` with an empty window; may be more than there are.
  size_t used_bits(const uint8_t* begin) const { return static_cast<size_t>(next - begin) * 8 - count; }
};

// The first `63 - shift` bits of the window as T.81 F.2.2.1 wants them: with their top bit clear they stand for the
// negative of their complement. No bits (shift 63) give 0.
[[gnu::always_inline]] inline int32_t signed_bits(uint64_t window, uint32_t shift) {
  const int64_t negative = ~static_cast<int64_t>(window) >> 63;  // all ones or zero
  const uint64_t magnitude = ((window ^ static_cast<uint64_t>(negative)) >> 1) >> shift;
  return static_cast<int32_t>((static_cast<int64_t>(magnitude) ^ negative) - negative);
}

// One symbol: its code and the value bits that follow it. length 0: no code starts like this.
struct HuffmanSymbol {
  uint8_t length = 0;  // of the code
  uint8_t value = 0;   // DC: size; AC: run << 4 | size
};

// Largest size categories of 8-bit frames (T.81, tables F.1 and F.2); symbols with more are taken for damage.
constexpr int kMaxDcSize = 11, kMaxAcSize = 10;

// The canonical code of a DHT segment (T.81, C.2).
class HuffmanCode {
 public:
  // `spec`: 16 counts and the symbols. False: not a prefix code in which no code is all ones (what libjpeg refuses
  // too).
  bool assign(std::span<const uint8_t> spec);
  // By comparing: for codes too long for a table.
  HuffmanSymbol find(uint64_t window) const;

  // Calls visit(code aligned to the left of 16 bits, symbol) for each code of at most max_length bits, ascending.
  template <class Visit>
  void for_each(uint32_t max_length, Visit visit) const;
  // The end of those codes, aligned to the left of 16 bits: what is not below it starts a longer code, or none.
  uint32_t end_of(uint32_t max_length) const { return limit_[max_length]; }

 private:
  std::array<uint32_t, 17> limit_{};   // 16-bit prefixes below limit_[l] have codes of at most l bits
  std::array<uint32_t, 17> first_{};   // first code of l bits, aligned to the left of 16 bits
  std::array<uint16_t, 17> offset_{};  // and its symbol
  std::array<uint8_t, 256> symbols_{};
};

// DC differences.
class DcTable {
 public:
  static constexpr int kBits = 9;

  struct Symbol {
    uint8_t total_bits = 0;   // 0: not in the table, or no such symbol
    uint8_t code_bits = 0;    // before the value bits
    uint8_t value_shift = 0;  // for signed_bits
  };

  bool build(std::span<const uint8_t> spec);
  Symbol operator[](size_t prefix) const { return symbols_[prefix]; }
  Symbol find(uint64_t window) const;  // for codes of any length

 private:
  static Symbol symbol_of(HuffmanSymbol symbol);

  HuffmanCode code_;
  std::array<Symbol, 1 << kBits> symbols_{};
};

// AC terms. A block's terms are followed by their zigzag index k, 0 before the first; a symbol moves it by its run + 1,
// or by 16 for a run of 16 zeros, or by kEndOfBlock. So after a look-up
//   k < 63                               the block goes on;
//   k = 63                               its last term was the last of the block;
//   kEndOfBlock <= k < kEndOfBlock + 63  the end-of-block symbol came in time;
//   else                                 the symbols taken together overshoot, or there was nothing to take: nothing is
//                                        consumed, and the caller goes on symbol by symbol.
class AcTable {
 public:
  static constexpr int kSkipBits = 12, kTermBits = 11;
  static constexpr uint32_t kEndOfBlock = 128;
  static constexpr uint32_t kNothing = 192;  // advance if the first code does not fit, or is none

  struct Symbol {
    uint8_t total_bits = 0;  // 0: no such symbol
    uint8_t code_bits = 0;
    uint8_t size = 0;     // of the value
    uint8_t advance = 0;  // of k
  };
  // As many whole symbols as fit: the codes must, the value bits of the last need not.
  struct Skip {
    uint8_t total_bits = 0;  // <= 22
    uint8_t advance = 0;
  };
  // One or two symbols with their values.
  struct alignas(8) Terms {
    uint8_t total_bits;     // <= 21
    uint8_t first_advance;  // if there are two: the first's, and its value; else kNothing
    uint8_t advance;        // both together
    uint8_t value_start;    // the last one's value: bits before it
    uint8_t value_shift;    // for signed_bits
    uint8_t unused;
    int16_t first_value;
  };

  bool build(std::span<const uint8_t> spec);
  void build_terms();
  Skip skip(size_t prefix) const { return skips_[prefix]; }
  // After build_terms(). The number of bits is also in a table of its own: the next look-up waits for nothing else, and an
  // index into bytes is quicker than one into structures.
  Terms terms(size_t prefix) const { return terms_[prefix]; }
  uint32_t term_bits(size_t prefix) const { return term_bits_[prefix]; }
  Symbol find(uint64_t window) const {  // for codes of any length
    const uint64_t from_long = (window >> 48) - code_.end_of(kTermBits);
    if (from_long < long_symbols_.size()) [[likely]]
      return long_symbols_[from_long];
    return symbol_of(code_.find(window));
  }

 private:
  static Symbol symbol_of(HuffmanSymbol symbol);
  static Terms terms_of(Symbol symbol);
  void add_second_symbols(std::array<uint64_t, 1 << kTermBits>& entries) const;

  HuffmanCode code_;
  // By the first 16 bits, from the first code on that does not fit into terms_. As many as the usual tables need.
  std::array<Symbol, 256> long_symbols_{};
  std::array<Skip, 1 << kSkipBits> skips_{};
  std::array<Terms, 1 << kTermBits> terms_{};
  std::array<uint8_t, 1 << kTermBits> term_bits_{};
  bool has_terms_ = false;
};

// Tables made before, by the bytes they are made from.
class HuffmanCache {
 public:
  // Null: not a valid table. What is returned stays until 12 other tables have been asked for.
  const DcTable* dc(std::span<const uint8_t> spec);
  const AcTable* ac(std::span<const uint8_t> spec, bool with_terms);

 private:
  template <class Table>
  struct Slot {
    std::vector<uint8_t> spec;  // empty: unused
    uint64_t last_use = 0;
    std::unique_ptr<Table> table;
  };
  template <class Table>
  using Slots = std::array<Slot<Table>, 12>;
  template <class Table>
  Table* find_or_build(Slots<Table>& slots, std::span<const uint8_t> spec);

  Slots<DcTable> dc_;
  Slots<AcTable> ac_;
  uint64_t clock_ = 0;
};

}  // namespace pairloom::workerproc
