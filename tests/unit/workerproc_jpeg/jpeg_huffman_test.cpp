#include "workerproc/decode/jpeg_huffman.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "tests/fuzz/jpeg_variants.h"

namespace pairloom::workerproc {
namespace {

using test::Random;
using Spec = std::vector<uint8_t>;  // as in a DHT segment: 16 counts, then the symbols

// A random code that leaves at least the all-ones code unused, as JPEG wants it.
Spec random_spec(Random& random, const std::vector<uint8_t>& symbols) {
  Spec spec(16, 0);
  uint32_t free_codes = 1;  // of the current length
  size_t left = symbols.size();
  for (size_t length = 1; length <= 16; ++length) {
    free_codes *= 2;
    const auto most = static_cast<uint32_t>(std::min<size_t>(left, free_codes - 1));
    const uint32_t count = length == 16 ? most : random.below(most + 1) / (length < 6 ? 3 : 1);
    spec[length - 1] = static_cast<uint8_t>(std::min<uint32_t>(count, 255));
    free_codes -= spec[length - 1];
    left -= spec[length - 1];
  }
  spec.insert(spec.end(), symbols.begin(), symbols.end() - static_cast<ptrdiff_t>(left));
  return spec;
}

std::vector<uint8_t> random_ac_symbols(Random& random, bool only_known) {
  std::set<uint8_t> symbols = {0x00};
  const uint32_t count = 1 + random.below(160);
  while (symbols.size() < count) {
    const auto run = static_cast<uint8_t>(random.below(16)), size = static_cast<uint8_t>(random.below(11));
    if (size != 0 || run == 15) symbols.insert(static_cast<uint8_t>(run << 4 | size));
    if (!only_known) symbols.insert(static_cast<uint8_t>(random.below(256)));
  }
  std::vector<uint8_t> shuffled(symbols.begin(), symbols.end());
  for (size_t i = shuffled.size(); i > 1; --i)
    std::swap(shuffled[i - 1], shuffled[random.below(static_cast<uint32_t>(i))]);
  return shuffled;
}

// T.81, F.2.2.3: bit by bit.
HuffmanSymbol slow_find(const Spec& spec, uint64_t window) {
  uint32_t code = 0, first = 0, index = 0;
  for (uint8_t length = 1; length <= 16; ++length) {
    code = code * 2 + static_cast<uint32_t>(window >> (64 - length) & 1);
    const uint32_t count = spec[length - 1u];
    if (code - first < count) return {length, spec[16 + index + code - first]};
    index += count;
    first = (first + count) * 2;
  }
  return {};
}

// T.81, F.2.2.1, figure F.12.
int32_t slow_value(uint64_t window, uint32_t size) {
  if (size == 0) return 0;
  const auto bits = static_cast<int32_t>(window >> (64 - size));
  return bits < 1 << (size - 1) ? bits - (1 << size) + 1 : bits;
}

struct Term {
  uint32_t total_bits, code_end, advance;
  int32_t value;
};

// One symbol of a sequential frame that starts after `skipped` bits; none if there is no such symbol.
std::optional<Term> slow_term(const Spec& spec, uint64_t window, uint32_t skipped) {
  const HuffmanSymbol symbol = slow_find(spec, window << skipped);
  const uint32_t run = symbol.value >> 4, size = symbol.value & 15;
  if (symbol.length == 0 || size > 10 || (size == 0 && run != 0 && run != 15)) return std::nullopt;
  const uint32_t advance = symbol.value == 0 ? AcTable::kEndOfBlock : run + 1;
  return Term{symbol.length + size, skipped + symbol.length, advance,
              slow_value(window << skipped << symbol.length, size)};
}

TEST(HuffmanCode, RefusesWhatIsNoPrefixCode) {
  HuffmanCode code;
  EXPECT_FALSE(code.assign({}));
  EXPECT_FALSE(code.assign(Spec(15, 0)));
  Spec spec(16, 0);
  EXPECT_TRUE(code.assign(spec)) << "no symbols at all is a code nobody can use, but no damage";
  spec[0] = 1;
  spec.push_back(7);
  EXPECT_TRUE(code.assign(spec));
  spec.push_back(8);
  EXPECT_FALSE(code.assign(spec)) << "a symbol too many";
  spec[0] = 2;
  EXPECT_FALSE(code.assign(spec)) << "the second code is all ones";
  spec[0] = 0;
  spec[1] = 5;
  spec.resize(16 + 5);
  EXPECT_FALSE(code.assign(spec)) << "five codes of two bits";
}

TEST(HuffmanCode, FindsWhatReadingBitByBitFinds) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const Spec spec = random_spec(random, random_ac_symbols(random, false));
    HuffmanCode code;
    ASSERT_TRUE(code.assign(spec));
    for (int j = 0; j < 300; ++j) {
      const uint64_t window = random.next() | (random.one_in(4) ? 0xFFF0'0000'0000'0000u : 0u);
      const HuffmanSymbol ours = code.find(window), slow = slow_find(spec, window);
      ASSERT_EQ(ours.length, slow.length);
      ASSERT_EQ(ours.value, slow.value);
    }
  }
}

TEST(SignedBits, FollowTheStandard) {
  Random random(2);
  for (uint32_t size = 0; size <= 15; ++size)
    for (int i = 0; i < 200; ++i) {
      const uint64_t window = random.next();
      EXPECT_EQ(signed_bits(window, 63 - size), slow_value(window, size)) << size;
    }
}

TEST(DcTable, FindsSizesAndRefusesImpossibleOnes) {
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    std::vector<uint8_t> sizes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15};
    for (size_t j = sizes.size(); j > 1; --j) std::swap(sizes[j - 1], sizes[random.below(static_cast<uint32_t>(j))]);
    const Spec spec = random_spec(random, sizes);
    DcTable table;
    ASSERT_TRUE(table.build(spec));
    for (int j = 0; j < 200; ++j) {
      const uint64_t window = random.next();
      const HuffmanSymbol slow = slow_find(spec, window);
      const bool known = slow.length != 0 && slow.value <= 11;
      const DcTable::Symbol found = table.find(window), quick = table[window >> (64 - DcTable::kBits)];
      ASSERT_EQ(found.total_bits, known ? slow.length + slow.value : 0);
      if (!known) continue;
      EXPECT_EQ(found.code_bits, slow.length);
      EXPECT_EQ(found.value_shift, 63 - slow.value);
      EXPECT_EQ(quick.total_bits, slow.length <= DcTable::kBits ? found.total_bits : 0);
    }
  }
  Spec spec(16, 0);
  spec[3] = 1;
  spec.push_back(16);
  EXPECT_FALSE(DcTable().build(spec)) << "libjpeg refuses sizes above 15 even if they are not used";
}

// Whatever a look-up takes at once must be what the symbols one by one come to.
// Whatever the length of their codes: the longer ones are in a table of their own, as far as that goes.
TEST(AcTable, FindsSymbolsAlone) {
  Random random(7);
  for (int i = 0; i < 40; ++i) {
    const Spec spec = random_spec(random, random_ac_symbols(random, i % 2 == 0));
    AcTable table;
    ASSERT_TRUE(table.build(spec));
    for (uint64_t prefix = 0; prefix < 65536; ++prefix) {
      const uint64_t window = prefix << 48;
      const AcTable::Symbol found = table.find(window);
      const auto slow = slow_term(spec, window, 0);
      ASSERT_EQ(found.total_bits, slow ? slow->total_bits : 0) << i << " " << prefix;
      if (!slow) continue;
      ASSERT_EQ(found.code_bits, slow->code_end);
      ASSERT_EQ(found.size, slow->total_bits - slow->code_end);
      ASSERT_EQ(found.advance, slow->advance);
    }
  }
}

TEST(AcTable, SkipsWholeSymbols) {
  Random random(4);
  int taken = 0, lookups = 0;
  for (int i = 0; i < 200; ++i) {
    const Spec spec = random_spec(random, random_ac_symbols(random, i % 4 != 0));
    AcTable table;
    ASSERT_TRUE(table.build(spec));
    for (int j = 0; j < 500; ++j) {
      const uint64_t window = random.next();
      const AcTable::Skip skip = table.skip(window >> (64 - AcTable::kSkipBits));
      const auto first = slow_term(spec, window, 0);
      if (!first || first->code_end > AcTable::kSkipBits) {
        ASSERT_EQ(skip.advance, AcTable::kNothing);
        continue;
      }
      uint32_t bits = 0, advance = 0;
      int symbols = 0;
      while (bits < skip.total_bits) {
        const auto term = slow_term(spec, window, bits);
        ASSERT_TRUE(term);
        ASSERT_LT(advance, 63u) << "nothing may follow the end of a block";
        ASSERT_LE(term->code_end, static_cast<uint32_t>(AcTable::kSkipBits));
        bits += term->total_bits;
        advance += term->advance;
        ++symbols;
      }
      ASSERT_EQ(bits, skip.total_bits);
      ASSERT_EQ(advance, skip.advance);
      ASSERT_LE(bits, 22u) << "what the bit reader is refilled for";
      taken += symbols;
      ++lookups;
    }
  }
  EXPECT_GT(taken, lookups) << "several at once is the point";
}

TEST(AcTable, ReadsOneOrTwoTerms) {
  Random random(5);
  for (int i = 0; i < 200; ++i) {
    const Spec spec = random_spec(random, random_ac_symbols(random, i % 4 != 0));
    AcTable table;
    ASSERT_TRUE(table.build(spec));
    table.build_terms();
    for (int j = 0; j < 500; ++j) {
      const uint64_t window = random.next();
      const AcTable::Terms terms = table.terms(window >> (64 - AcTable::kTermBits));
      const auto first = slow_term(spec, window, 0);
      if (!first || first->code_end > AcTable::kTermBits) {
        ASSERT_EQ(terms.advance, AcTable::kNothing);
        ASSERT_EQ(terms.first_advance, AcTable::kNothing);
        continue;
      }
      Term last = *first;
      uint32_t bits = first->total_bits, advance = first->advance;
      if (terms.first_advance != AcTable::kNothing) {
        ASSERT_NE(first->advance, AcTable::kEndOfBlock);
        ASSERT_EQ(terms.first_advance, first->advance);
        ASSERT_EQ(terms.first_value, first->value);
        const auto second = slow_term(spec, window, first->total_bits);
        ASSERT_TRUE(second);
        ASSERT_LE(second->code_end, static_cast<uint32_t>(AcTable::kTermBits));
        last = *second;
        bits += second->total_bits;
        advance += second->advance;
      }
      ASSERT_EQ(terms.total_bits, bits);
      ASSERT_EQ(terms.advance, advance);
      ASSERT_EQ(signed_bits(window << terms.value_start, terms.value_shift), last.value);
      ASSERT_LE(bits, 22u);
    }
  }
}

TEST(HuffmanCache, KeepsTablesAndRefusesBadOnes) {
  Random random(6);
  HuffmanCache cache;
  std::vector<Spec> specs;
  for (int i = 0; i < 40; ++i) specs.push_back(random_spec(random, random_ac_symbols(random, true)));
  const AcTable* first = cache.ac(specs[0], false);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(cache.ac(specs[0], true), first);
  for (const Spec& spec : specs) {  // more than there is room for
    const AcTable* table = cache.ac(spec, true);
    ASSERT_NE(table, nullptr);
    AcTable fresh;
    ASSERT_TRUE(fresh.build(spec));
    for (size_t prefix = 0; prefix < size_t{1} << AcTable::kSkipBits; ++prefix) {
      ASSERT_EQ(table->skip(prefix).total_bits, fresh.skip(prefix).total_bits);
      ASSERT_EQ(table->skip(prefix).advance, fresh.skip(prefix).advance);
    }
  }
  Spec bad(16, 0);
  bad[0] = 2;
  bad.resize(18);
  EXPECT_EQ(cache.ac(bad, false), nullptr);
  EXPECT_EQ(cache.dc(bad), nullptr);
  EXPECT_EQ(cache.ac({}, false), nullptr);
  EXPECT_NE(cache.ac(specs[0], false), nullptr);
}

}  // namespace
}  // namespace pairloom::workerproc
