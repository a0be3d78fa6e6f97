#include "shm/ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "shm/records.h"
#include "tests/unit/shm/lane_parts.h"
#include "tests/unit/shm/pattern.h"

namespace pairloom::shm {
namespace {

using test::bytes_of;
using test::expect_error;
using test::RingEnds;
using test::text_of;

constexpr uint64_t kPage = 4096;

bool is_aligned(const void* p, size_t alignment) {
  return reinterpret_cast<uintptr_t>(p) % alignment == 0;
}

TEST(Ring, FrontReturnsNothingWhenEmpty) {
  RingEnds ring(kPage);
  EXPECT_TRUE(ring.consumer.empty());
  EXPECT_FALSE(ring.consumer.front().value().has_value());
}

TEST(Ring, FrontReturnsWhatWasPushed) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(7, bytes_of("seven")).value());
  EXPECT_FALSE(ring.consumer.empty());
  const auto record = ring.consumer.front().value();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, 7u);
  EXPECT_EQ(text_of(record->payload), "seven");
}

TEST(Ring, FrontKeepsTheRecordUntilPop) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(1, bytes_of("a")).value());
  ASSERT_TRUE(ring.producer.push(2, bytes_of("b")).value());
  EXPECT_EQ(ring.consumer.front().value()->kind, 1u);
  EXPECT_EQ(ring.consumer.front().value()->kind, 1u);
  ring.consumer.pop();
  EXPECT_EQ(ring.consumer.front().value()->kind, 2u);
}

TEST(Ring, PassesRecordsWithoutPayload) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(9, {}).value());
  const auto record = ring.consumer.front().value();
  ASSERT_TRUE(record);
  EXPECT_EQ(record->kind, 9u);
  EXPECT_TRUE(record->payload.empty());
}

TEST(Ring, ReservedRoomIsInvisibleUntilCommit) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.reserve(100).value());
  EXPECT_FALSE(ring.consumer.front().value().has_value());
  ring.producer.commit(1, 100);
  EXPECT_TRUE(ring.consumer.front().value().has_value());
}

TEST(Ring, CommitPublishesOnlyThePartThatWasUsed) {
  RingEnds ring(kPage);
  auto room = ring.producer.reserve(3000).value();
  std::memcpy(room->data(), "short", 5);
  ring.producer.commit(1, 5);
  EXPECT_EQ(text_of(ring.consumer.front().value()->payload), "short");
  EXPECT_EQ(ring.producer.free_bytes(), kPage - record_bytes(5));
}

TEST(Ring, SecondReserveReplacesTheFirst) {
  RingEnds ring(kPage);
  const auto first = ring.producer.reserve(1000).value();
  const auto second = ring.producer.reserve(10).value();
  EXPECT_EQ(first->data(), second->data());
  ring.producer.commit(1, 10);
  EXPECT_EQ(ring.consumer.front().value()->payload.size(), 10u);
}

TEST(Ring, ReserveReturnsNothingWhenFull) {
  RingEnds ring(kPage);
  for (uint64_t i = 0; i < kPage / 128; ++i) ASSERT_TRUE(ring.producer.push(1, std::vector<std::byte>(64)).value());
  EXPECT_EQ(ring.producer.free_bytes(), 0u);
  EXPECT_FALSE(ring.producer.reserve(0).value().has_value());
  EXPECT_FALSE(ring.producer.push(1, {}).value());
}

TEST(Ring, PopMakesRoomForExactlyWhatItFreed) {
  RingEnds ring(kPage);
  while (ring.producer.push(1, std::vector<std::byte>(64)).value()) {
  }
  ASSERT_TRUE(ring.consumer.front().value());
  ring.consumer.pop();
  EXPECT_EQ(ring.producer.free_bytes(), 128u);
  EXPECT_FALSE(ring.producer.reserve(65).value().has_value());
  EXPECT_TRUE(ring.producer.reserve(64).value().has_value());
}

TEST(Ring, RecordsLargerThanHalfTheRingFollowEachOther) {
  RingEnds ring(4 * kPage);
  std::vector<std::byte> payload(3 * kPage);
  for (uint64_t i = 0; i < 100; ++i) {
    std::memset(payload.data(), static_cast<int>(i), payload.size());
    ASSERT_TRUE(ring.producer.push(1, payload).value());
    EXPECT_FALSE(ring.producer.push(1, payload).value());
    const auto record = ring.consumer.front().value();
    ASSERT_TRUE(std::ranges::equal(record->payload, payload)) << i;
    ring.consumer.pop();
  }
}

TEST(Ring, OneRecordCanBeAsLongAsTheRing) {
  RingEnds ring(4 * kPage);
  const uint64_t longest_bytes = 4 * kPage - sizeof(RecordHeader);
  std::vector<std::byte> payload(longest_bytes, std::byte{0x5a});
  ASSERT_TRUE(ring.producer.push(1, {}).value());  // so that the long one starts at offset 64 and wraps
  ASSERT_TRUE(ring.consumer.front().value());
  ring.consumer.pop();
  ASSERT_TRUE(ring.producer.push(2, payload).value());
  EXPECT_EQ(ring.producer.free_bytes(), 0u);
  EXPECT_TRUE(std::ranges::equal(ring.consumer.front().value()->payload, payload));
  ring.consumer.pop();
  EXPECT_EQ(ring.producer.free_bytes(), 4 * kPage);
}

TEST(Ring, ReserveRefusesWhatCanNeverFit) {
  RingEnds ring(kPage);
  expect_error(ring.producer.reserve(kPage - sizeof(RecordHeader) + 1), Errc::kInvalidArgument, "cannot fit");
  expect_error(ring.producer.reserve(UINT64_MAX), Errc::kInvalidArgument, "cannot fit");
}

TEST(Ring, PayloadsAreAlignedWhereverTheyStart) {
  RingEnds ring(kPage);
  for (size_t size = 0; size < 500; ++size) {
    const auto room = ring.producer.reserve(size).value();
    ASSERT_TRUE(room && is_aligned(room->data(), 64)) << size;
    ring.producer.commit(1, size);
    const auto record = ring.consumer.front().value();
    ASSERT_TRUE(record && is_aligned(record->payload.data(), 64)) << size;
    ring.consumer.pop();
  }
}

TEST(Ring, KeepsOrderAndContentOverManyWraps) {
  RingEnds ring(3 * kPage);  // not a power of two
  const test::Pattern pattern(3 * kPage - sizeof(RecordHeader));
  uint64_t pushed = 0;
  for (uint64_t popped = 0; popped < 50'000; ++popped) {
    while (ring.producer.push(pattern.kind(pushed), pattern.payload(pushed)).value()) ++pushed;
    const auto record = ring.consumer.front().value();
    ASSERT_TRUE(record && pattern.matches(popped, record->kind, record->payload)) << popped;
    ring.consumer.pop();
  }
}

// A set of 5000 SIFT descriptors through a ring that is shorter than two of them: in place on both sides, across the
// wrap.
TEST(Ring, DescriptorSetIsUsableInPlaceAcrossTheWrap) {
  constexpr uint32_t kRows = 5000, kColumns = 128;
  constexpr uint64_t kCapacity = 4 << 20;
  const uint64_t set_bytes = descriptor_set_bytes(kRows, kColumns, ElementType::kF32);
  ASSERT_LT(kCapacity, 2 * set_bytes);
  RingEnds ring(kCapacity);
  const std::byte* ring_begin = nullptr;
  int straddled = 0;
  for (uint64_t id = 0; id < 20; ++id) {
    const auto room = ring.producer.reserve(set_bytes).value();
    ASSERT_TRUE(room);
    const auto matrix = begin_descriptor_set(*room, id, kRows, kColumns, ElementType::kF32, 1);
    ASSERT_TRUE(is_aligned(matrix.data(), 64));
    auto* floats = reinterpret_cast<float*>(matrix.data());
    for (uint32_t i = 0; i < kRows * kColumns; ++i) floats[i] = static_cast<float>(i % 251) + static_cast<float>(id);
    ring.producer.commit(static_cast<uint32_t>(RecordKind::kDescriptorSet), set_bytes);

    const auto record = ring.consumer.front().value();
    ASSERT_TRUE(record);
    const auto set = parse_descriptor_set(record->payload).value();
    EXPECT_EQ(set.set_id, id);
    EXPECT_EQ(set.data, record->payload.data() + sizeof(DescriptorSetHeader));  // a view, no copy
    EXPECT_EQ(set.data, matrix.data());
    ASSERT_TRUE(is_aligned(set.data, 64));
    const auto* seen = static_cast<const float*>(set.data);
    for (uint32_t i = 0; i < kRows * kColumns; ++i)
      ASSERT_EQ(seen[i], static_cast<float>(i % 251) + static_cast<float>(id)) << "set " << id << " element " << i;
    if (id == 0) ring_begin = record->payload.data() - sizeof(RecordHeader);
    const auto offset = static_cast<uint64_t>(record->payload.data() - ring_begin);
    ASSERT_LT(offset, kCapacity);
    straddled += offset + set_bytes > kCapacity;
    ring.consumer.pop();
  }
  EXPECT_GT(straddled, 5);
}

TEST(Ring, WaitAnnouncementIsTakenOnce) {
  RingEnds ring(kPage);
  EXPECT_FALSE(ring.producer.take_consumer_wait());
  ring.consumer.announce_wait();
  EXPECT_TRUE(ring.producer.take_consumer_wait());
  EXPECT_FALSE(ring.producer.take_consumer_wait());

  EXPECT_FALSE(ring.consumer.take_producer_wait());
  ring.producer.announce_wait();
  EXPECT_TRUE(ring.consumer.take_producer_wait());
  EXPECT_FALSE(ring.consumer.take_producer_wait());
}

TEST(Ring, CancelledWaitIsNotTaken) {
  RingEnds ring(kPage);
  ring.consumer.announce_wait();
  ring.consumer.cancel_wait();
  EXPECT_FALSE(ring.producer.take_consumer_wait());
  ring.producer.announce_wait();
  ring.producer.cancel_wait();
  EXPECT_FALSE(ring.consumer.take_producer_wait());
}

TEST(RingDeathTest, MisuseAborts) {
  RingEnds ring(kPage);
  EXPECT_DEATH(ring.consumer.pop(), "a pop follows a front");
  EXPECT_DEATH(ring.producer.commit(1, 0), "within the reserved room");
  ASSERT_TRUE(ring.producer.reserve(10).value());
  EXPECT_DEATH(ring.producer.commit(1, 11), "within the reserved room");
}

}  // namespace
}  // namespace pairloom::shm
