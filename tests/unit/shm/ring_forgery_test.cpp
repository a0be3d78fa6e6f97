// A peer that lies: every number it can write into a ring is forged; the other side notices and stays within its
// memory.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "shm/ring.h"
#include "tests/unit/shm/lane_parts.h"

namespace pairloom::shm {
namespace {

using test::bytes_of;
using test::expect_error;
using test::RingEnds;

constexpr uint64_t kPage = 4096;

// A ring through which one record has already gone, so that positions before our own exist.
struct UsedRing : RingEnds {
  UsedRing() : RingEnds(kPage) {
    EXPECT_TRUE(producer.push(1, bytes_of("used")).value());
    EXPECT_TRUE(consumer.front().value());
    consumer.pop();
  }
};

uint64_t sum_of(std::span<const std::byte> bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), uint64_t{0},
                         [](uint64_t sum, std::byte b) { return sum + static_cast<uint64_t>(b); });
}

TEST(RingForgery, ConsumerDetectsHeadTooFarAhead) {
  UsedRing ring;
  ring.control().head = 128 + kPage + 64;
  expect_error(ring.consumer.front(), Errc::kProtocol, "further ahead than the ring is long");
  ring.control().head = UINT64_MAX - 63;
  expect_error(ring.consumer.front(), Errc::kProtocol, "further ahead than the ring is long");
}

TEST(RingForgery, ConsumerDetectsHeadBehindItsTail) {
  UsedRing ring;
  ring.control().head = 64;
  expect_error(ring.consumer.front(), Errc::kProtocol, "behind what was popped");
  ring.control().head = 0;
  expect_error(ring.consumer.front(), Errc::kProtocol, "behind what was popped");
}

TEST(RingForgery, ConsumerDetectsMisalignedHead) {
  UsedRing ring;
  ring.control().head = 128 + 65;
  expect_error(ring.consumer.front(), Errc::kProtocol, "misaligned");
}

TEST(RingForgery, ConsumerDetectsPayloadLongerThanPublished) {
  for (const uint64_t lie : {uint64_t{5}, uint64_t{65}, kPage, UINT64_MAX - 63, UINT64_MAX}) {
    SCOPED_TRACE(lie);
    RingEnds ring(kPage);
    ASSERT_TRUE(ring.producer.push(1, {}).value());
    ring.raw.down_record_at(0).payload_bytes = lie;
    expect_error(ring.consumer.front(), Errc::kProtocol, "claims a payload");
  }
}

TEST(RingForgery, ConsumerDetectsReservedFieldOfRecord) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(1, {}).value());
  ring.raw.down_record_at(0).reserved = 1;
  expect_error(ring.consumer.front(), Errc::kProtocol, "reserved");
}

// Lengths are read once per front(): a payload that grows between front() and pop() frees what front() had checked.
TEST(RingForgery, PopFreesWhatFrontChecked) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(1, bytes_of("first")).value());
  ASSERT_TRUE(ring.producer.push(2, bytes_of("second")).value());
  ASSERT_TRUE(ring.consumer.front().value());
  ring.raw.down_record_at(0).payload_bytes = UINT64_MAX;
  ring.consumer.pop();
  EXPECT_EQ(ring.consumer.front().value()->kind, 2u);
}

TEST(RingForgery, ConsumerIgnoresItsOwnPositionInSharedMemory) {
  UsedRing ring;
  ring.control().tail = 999;
  ASSERT_TRUE(ring.producer.push(2, bytes_of("next")).value());
  EXPECT_EQ(ring.consumer.front().value()->kind, 2u);
}

TEST(RingForgery, ProducerIgnoresItsOwnPositionInSharedMemory) {
  RingEnds ring(kPage);
  ring.control().head = UINT64_MAX;
  ASSERT_TRUE(ring.producer.push(2, bytes_of("next")).value());
  EXPECT_EQ(ring.control().head, record_bytes(4));
}

TEST(RingForgery, ProducerDetectsTailBeyondItsHead) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(1, {}).value());
  ring.control().tail = 128;
  expect_error(ring.producer.reserve(kPage - 64), Errc::kProtocol, "beyond what was published");
  EXPECT_EQ(ring.producer.free_bytes(), 0u);
  ring.control().tail = UINT64_MAX - 63;
  expect_error(ring.producer.reserve(kPage - 64), Errc::kProtocol, "beyond what was published");
}

TEST(RingForgery, ProducerDetectsTailGoingBack) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.reserve(kPage - 64).value());
  ring.producer.commit(1, kPage - 64);
  ASSERT_TRUE(ring.consumer.front().value());
  ring.consumer.pop();
  ASSERT_TRUE(ring.producer.push(2, {}).value());
  ring.control().tail = kPage - 64;
  expect_error(ring.producer.reserve(kPage - 64), Errc::kProtocol, "went back");
  EXPECT_EQ(ring.producer.free_bytes(), 0u);
}

TEST(RingForgery, ProducerDetectsMisalignedTail) {
  RingEnds ring(kPage);
  ASSERT_TRUE(ring.producer.push(1, {}).value());
  ring.control().tail = 1;
  expect_error(ring.producer.reserve(kPage - 64), Errc::kProtocol, "misaligned");
  EXPECT_EQ(ring.producer.free_bytes(), 0u);
}

// Whatever stands in the control words and record headers: each call gives an error or memory that is really the
// ring's.
TEST(RingForgery, RandomNumbersNeverLeadOutOfTheRing) {
  std::mt19937_64 random(20240607);
  RingEnds ring(kPage);
  uint64_t sum = 0, accepted = 0, rooms = 0;
  const auto lie = [&](uint64_t near) {  // plausible ones too, or hardly anything would be accepted
    switch (random() % 4) {
      case 0:
        return random();
      case 1:
        return random() % (2 * kPage);
      default:
        return near + random() % (kPage / 64) * 64;
    }
  };
  uint64_t head = 0, tail = 0;  // the true ones
  for (int round = 0; round < 200'000; ++round) {
    ring.control().head = lie(tail);
    for (uint64_t offset = 0; offset < kPage; offset += 64) {
      if (random() % 8 == 0) {
        ring.raw.down_record_at(offset).payload_bytes = lie(0);
        ring.raw.down_record_at(offset).reserved = 0;
      }
    }
    const auto record = ring.consumer.front();
    if (record && *record) {
      ASSERT_LE(record->value().payload.size(), kPage - sizeof(RecordHeader));
      sum += sum_of(record->value().payload);
      tail += record_bytes(record->value().payload.size());
      ring.consumer.pop();
      ASSERT_EQ(ring.control().tail, tail);
      ++accepted;
    }
    ring.control().tail = lie(head > kPage ? head - kPage : 0);
    const auto room = ring.producer.reserve(random() % kPage);
    if (room && *room) {
      std::memset(room->value().data(), round, room->value().size());
      ring.producer.commit(1, room->value().size());
      head += record_bytes(room->value().size());
      ++rooms;
    }
  }
  EXPECT_GT(accepted, 100u);  // so the lies were not all too crude
  EXPECT_GT(rooms, 100u);
  EXPECT_GT(sum, 0u);
}

}  // namespace
}  // namespace pairloom::shm
