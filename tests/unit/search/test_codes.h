// Codes and code files for the tests of search/.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <ostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "search/code_file.h"
#include "search/hamming_scan.h"

namespace pairloom::search {

struct Entry {
  uint32_t content_id;
  Code code;
  uint8_t flags = 0;
};

inline int bits_of(Algorithm algorithm) {
  return info(algorithm).bits;
}

inline Code random_code(std::mt19937_64& random, Algorithm algorithm) {
  Code code;
  for (int w = 0; w < bits_of(algorithm) / 64; ++w) code.words[static_cast<size_t>(w)] = random();
  return code;
}

inline void flip_bits(Code& code, int count, std::mt19937_64& random, Algorithm algorithm) {
  const auto bits = static_cast<uint64_t>(bits_of(algorithm));
  for (int i = 0; i < count; ++i) {
    const uint64_t bit = random() % bits;
    code.words[bit / 64] ^= uint64_t{1} << (bit % 64);
  }
}

inline std::vector<Entry> uniform_entries(size_t count, Algorithm algorithm, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Entry> entries;
  for (size_t i = 0; i < count; ++i) entries.push_back({static_cast<uint32_t>(i + 1), random_code(random, algorithm)});
  return entries;
}

// What collections look like: near-duplicates, identical codes, a few flat images and one large cluster of the same
// code; content ids in no order.
inline std::vector<Entry> clustered_entries(size_t count, Algorithm algorithm, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Entry> entries;
  const Code popular = random_code(random, algorithm);
  for (size_t i = 0; i < count; ++i) {
    Entry entry{static_cast<uint32_t>(i + 1), random_code(random, algorithm)};
    const uint64_t kind = random() % 20;
    if (kind < 8 && i > 0) entry.code = entries[random() % i].code;
    if (kind < 5 && i > 0) flip_bits(entry.code, static_cast<int>(random() % 24), random, algorithm);
    if (kind == 8) entry.code = popular;
    if (kind == 9) entry.code = Code{};
    if (kind >= 9 && kind < 11) entry.flags = kLowInformation;
    entries.push_back(entry);
  }
  for (size_t i = count; i > 1; --i) std::swap(entries[i - 1].content_id, entries[random() % i].content_id);
  return entries;
}

inline CodeFile in_memory(const std::vector<Entry>& entries, Algorithm algorithm) {
  CodeFileBuilder builder(algorithm);
  for (const Entry& e : entries) EXPECT_TRUE(builder.append(e.content_id, e.code, e.flags));
  return std::move(builder).finish();
}

// Different codes within 8 bits of each other.
inline std::vector<Entry> crowd_of(size_t count, Algorithm algorithm, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Entry> entries = uniform_entries(count, algorithm, seed);
  std::set<Code> seen;
  for (Entry& entry : entries) {
    do {
      entry.code = entries[0].code;
      flip_bits(entry.code, 4, random, algorithm);
    } while (!seen.insert(entry.code).second);
  }
  return entries;
}

inline bool is_within(const Code& x, const Code& y, int radius) {
  for (size_t w = 0; w < x.words.size() && radius >= 0; ++w) radius -= __builtin_popcountll(x.words[w] ^ y.words[w]);
  return radius >= 0;
}

// What pairs_of_range() promises, word by word: representatives first, then a plain double loop over them.
inline std::vector<PairHit> expected_pairs(const std::vector<Entry>& entries, size_t first, size_t last, int radius,
                                           bool low) {
  std::map<Code, size_t> earliest;
  std::vector<size_t> representatives;
  std::vector<PairHit> pairs;
  const auto add = [&](size_t a, size_t b) {
    pairs.push_back({static_cast<uint32_t>(a), static_cast<uint32_t>(b),
                     static_cast<uint32_t>(hamming_distance(entries[a].code, entries[b].code))});
  };
  for (size_t i = 0; i < last; ++i) {
    if (!low && (entries[i].flags & kLowInformation) != 0) continue;
    const auto [it, is_representative] = earliest.try_emplace(entries[i].code, i);
    if (i >= first && !is_representative) add(it->second, i);
    if (i >= first && is_representative) {
      for (const size_t r : representatives) {
        if (is_within(entries[r].code, entries[i].code, radius)) add(r, i);
      }
    }
    if (is_representative) representatives.push_back(i);
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

inline std::vector<PairHit> up_to(std::vector<PairHit> pairs, int radius) {
  std::erase_if(pairs, [&](const PairHit& pair) { return static_cast<int>(pair.distance) > radius; });
  return pairs;
}

inline PairVisitor collect_into(std::vector<PairHit>& pairs) {
  return {[&pairs](std::span<const PairHit> some) {
            pairs.insert(pairs.end(), some.begin(), some.end());
            return true;
          },
          nullptr, nullptr};
}

constexpr uint32_t kNoLimit = UINT32_MAX;  // for ScanOptions::max_neighbours

// GoogleTest finds it by its name.
inline void PrintTo(const PairHit& p, std::ostream* out) {
  *out << "{" << p.a << ", " << p.b << ": " << p.distance << "}";
}

// A directory that goes away with the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "pairloom-search-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace pairloom::search
