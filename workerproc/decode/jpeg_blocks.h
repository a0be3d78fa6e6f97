// Block by block: the inner loops of the reduced JPEG decoder (jpeg_scan.cpp). Each takes one block's bits and does
// with them what the asked-for size needs. Runs in: worker only.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "workerproc/decode/jpeg_header.h"
#include "workerproc/decode/jpeg_huffman.h"
#include "workerproc/decode/jpeg_idct.h"

namespace pairloom::workerproc::jpeg_blocks {

// The bytes that must be readable behind the entropy-coded ones, so that looking once per MCU whether they are used up
// is enough: the longest MCU, 10 blocks of a DC difference (16 + 11 bits) and 63 terms (16 + 10 bits each), and what
// the bit reader takes or reads ahead.
constexpr size_t kReadAheadBytes = 4096;
static_assert(10 * (27 + 63 * 26) / 8 + 16 < kReadAheadBytes);

// Where a term goes in JpegTerms, by its zigzag index; indices past the block lead to a place of their own.
constexpr std::array<uint16_t, 256> kPlaces = [] {
  std::array<uint16_t, 256> places{};
  places.fill(JpegTerms::kNowhere);
  for (size_t k = 0; k < 64; ++k) {
    const size_t row = kJpegNaturalOrder[k] / 8, column = kJpegNaturalOrder[k] % 8;
    places[k] = static_cast<uint16_t>(row * JpegTerms::kRowStep + column);
  }
  return places;
}();

enum class Step { kGoOn, kBlockEnds, kBad };

// Of a k that is not below 63: see AcTable.
constexpr bool block_ends(uint32_t k) {
  return k == 63 || (k >= AcTable::kEndOfBlock && k < AcTable::kEndOfBlock + 63);
}

// All look-ups are made with the bits that are left in the window, and while they wait for memory the reader refills it.
// The most that is taken between two times: a symbol that is looked at alone, and what one more look-up says. What is left
// then must do for a look-up in any table, and `count` must not fall below zero.
constexpr int kMaxSymbolBits = 16 + kMaxAcSize, kMaxSkipBits = AcTable::kSkipBits + kMaxAcSize,
              kMaxTermBits = AcTable::kTermBits + kMaxAcSize;
static_assert(BitReader::kWindowBits - kMaxSymbolBits - kMaxSkipBits >= std::max(AcTable::kSkipBits, DcTable::kBits));
static_assert(BitReader::kWindowBits - kMaxSymbolBits - kMaxTermBits >= std::max(AcTable::kTermBits, DcTable::kBits));
static_assert(BitReader::kRefilledBits - kMaxSymbolBits - std::max(kMaxSkipBits, kMaxTermBits) >= 0);
static_assert(BitReader::kRefilledBits - 16 - kMaxDcSize >= AcTable::kSkipBits);

[[gnu::always_inline]] inline bool read_dc(BitReader& in, const DcTable& table, int32_t& difference) {
  DcTable::Symbol symbol = table[in.peek<DcTable::kBits>()];
  in.refill();
  if (symbol.total_bits == 0) [[unlikely]] {
    symbol = table.find(in.window);
    if (symbol.total_bits == 0) return false;
  }
  difference = signed_bits(in.window << symbol.code_bits, symbol.value_shift);
  in.drop(symbol.total_bits);
  return true;
}

// One symbol, looked at alone. `store(k, value)`.
template <class Store>
[[gnu::always_inline]] inline Step one_symbol(BitReader& in, const AcTable& table, uint32_t& k, Store store) {
  in.refill();
  const AcTable::Symbol symbol = table.find(in.window);
  if (symbol.total_bits == 0) return Step::kBad;
  const uint32_t next = k + symbol.advance;
  if (symbol.advance != AcTable::kEndOfBlock) {
    if (next > 63) return Step::kBad;
    if (symbol.size != 0) store(next, signed_bits(in.window << symbol.code_bits, 63u - symbol.size));
  }
  in.drop(symbol.total_bits);
  k = next;
  return next < 63 ? Step::kGoOn : Step::kBlockEnds;
}

// Takes what `entry`, looked up at the window's beginning, says.
[[gnu::always_inline]] inline Step skip_some(BitReader& in, const AcTable& table, AcTable::Skip entry, uint32_t& k) {
  const uint32_t next = k + entry.advance;
  if (next < 63) [[likely]] {
    in.drop(entry.total_bits);
    k = next;
    return Step::kGoOn;
  }
  if (!block_ends(next)) [[unlikely]]
    return one_symbol(in, table, k, [](uint32_t, int32_t) {});
  in.drop(entry.total_bits);
  return Step::kBlockEnds;
}

// Steps over a block's AC terms.
[[gnu::always_inline]] inline bool skip_terms(BitReader& in, const AcTable& table) {
  uint32_t k = 0;
  for (;;) {
    AcTable::Skip entry = table.skip(in.peek<AcTable::kSkipBits>());
    in.refill();
    Step step = skip_some(in, table, entry, k);
    if (step != Step::kGoOn) [[unlikely]]
      return step == Step::kBlockEnds;
    entry = table.skip(in.peek<AcTable::kSkipBits>());
    step = skip_some(in, table, entry, k);
    if (step != Step::kGoOn) [[unlikely]]
      return step == Step::kBlockEnds;
  }
}

[[gnu::always_inline]] inline Step read_some(BitReader& in, const AcTable& table, size_t prefix, uint32_t& k,
                                             int16_t* block) {
  const uint32_t total_bits = table.term_bits(prefix);
  const AcTable::Terms entry = table.terms(prefix);
  const uint32_t next = k + entry.advance;
  block[kPlaces[k + entry.first_advance]] = entry.first_value;
  block[kPlaces[next]] = static_cast<int16_t>(signed_bits(in.window << entry.value_start, entry.value_shift));
  if (next < 63) [[likely]] {
    in.drop(total_bits);
    k = next;
    return Step::kGoOn;
  }
  if (!block_ends(next)) [[unlikely]]
    return one_symbol(in, table, k,
                      [&](uint32_t at, int32_t value) { block[kPlaces[at]] = static_cast<int16_t>(value); });
  in.drop(total_bits);
  return Step::kBlockEnds;
}

// Reads a block's AC terms into `block`, of JpegTerms.
[[gnu::always_inline]] inline bool read_terms(BitReader& in, const AcTable& table, int16_t* block) {
  uint32_t k = 0;
  for (;;) {
    size_t prefix = in.peek<AcTable::kTermBits>();
    in.refill();
    Step step = read_some(in, table, prefix, k, block);
    if (step != Step::kGoOn) [[unlikely]]
      return step == Step::kBlockEnds;
    prefix = in.peek<AcTable::kTermBits>();
    step = read_some(in, table, prefix, k, block);
    if (step != Step::kGoOn) [[unlikely]]
      return step == Step::kBlockEnds;
  }
}

// Blocks whose terms have been read, until there are enough of them for a transform.
class BlockQueue {
 public:
  void begin_scan(JpegIdct::Function transform, const int16_t* quant, size_t stride) {
    transform_ = transform;
    quant_ = quant;
    stride_ = stride;
    count_ = 0;
  }
  // For the terms of the block whose first pixel is at `out`: all zero, with kPlaces to go by.
  [[gnu::always_inline]] int16_t* begin_block(uint8_t* out) {
    out_[count_] = out;
    int16_t* const block = terms_.block(count_);
    for (size_t row = 0; row < 8; ++row) std::memset(block + row * JpegTerms::kRowStep, 0, 8 * sizeof *block);
    return block;
  }
  [[gnu::always_inline]] void end_block() {
    if (++count_ == JpegTerms::kBlocks) flush();
  }
  void flush() {
    if (count_ > 0) transform_(terms_, quant_, out_.data(), count_, stride_);
    count_ = 0;
  }

 private:
  JpegTerms terms_;
  std::array<uint8_t*, JpegTerms::kBlocks> out_{};
  size_t count_ = 0;
  JpegIdct::Function transform_ = nullptr;
  const int16_t* quant_ = nullptr;
  size_t stride_ = 0;
};

// Luma as it is decoded: one cell, or kSide x kSide cells, per block.
template <class Cell>
struct Plane {
  Cell* cells = nullptr;
  size_t stride = 0;  // in cells
};

// What to do with a block of luma ...
struct LumaDc {
  const DcTable* dc;
  const AcTable* ac;
  Plane<uint8_t> plane;
  int16_t quant;
  uint32_t prediction = 0;  // wraps as libjpeg's does

  [[gnu::always_inline]] bool operator()(BitReader& in, size_t x, size_t y) {
    int32_t difference;
    if (!read_dc(in, *dc, difference)) return false;
    prediction += static_cast<uint32_t>(difference);
    plane.cells[y * plane.stride + x] = jpeg_idct_1x1(static_cast<int16_t>(prediction), quant);
    return skip_terms(in, *ac);
  }
};

template <size_t kSide>
struct LumaTerms {
  const DcTable* dc;
  const AcTable* ac;
  Plane<uint8_t> plane;
  int16_t quant;      // of the DC term
  BlockQueue* queue;  // for this size
  uint32_t prediction = 0;
  [[gnu::always_inline]] bool operator()(BitReader& in, size_t x, size_t y) {
    int32_t difference;
    if (!read_dc(in, *dc, difference)) return false;
    prediction += static_cast<uint32_t>(difference);
    const auto dc_term = static_cast<int16_t>(prediction);
    uint8_t* const out = plane.cells + (y * plane.stride + x) * kSide;

    // Blocks without any other term are common and quickly done.
    const size_t prefix = in.peek<AcTable::kTermBits>();
    if (ac->terms(prefix).advance == AcTable::kEndOfBlock)
      if (const auto pixel = jpeg_idct_flat(dc_term, quant)) {
        in.drop(ac->term_bits(prefix));
        for (size_t row = 0; row < kSide; ++row) std::memset(out + row * plane.stride, *pixel, kSide);
        return true;
      }

    int16_t* const block = queue->begin_block(out);
    block[0] = dc_term;
    if (!read_terms(in, *ac, block)) return false;
    queue->end_block();
    return true;
  }
};

// The first DC scan of a progressive frame: all but the low bits.
struct LumaFirstDc {
  const DcTable* dc;
  Plane<int16_t> plane;
  uint8_t low_bit;
  int32_t prediction = 0;
  static constexpr int32_t kMaxPrediction = 1 << 24;  // far out of range; libjpeg gives up at 1 << 31

  [[gnu::always_inline]] bool operator()(BitReader& in, size_t x, size_t y) {
    int32_t difference;
    if (!read_dc(in, *dc, difference)) return false;
    prediction += difference;
    if (prediction < -kMaxPrediction || prediction > kMaxPrediction) return false;
    plane.cells[y * plane.stride + x] = static_cast<int16_t>(static_cast<uint32_t>(prediction) << low_bit);
    return true;
  }
};

// A later DC scan: one more bit for every block.
struct LumaMoreDc {
  Plane<int16_t> plane;
  uint8_t low_bit;

  [[gnu::always_inline]] bool operator()(BitReader& in, size_t x, size_t y) {
    in.refill();
    auto& cell = plane.cells[y * plane.stride + x];
    cell = static_cast<int16_t>(cell | static_cast<int16_t>(in.peek<1>() << low_bit));
    in.drop(1);
    return true;
  }
};

// ... and of chroma, which is only stepped over.
struct SkipBlock {
  const DcTable* dc;
  const AcTable* ac;
  [[gnu::always_inline]] bool operator()(BitReader& in) const {
    int32_t ignored;
    return read_dc(in, *dc, ignored) && skip_terms(in, *ac);
  }
};

struct SkipFirstDc {
  const DcTable* dc;
  [[gnu::always_inline]] bool operator()(BitReader& in) const {
    int32_t ignored;
    return read_dc(in, *dc, ignored);
  }
};

struct SkipMoreDc {
  [[gnu::always_inline]] bool operator()(BitReader& in) const {
    in.refill();
    in.drop(1);
    return true;
  }
};

}  // namespace pairloom::workerproc::jpeg_blocks
