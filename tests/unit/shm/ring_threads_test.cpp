// The ring between two threads of one process, for ThreadSanitizer, which sees nothing between processes. Both ends
// come from one Lane, so both use the same addresses; the second mapping of the data is different memory to it
// (docs/shm_layout.md).
#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/shm/lane_parts.h"
#include "tests/unit/shm/pattern.h"

namespace pairloom::shm {
namespace {

constexpr uint64_t kPage = 4096;

// Pushes and pops without the sleep protocol; a full or empty ring yields the processor.
void stream(uint64_t capacity_bytes, uint64_t max_payload_bytes, uint64_t records) {
  test::RingEnds ring(capacity_bytes);
  const test::Pattern pattern(max_payload_bytes);
  std::jthread producing([&] {
    for (uint64_t n = 0; n < records; ++n)
      while (!ring.producer.push(pattern.kind(n), pattern.payload(n)).value()) std::this_thread::yield();
  });
  uint64_t wrong = 0;
  for (uint64_t n = 0; n < records; ++n) {
    auto record = ring.consumer.front().value();
    for (; !record; record = ring.consumer.front().value()) std::this_thread::yield();
    wrong += !pattern.matches(n, record->kind, record->payload);
    ring.consumer.pop();
  }
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(ring.consumer.empty());
}

TEST(RingThreads, MillionsOfRandomRecordsArriveInOrderAndWhole) {
  stream(256 * 1024, 16 * 1024, 2'000'000);
}

TEST(RingThreads, TheSmallestRingWrapsAllTheTime) {
  stream(kPage, kPage - sizeof(RecordHeader), 300'000);
}

}  // namespace
}  // namespace pairloom::shm
