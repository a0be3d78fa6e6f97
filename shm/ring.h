// Ring: a lock-free single-producer single-consumer byte ring for variable-length records, in memory that two processes
// (or two threads, in tests) share and of which either side may die or lie at any instant. Runs in: supervisor, worker.
//
// Every record is contiguous: the data pages are mapped twice, back to back (shm/mirror.h), so a record may start
// anywhere and be as long as the ring; there are no wrap markers to forge. Bytes in memory: docs/shm_layout.md.
//
// Each side trusts only its own position, which it keeps in private memory and never reads back. The peer's position is
// checked whenever it is read: in order, not beyond the capacity, on a record boundary's granularity, never going back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace pairloom::shm {

// Shared between the two sides; one cache line each, so that neither side's stores disturb the other's loads.
// Positions grow for ever (2^64 bytes outlast any run); offset in the data = position % capacity.
struct RingControl {
  alignas(64) std::atomic<uint64_t> head;  // written by the producer only: bytes published
  std::atomic<uint32_t> producer_waits;    // 1: the producer sleeps until there is room; the consumer takes it (sets 0)
  alignas(64) std::atomic<uint64_t> tail;  // written by the consumer only: bytes popped
  std::atomic<uint32_t>
      consumer_waits;  // 1: the consumer sleeps until there is a record; the producer takes it (sets 0)
};
static_assert(sizeof(RingControl) == 128 && offsetof(RingControl, head) == 0 &&
              offsetof(RingControl, producer_waits) == 8 && offsetof(RingControl, tail) == 64 &&
              offsetof(RingControl, consumer_waits) == 72);
static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

constexpr size_t kRecordAlignment = 64;  // of each record's header, so of each payload too: matrices without a copy
struct RecordHeader {
  uint32_t kind;           // meaning: shm/records.h
  uint32_t reserved;       // 0
  uint64_t payload_bytes;  // without header and padding
  uint8_t padding[48];     // 0
};
static_assert(sizeof(RecordHeader) == kRecordAlignment && offsetof(RecordHeader, kind) == 0 &&
              offsetof(RecordHeader, reserved) == 4 && offsetof(RecordHeader, payload_bytes) == 8 &&
              offsetof(RecordHeader, padding) == 16);

struct Record {
  uint32_t kind = 0;
  std::span<const std::byte> payload;  // into ring memory: valid until pop(); the peer can still scribble over it, so
                                       // copy before validating whatever a wrong value of would hurt
};

// Bytes that a record with this payload takes in the ring. `payload_bytes` of at most 2^63.
constexpr uint64_t record_bytes(uint64_t payload_bytes) {
  return (sizeof(RecordHeader) + payload_bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// The producing side. One object per ring and process; its own position lives in private memory and starts at 0, as a
// fresh lane's does.
class RingProducer {
 public:
  // `data` is the doubly mapped area of 2 x capacity bytes; capacity a multiple of the page size. Both are borrowed.
  RingProducer(RingControl* control, std::byte* data, uint64_t capacity_bytes);
  RingProducer(RingProducer&&) = default;
  RingProducer& operator=(RingProducer&&) = default;

  // Room for a payload of that many bytes, contiguous, 64-aligned; empty when the ring is too full now.
  // Error kProtocol when the peer's tail is impossible (it lies or has scribbled), kInvalidArgument when it can never
  // fit. A second reserve before commit replaces the first. Nothing is visible to the consumer until commit.
  Result<std::optional<std::span<std::byte>>> reserve(uint64_t payload_bytes);
  // Publishes the last reserved room as one record of the first `payload_bytes` (<= reserved) of it. Aborts without
  // one.
  void commit(uint32_t kind, uint64_t payload_bytes);
  // reserve + copy + commit; false when too full now.
  Result<bool> push(uint32_t kind, std::span<const std::byte> payload);

  // By the peer's last word, 0 if that is impossible. A payload fits now when record_bytes(payload) <= free_bytes().
  uint64_t free_bytes() const;
  uint64_t capacity_bytes() const { return capacity_; }

  // Sleep protocol (in steps: ring.cpp). announce_wait(): say "I am about to sleep for room"; the caller then tries
  // once more and only sleeps on the socket if that fails too; cancel_wait(): it did not fail. take_consumer_wait(), to
  // be called after each commit: takes the peer's announcement; true = the caller must send it a wake-up.
  void announce_wait();
  void cancel_wait();
  bool take_consumer_wait();

 private:
  RingControl* control_;
  std::byte* data_;
  uint64_t capacity_;
  uint64_t head_ = 0;
  uint64_t seen_tail_ = 0;  // the peer's last valid word; read anew only when the room it leaves is too small
  std::optional<uint64_t> reserved_payload_;  // empty: nothing reserved
};

class RingConsumer {
 public:
  RingConsumer(RingControl* control, const std::byte* data, uint64_t capacity_bytes);
  RingConsumer(RingConsumer&&) = default;
  RingConsumer& operator=(RingConsumer&&) = default;

  // The first record, left in place (a lease: it stays until pop). Empty optional: no record now.
  // Error kProtocol: the producer's head or the record's length is impossible; the ring must be thrown away.
  Result<std::optional<Record>> front();
  void pop();          // frees the record that front() returned last; aborts without one
  bool empty() const;  // by the peer's last word

  // As in RingProducer; take_producer_wait() is to be called after each pop.
  void announce_wait();
  void cancel_wait();
  bool take_producer_wait();

 private:
  RingControl* control_;
  const std::byte* data_;
  uint64_t capacity_;
  uint64_t tail_ = 0;
  uint64_t seen_head_ = 0;    // the peer's last valid word; read anew only when all before it is popped
  uint64_t front_bytes_ = 0;  // 0: nothing leased
};

}  // namespace pairloom::shm
