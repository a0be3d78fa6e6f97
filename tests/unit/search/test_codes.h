// Codes and code files for the tests of search/.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "search/code_file.h"

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
