#include "workerproc/decode/jpeg_huffman.h"

#include <algorithm>

namespace pairloom::workerproc {

bool HuffmanCode::assign(std::span<const uint8_t> spec) {
  constexpr size_t kCounts = 16;
  if (spec.size() < kCounts || spec.size() - kCounts > symbols_.size()) return false;
  std::copy(spec.begin() + kCounts, spec.end(), symbols_.begin());
  uint32_t code = 0;  // aligned to the left of 16 bits
  uint16_t symbol = 0;
  for (uint32_t length = 1; length <= 16; ++length) {
    first_[length] = code;
    offset_[length] = symbol;
    code += static_cast<uint32_t>(spec[length - 1]) << (16 - length);
    symbol = static_cast<uint16_t>(symbol + spec[length - 1]);
    if (code > 0xFFFF) return false;  // too many codes, or one that is all ones
    limit_[length] = code;
  }
  return symbol == spec.size() - kCounts;
}

HuffmanSymbol HuffmanCode::find(uint64_t window) const {
  const auto prefix = static_cast<uint32_t>(window >> 48);
  uint32_t length = 1;  // without a branch: where a loop would end is anybody's guess
  for (uint32_t shorter = 1; shorter <= 16; ++shorter) length += prefix >= limit_[shorter] ? 1u : 0u;
  if (length > 16) return {};
  const uint32_t index = offset_[length] + ((prefix - first_[length]) >> (16 - length));
  return {static_cast<uint8_t>(length), symbols_[index & 255]};
}

template <class Visit>
void HuffmanCode::for_each(uint32_t max_length, Visit visit) const {
  for (uint32_t length = 1; length <= max_length; ++length) {
    uint32_t index = offset_[length];
    for (uint32_t code = first_[length]; code < limit_[length]; code += 1u << (16 - length))
      visit(code, HuffmanSymbol{static_cast<uint8_t>(length), symbols_[index++ & 255]});
  }
}

DcTable::Symbol DcTable::symbol_of(HuffmanSymbol symbol) {
  if (symbol.length == 0 || symbol.value > kMaxDcSize) return {};
  return {static_cast<uint8_t>(symbol.length + symbol.value), symbol.length, static_cast<uint8_t>(63 - symbol.value)};
}

bool DcTable::build(std::span<const uint8_t> spec) {
  if (!code_.assign(spec)) return false;
  // libjpeg refuses tables with sizes above 15 whether they are used or not.
  if (std::any_of(spec.begin() + 16, spec.end(), [](uint8_t size) { return size > 15; })) return false;
  symbols_.fill({});
  code_.for_each(kBits, [this](uint32_t code, HuffmanSymbol symbol) {
    std::fill_n(symbols_.begin() + (code >> (16 - kBits)), 1u << (kBits - symbol.length), symbol_of(symbol));
  });
  return true;
}

DcTable::Symbol DcTable::find(uint64_t window) const {
  return symbol_of(code_.find(window));
}

AcTable::Symbol AcTable::symbol_of(HuffmanSymbol symbol) {
  const uint8_t run = symbol.value >> 4, size = symbol.value & 15;
  const bool known = size != 0 ? size <= kMaxAcSize : run == 0 || run == 15;
  if (symbol.length == 0 || !known) return {};
  const uint32_t advance = symbol.value == 0 ? kEndOfBlock : run + 1u;
  return {static_cast<uint8_t>(symbol.length + size), symbol.length, size, static_cast<uint8_t>(advance)};
}

// The entries for prefixes of 12 bits follow from those for shorter ones: a symbol that takes t bits is followed by
// whatever 12 - t bits hold. So all lengths are made, from the shortest up, and most of the work is adding and copying.
bool AcTable::build(std::span<const uint8_t> spec) {
  has_terms_ = false;
  if (!code_.assign(spec)) return false;
  for (size_t i = 0; i < long_symbols_.size(); ++i) {
    const uint64_t prefix = code_.end_of(kTermBits) + i;
    long_symbols_[i] = prefix > 0xFFFF ? Symbol{} : symbol_of(code_.find(prefix << 48));
  }
  // Entries as numbers: total bits + 256 * advance; 0 if no symbol fits. Those for b bits start at 1 << b.
  std::array<uint16_t, 2 << kSkipBits> by_length{};
  for (uint32_t bits = 1; bits <= kSkipBits; ++bits) {
    uint16_t* const entries = &by_length[size_t{1} << bits];
    code_.for_each(bits, [&](uint32_t code, HuffmanSymbol coded) {
      const Symbol symbol = symbol_of(coded);
      uint16_t* const out = entries + (code >> (16 - bits));
      const auto alone = static_cast<uint16_t>(symbol.total_bits + 256 * symbol.advance);
      if (symbol.total_bits >= bits || symbol.advance == kEndOfBlock || alone == 0) {
        std::fill_n(out, 1u << (bits - coded.length), alone);
        return;
      }
      const uint32_t count = 1u << (bits - symbol.total_bits);
      const uint16_t* const rest = &by_length[count];
      for (uint32_t i = 0; i < count; ++i) {
        const auto both = static_cast<uint16_t>(alone + rest[i]);
        // Not more than a block; k = 63 with nothing behind it is left out for the sake of a simple test.
        out[i] = ((both >> 8) & (kEndOfBlock - 1)) < 63 ? both : alone;
      }
      for (uint32_t done = count; done < 1u << (bits - coded.length); done *= 2) std::copy_n(out, done, out + done);
    });
  }
  for (size_t prefix = 0; prefix < skips_.size(); ++prefix) {
    const uint16_t entry = by_length[skips_.size() + prefix];
    skips_[prefix] = {static_cast<uint8_t>(entry), static_cast<uint8_t>(entry == 0 ? kNothing : entry >> 8)};
  }
  return true;
}

AcTable::Terms AcTable::terms_of(Symbol symbol) {
  if (symbol.total_bits == 0) return {0, kNothing, kNothing, 0, 0, 0, 0};
  return {symbol.total_bits, kNothing, symbol.advance, symbol.code_bits, static_cast<uint8_t>(63 - symbol.size), 0, 0};
}

void AcTable::build_terms() {
  if (has_terms_) return;
  has_terms_ = true;
  // As numbers: putting two symbols together is then one addition, in which no field overflows.
  std::array<uint64_t, 1 << kTermBits> entries;
  entries.fill(std::bit_cast<uint64_t>(terms_of({})));
  bool all_known = true;
  code_.for_each(kTermBits, [&](uint32_t code, HuffmanSymbol coded) {
    const Terms alone = terms_of(symbol_of(coded));
    all_known = all_known && alone.total_bits != 0;
    std::fill_n(&entries[code >> (16 - kTermBits)], 1u << (kTermBits - coded.length), std::bit_cast<uint64_t>(alone));
  });
  // A table with unknown symbols is meant for something else; one symbol at a time will do for it.
  if (all_known) add_second_symbols(entries);
  std::memcpy(terms_.data(), entries.data(), sizeof entries);
  std::transform(terms_.begin(), terms_.end(), term_bits_.begin(), [](const Terms& t) { return t.total_bits; });
}

void AcTable::add_second_symbols(std::array<uint64_t, 1 << kTermBits>& entries) const {
  // What second symbols add, by the bits that are left for them; the entries for b bits start at 1 << b, and there are
  // count(b) of them.
  const auto count = [this](uint32_t bits) { return code_.end_of(bits) >> (16 - bits); };
  std::array<uint64_t, 1 << kTermBits> seconds;
  constexpr auto kAlone = std::bit_cast<uint64_t>(Terms{0, kNothing, 0, 0, 0, 0, 0});
  for (uint32_t bits = kTermBits - 1; bits > 0; --bits)
    for (size_t i = 0; i < count(bits); ++i)
      seconds[(size_t{1} << bits) + i] =
          bits == kTermBits - 1 ? entries[2 * i] - kAlone : seconds[(size_t{2} << bits) + 2 * i];

  code_.for_each(kTermBits, [&](uint32_t code, HuffmanSymbol coded) {
    const Symbol first = symbol_of(coded);
    if (first.total_bits >= kTermBits || first.advance == kEndOfBlock) return;
    const uint32_t bits = kTermBits - first.total_bits;
    const size_t seconds_count = count(bits);
    if (seconds_count == 0) return;
    uint64_t* out = &entries[code >> (16 - kTermBits)];
    for (uint32_t value = 0; value < 1u << first.size; ++value, out += size_t{1} << bits) {
      Terms added{first.total_bits, first.advance, first.advance, first.total_bits, 0, 0, 0};
      if (first.size != 0)
        added.first_value = static_cast<int16_t>(signed_bits(uint64_t{value} << (64 - first.size), 63u - first.size));
      for (size_t i = 0; i < seconds_count; ++i)
        out[i] = seconds[(size_t{1} << bits) + i] + std::bit_cast<uint64_t>(added);
    }
  });
}

template <class Table>
Table* HuffmanCache::find_or_build(Slots<Table>& slots, std::span<const uint8_t> spec) {
  if (spec.empty()) return nullptr;
  auto* oldest = &slots[0];
  for (auto& slot : slots) {
    if (std::equal(slot.spec.begin(), slot.spec.end(), spec.begin(), spec.end())) {
      slot.last_use = ++clock_;
      return slot.table.get();
    }
    if (slot.last_use < oldest->last_use) oldest = &slot;
  }
  if (!oldest->table) oldest->table = std::make_unique<Table>();
  oldest->spec.clear();
  oldest->last_use = 0;
  if (!oldest->table->build(spec)) return nullptr;
  oldest->spec.assign(spec.begin(), spec.end());
  oldest->last_use = ++clock_;
  return oldest->table.get();
}

const DcTable* HuffmanCache::dc(std::span<const uint8_t> spec) {
  return find_or_build(dc_, spec);
}

const AcTable* HuffmanCache::ac(std::span<const uint8_t> spec, bool with_terms) {
  AcTable* table = find_or_build(ac_, spec);
  if (table != nullptr && with_terms) table->build_terms();
  return table;
}

}  // namespace pairloom::workerproc
