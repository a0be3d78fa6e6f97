// DistinctCodes: which codes take part in pairing. Of equal codes only the earliest does, their representative; the
// others are paired with it and with nothing else. Low-information codes take no part unless asked for.
// Needs about 3 bytes a code while it is made and one bit a code afterwards; a code that many share costs no more.
// Runs in: worker, cli.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "search/code_file.h"

namespace pairloom::search {

class DistinctCodes {
 public:
  // Looks at the codes at positions [0, count). `visit_equal` (may be null) hears of every code that equals an earlier
  // one, by ascending position. `progress` (may be null) is called every few milliseconds.
  static DistinctCodes find(const CodeFile& codes, uint64_t count, bool include_low_information,
                            const std::function<void(uint64_t representative, uint64_t equal)>& visit_equal,
                            const std::function<void()>& progress);

  uint64_t count() const { return count_; }  // positions looked at
  uint64_t size() const { return size_; }    // of them, distinct codes
  bool contains(uint64_t position) const { return (bits_[position / 64] >> (position % 64) & 1) != 0; }

 private:
  uint64_t count_ = 0, size_ = 0;
  std::vector<uint64_t> bits_;  // one for each position
};

}  // namespace pairloom::search
