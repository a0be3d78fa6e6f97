// Ring: a lock-free single-producer single-consumer byte ring for variable-length records, in memory that two processes
// (or two threads, in tests) share and of which either side may die or lie at any instant. Runs in: supervisor, worker.
//
// Every record is contiguous: the data pages are mapped twice, back to back (shm/mirror.h), so a record may start anywhere
// and be as long as the ring; there are no wrap markers to forge. Bytes in memory: docs/shm_layout.md.
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
  alignas(64) std::atomic<uint64_t> head;               // written by the producer only: bytes published
  std::atomic<uint32_t> producer_waits;                 // producer sleeps until there is room
  alignas(64) std::atomic<uint64_t> tail;               // written by the consumer only: bytes popped
  std::atomic<uint32_t> consumer_waits;                 // consumer sleeps until there is a record
};
static_assert(sizeof(RingControl) == 128 && std::atomic<uint64_t>::is_always_lock_free);

constexpr size_t kRecordAlignment = 64;  // of each record's header; payloads start at 64 too, for matrices without a copy
struct RecordHeader {
  uint32_t kind;           // meaning: shm/records.h
  uint32_t reserved;       // 0
  uint64_t payload_bytes;  // without header and padding
  uint8_t padding[48];     // 0
};
static_assert(sizeof(RecordHeader) == 64);

struct Record {
  uint32_t kind = 0;
  std::span<const std::byte> payload;  // into ring memory: valid until pop(); the peer can still scribble over it, so
                                       // copy before validating whatever a wrong value of would hurt
};

// Bytes that a record with this payload takes in the ring.
constexpr uint64_t record_bytes(uint64_t payload_bytes) {
  return (sizeof(RecordHeader) + payload_bytes + kRecordAlignment - 1) / kRecordAlignment * kRecordAlignment;
}

// The producing side. One object per ring and process; its own position lives in private memory.
class RingProducer {
 public:
  // `data` is the doubly mapped area of 2 x capacity bytes; capacity a multiple of the page size.
  RingProducer(RingControl* control, std::byte* data, uint64_t capacity_bytes);

  // Room for a payload of that many bytes, contiguous, 64-aligned; empty when the ring is too full now.
  // Error kProtocol when the peer's tail is impossible (it lies or has scribbled), kInvalidArgument when it can never fit.
  // A second reserve before commit replaces the first. Nothing is visible to the consumer until commit.
  Result<std::optional<std::span<std::byte>>> reserve(uint64_t payload_bytes);
  // Publishes the last reserved room as one record of the first `payload_bytes` (<= reserved) of it.
  void commit(uint32_t kind, uint64_t payload_bytes);
  // reserve + copy + commit; false when too full now.
  Result<bool> push(uint32_t kind, std::span<const std::byte> payload);

  uint64_t free_bytes() const;  // by the peer's last word; 0 if that is impossible
  uint64_t capacity_bytes() const { return capacity_; }

  // Sleep protocol. announce_wait(): say "I am about to sleep for room"; the caller then tries once more and only sleeps on
  // the socket if that fails too. consumer_is_waiting(): take the peer's announcement; true = a wake-up must be sent.
  void announce_wait();
  void cancel_wait();
  bool take_consumer_wait();

 private:
  RingControl* control_;
  std::byte* data_;
  uint64_t capacity_;
  uint64_t head_;
  uint64_t reserved_ = 0;
};

class RingConsumer {
 public:
  RingConsumer(RingControl* control, std::byte* data, uint64_t capacity_bytes);

  // The first record, left in place (a lease: it stays until pop). Empty optional: no record now.
  // Error kProtocol: the producer's head or the record's length is impossible; the ring must be thrown away.
  Result<std::optional<Record>> front();
  void pop();  // frees the record that front() returned last; without one it is a programming error (aborts)
  bool empty() const;

  void announce_wait();
  void cancel_wait();
  bool take_producer_wait();

 private:
  RingControl* control_;
  const std::byte* data_;
  uint64_t capacity_;
  uint64_t tail_;
  uint64_t front_bytes_ = 0;  // 0: nothing leased
};

}  // namespace pairloom::shm
