// Pattern: payloads of which every byte and the length follow from the record's number, so that both ends of a ring can
// make them independently, without copying. Used by the unit and process tests of shm/.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace pairloom::shm::test {

// splitmix64, Vigna, https://prng.di.unimi.it/splitmix64.c
inline uint64_t mix(uint64_t number) {
  uint64_t z = number + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

class Pattern {
 public:
  explicit Pattern(size_t max_payload_bytes)
      : max_payload_bytes_(max_payload_bytes), noise_(kOffsets + max_payload_bytes) {
    for (size_t i = 0; i < noise_.size(); ++i) noise_[i] = static_cast<std::byte>(mix(i / 8) >> (i % 8 * 8));
  }
  // Mostly below 256 bytes, one in 64 anything up to the largest.
  std::span<const std::byte> payload(uint64_t number) const {
    const uint64_t m = mix(number);
    const size_t most_bytes = m % 64 == 0 ? max_payload_bytes_ : std::min<size_t>(255, max_payload_bytes_);
    return std::span(noise_).subspan((m >> 8) % kOffsets, (m >> 32) % (most_bytes + 1));
  }
  uint32_t kind(uint64_t number) const { return static_cast<uint32_t>(number); }
  bool matches(uint64_t number, uint32_t kind_seen, std::span<const std::byte> seen) const {
    return kind_seen == kind(number) && same(seen, payload(number));
  }

 private:
  static bool same(std::span<const std::byte> a, std::span<const std::byte> b) {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
  }

  static constexpr size_t kOffsets = 65536;
  size_t max_payload_bytes_;
  std::vector<std::byte> noise_;
};

}  // namespace pairloom::shm::test
