#include "shm/records.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/shm/lane_parts.h"

namespace pairloom::shm {
namespace {

using test::bytes_of;
using test::expect_error;
using test::text_of;
using Bytes = std::vector<std::byte>;

Bytes copy_of(std::span<const std::byte> bytes) {
  return Bytes(bytes.begin(), bytes.end());
}

template <class T>
Bytes with(Bytes bytes, size_t offset, T value) {
  EXPECT_LE(offset + sizeof(value), bytes.size());
  std::memcpy(bytes.data() + offset, &value, sizeof(value));
  return bytes;
}

Result<> ignore(TaskView) {
  return {};
}

Bytes chunk_of_three() {
  ChunkBuilder builder;
  builder.clear(77);
  builder.add(1, bytes_of("first"));
  builder.add(2, {});
  builder.add(3, bytes_of("eight by"));
  return copy_of(builder.bytes());
}

Bytes result_with(std::string_view text, uint32_t flags) {
  const ResultHeader header{5, flags, static_cast<uint32_t>(text.size()), 123};
  Bytes bytes(sizeof(header) + text.size());
  std::memcpy(bytes.data(), &header, sizeof(header));
  std::memcpy(bytes.data() + sizeof(header), text.data(), text.size());
  return bytes;
}

Bytes floats_set(uint32_t rows, uint32_t columns, float value) {
  Bytes bytes(descriptor_set_bytes(rows, columns, ElementType::kF32));
  const auto matrix = begin_descriptor_set(bytes, 9, rows, columns, ElementType::kF32, 1);
  for (size_t i = 0; i < matrix.size(); i += sizeof(value)) std::memcpy(matrix.data() + i, &value, sizeof(value));
  return bytes;
}

TEST(Chunk, RoundTripKeepsOrderIdsAndBytes) {
  std::vector<std::pair<uint64_t, std::string>> seen;
  const auto header = parse_chunk(chunk_of_three(), [&](TaskView task) {
    seen.emplace_back(task.task_id, text_of(task.payload));
    return Result<>();
  });
  ASSERT_TRUE(header);
  EXPECT_EQ(header->chunk_id, 77u);
  EXPECT_EQ(header->task_count, 3u);
  EXPECT_EQ(seen, (std::vector<std::pair<uint64_t, std::string>>{{1, "first"}, {2, ""}, {3, "eight by"}}));
}

TEST(Chunk, ClearStartsAnew) {
  ChunkBuilder builder;
  builder.add(1, bytes_of("old"));
  EXPECT_EQ(builder.task_count(), 1u);
  builder.clear(8);
  EXPECT_EQ(builder.task_count(), 0u);
  EXPECT_EQ(parse_chunk(builder.bytes(), ignore)->chunk_id, 8u);
}

TEST(Chunk, TaskBytesSaysWhatAddAdds) {
  for (size_t size = 0; size < 20; ++size) {
    ChunkBuilder builder;
    const size_t before = builder.bytes().size();
    builder.add(1, Bytes(size));
    EXPECT_EQ(builder.bytes().size() - before, ChunkBuilder::task_bytes(size));
  }
}

TEST(Chunk, VisitorsErrorStopsTheWalk) {
  int visits = 0;
  const auto result = parse_chunk(chunk_of_three(), [&](TaskView) -> Result<> {
    ++visits;
    return fail(Errc::kCorrupt, "enough");
  });
  expect_error(result, Errc::kCorrupt, "enough");
  EXPECT_EQ(visits, 1);
}

TEST(Chunk, EveryForgedNumberIsDetected) {
  const Bytes good = chunk_of_three();
  constexpr size_t kFirstTask = sizeof(ChunkHeader);
  constexpr size_t kLength = kFirstTask + offsetof(TaskHeader, payload_bytes);
  expect_error(parse_chunk(with(good, 8, uint32_t{4}), ignore), Errc::kProtocol, "task header cut short");
  expect_error(parse_chunk(with(good, 8, UINT32_MAX), ignore), Errc::kProtocol, "task header cut short");
  expect_error(parse_chunk(with(good, 8, uint32_t{2}), ignore), Errc::kProtocol, "after its 2 tasks");
  expect_error(parse_chunk(with(good, 8, uint32_t{0}), ignore), Errc::kProtocol, "after its 0 tasks");
  expect_error(parse_chunk(with(good, 12, uint32_t{1}), ignore), Errc::kProtocol, "reserved");
  expect_error(parse_chunk(with(good, kLength, uint32_t{1000}), ignore), Errc::kProtocol, "claims 1000 bytes");
  expect_error(parse_chunk(with(good, kLength, UINT32_MAX), ignore), Errc::kProtocol, "claims 4294967295 bytes");
  EXPECT_FALSE(parse_chunk(with(good, kLength, uint32_t{9}), ignore));  // the next header is read from the wrong place
  expect_error(parse_chunk(with(good, kFirstTask + 12, uint32_t{1}), ignore), Errc::kProtocol, "reserved");
}

TEST(Chunk, EveryShorterPayloadIsDetected) {
  const Bytes good = chunk_of_three();
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_chunk(copy_of(std::span(good).first(size)), ignore)) << size;
}

TEST(ResultRecord, RoundTrip) {
  const Bytes bytes = result_with("payload", kResultIsLast);
  const auto result = parse_result(bytes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->header.task_id, 5u);
  EXPECT_EQ(result->header.flags, kResultIsLast);
  EXPECT_EQ(result->header.elapsed_ns, 123u);
  EXPECT_EQ(text_of(result->payload), "payload");
}

TEST(ResultRecord, EveryForgedNumberIsDetected) {
  const Bytes good = result_with("payload", 0);
  ASSERT_TRUE(parse_result(good));
  expect_error(parse_result(with(good, 8, uint32_t{2})), Errc::kProtocol, "unknown flags 0x2");
  expect_error(parse_result(with(good, 12, uint32_t{8})), Errc::kProtocol, "claims 8 bytes");
  expect_error(parse_result(with(good, 12, uint32_t{6})), Errc::kProtocol, "claims 6 bytes");
  expect_error(parse_result(with(good, 12, UINT32_MAX)), Errc::kProtocol, "claims 4294967295 bytes");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_result(copy_of(std::span(good).first(size)))) << size;
}

TEST(DescriptorSet, RoundTripOfBothTypes) {
  const Bytes floats = floats_set(3, 128, 0.5f);
  const auto set = parse_descriptor_set(floats).value();
  EXPECT_EQ(set.set_id, 9u);
  EXPECT_EQ(set.rows, 3u);
  EXPECT_EQ(set.columns, 128u);
  EXPECT_EQ(set.element_type, ElementType::kF32);
  EXPECT_EQ(set.detector, 1u);
  EXPECT_EQ(set.data, floats.data() + 64);

  Bytes orb(descriptor_set_bytes(500, 32, ElementType::kU8), std::byte{0xff});
  EXPECT_EQ(orb.size(), 64u + 500 * 32);
  ASSERT_EQ(begin_descriptor_set(orb, 1, 500, 32, ElementType::kU8, 2).size(), 500u * 32);
  EXPECT_EQ(parse_descriptor_set(orb)->rows, 500u);  // bytes of all ones are no NaN
}

TEST(DescriptorSet, AnImageWithoutKeypointsHasNoRows) {
  for (const uint32_t columns : {0u, 128u}) {
    Bytes bytes(descriptor_set_bytes(0, columns, ElementType::kF32));
    EXPECT_TRUE(begin_descriptor_set(bytes, 1, 0, columns, ElementType::kF32, 1).empty());
    EXPECT_EQ(parse_descriptor_set(bytes)->rows, 0u);
  }
}

TEST(DescriptorSet, EveryForgedNumberIsDetected) {
  const Bytes good = floats_set(4, 8, 1.0f);
  constexpr size_t kRows = 8, kColumns = 12, kType = 16;
  expect_error(parse_descriptor_set(with(good, kRows, uint32_t{5})), Errc::kProtocol, "its record holds");
  expect_error(parse_descriptor_set(with(good, kRows, uint32_t{0})), Errc::kProtocol, "its record holds");
  expect_error(parse_descriptor_set(with(good, kRows, kMaxDescriptorRows)), Errc::kProtocol, "its record holds");
  expect_error(parse_descriptor_set(with(good, kRows, kMaxDescriptorRows + 1)), Errc::kProtocol, "out of limits");
  expect_error(parse_descriptor_set(with(good, kRows, UINT32_MAX)), Errc::kProtocol, "out of limits");
  expect_error(parse_descriptor_set(with(good, kColumns, uint32_t{7})), Errc::kProtocol, "its record holds");
  expect_error(parse_descriptor_set(with(good, kColumns, uint32_t{0})), Errc::kProtocol, "out of limits");
  expect_error(parse_descriptor_set(with(good, kColumns, kMaxDescriptorColumns + 1)), Errc::kProtocol, "out of limits");
  expect_error(parse_descriptor_set(with(good, kType, uint32_t{1})), Errc::kProtocol, "its record holds");
  expect_error(parse_descriptor_set(with(good, kType, uint32_t{0})), Errc::kProtocol, "unknown element type 0");
  expect_error(parse_descriptor_set(with(good, kType, uint32_t{3})), Errc::kProtocol, "unknown element type 3");
  // 2^31 x 2 floats: the product of forged numbers must not wrap around to a small size.
  expect_error(parse_descriptor_set(with(with(good, kRows, 1u << 31), kColumns, 2u)), Errc::kProtocol, "out of limits");
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_descriptor_set(copy_of(std::span(good).first(size)))) << size;
}

TEST(DescriptorSet, ValuesThatAreNotFiniteAreDetectedAnywhere) {
  const Bytes good = floats_set(4, 8, -3.4e38f);
  ASSERT_TRUE(parse_descriptor_set(good));
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::signaling_NaN(),
                            std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()})
    for (size_t at = 64; at < good.size(); at += sizeof(float))
      expect_error(parse_descriptor_set(with(good, at, value)), Errc::kProtocol, "not finite");
}

// Flips bits of valid records; whatever is accepted must lie within the payload (AddressSanitizer watches the rest).
TEST(Records, FlippedBitsNeverLeadOutOfThePayload) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 30'000; ++round) {
    for (Bytes bytes : {chunk_of_three(), result_with("payload", 1), floats_set(2, 3, 1.0f)}) {
      for (uint64_t flips = random() % 8; flips > 0; --flips)
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1u << random() % 8);
      const auto within = [&](const void* begin, size_t size) {
        const auto* at = static_cast<const std::byte*>(begin);
        return at >= bytes.data() && at + size <= bytes.data() + bytes.size();
      };
      (void)parse_chunk(bytes, [&](TaskView task) {
        EXPECT_TRUE(within(task.payload.data(), task.payload.size()));
        return Result<>();
      });
      if (const auto result = parse_result(bytes)) {
        EXPECT_TRUE(within(result->payload.data(), result->payload.size()));
      }
      if (const auto set = parse_descriptor_set(bytes)) {
        EXPECT_TRUE(within(set->data, descriptor_set_bytes(set->rows, set->columns, set->element_type) - 64));
      }
    }
  }
}

TEST(RecordsDeathTest, MisuseAborts) {
  EXPECT_DEATH((void)descriptor_set_bytes(1, kMaxDescriptorColumns + 1, ElementType::kU8), "within its limits");
  Bytes room(10);
  EXPECT_DEATH((void)begin_descriptor_set(room, 1, 1, 1, ElementType::kU8, 1), "exact size");
}

}  // namespace
}  // namespace pairloom::shm
