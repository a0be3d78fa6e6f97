#include "shm/ring.h"

#include <fmt/format.h>

#include <cstring>

#include "shm/invariant.h"

namespace pairloom::shm {
namespace {

// The sleep protocol. A sleeper that looks, finds nothing and then sleeps can miss what was published between the look
// and the sleep. So the sleeper announces first and looks again, and the publisher publishes first and looks for an
// announcement:
//
//   sleeper                                        publisher
//   S1  waits = 1                                  P1  position = new
//   S2  read position: something there? go on      P2  waits == 1? set it to 0 and send a byte
//   S3  nothing: block on the socket
//   S4  awake: start again at S1
//
// A wake-up would be lost only if S2 read the position from before P1 and P2 read the flag from before S1. All four are
// seq_cst, so they have one order: S2 not seeing P1 puts S2 before P1, hence S1 before S2 before P1 before P2, and P2
// sees the flag. (Release and acquire alone would allow both reads to be stale: a processor may read past its own
// buffered store. Fences would do as well, but ThreadSanitizer does not understand them.) A byte sent at P2 after S2
// did find something stays in the socket and makes a later S3 return at once, for nothing: harmless, S4 looks again.
// The flag is taken with an exchange so that one announcement yields at most one byte. A peer that does not keep to
// this loses its own wake-ups, or gets useless ones: both are its own business.
//
// The same seq_cst accesses are the acquire/release pairs of the data, marked (A) and (B) below.

void announce(std::atomic<uint32_t>& waits) {
  waits.store(1, std::memory_order_seq_cst);
}  // S1

void cancel(std::atomic<uint32_t>& waits) {
  waits.store(0, std::memory_order_relaxed);
}

bool take(
    std::atomic<uint32_t>& waits) {  // P2; the plain load first: usually nobody waits, and it leaves the line shared
  return waits.load(std::memory_order_seq_cst) != 0 && waits.exchange(0, std::memory_order_seq_cst) != 0;
}

// Reads memory that the peer may be writing exactly once: the compiler must not check one load and use another.
template <class T>
T load_once(const T& shared) {
  return *static_cast<const volatile T*>(&shared);
}

tl::unexpected<Error> bad_position(const char* whose, const char* what, uint64_t theirs, uint64_t ours) {
  return fail(Errc::kProtocol, fmt::format("ring {} position {} {} (our position: {})", whose, theirs, what, ours));
}

}  // namespace

RingProducer::RingProducer(RingControl* control, std::byte* data, uint64_t capacity_bytes)
    : control_(control), data_(data), capacity_(capacity_bytes) {
  require(capacity_ > 0 && capacity_ % kRecordAlignment == 0,
          "a ring's capacity is a multiple of the record alignment");
}

Result<std::optional<std::span<std::byte>>> RingProducer::reserve(uint64_t payload_bytes) {
  reserved_payload_.reset();
  if (payload_bytes > capacity_ - sizeof(RecordHeader))
    return fail(Errc::kInvalidArgument,
                fmt::format("a record of {} bytes cannot fit into a ring of {} bytes", payload_bytes, capacity_));
  const uint64_t bytes = record_bytes(payload_bytes);
  if (bytes > capacity_ - (head_ - seen_tail_)) {
    // (B) acquires: the consumer's last reads of the room happened before its pop released it to us. Also S2 of the
    // sleep.
    const uint64_t tail = control_->tail.load(std::memory_order_seq_cst);
    if (tail > head_) return bad_position("consumer", "is beyond what was published", tail, head_);
    if (tail < seen_tail_) return bad_position("consumer", "went back", tail, seen_tail_);
    if (tail % kRecordAlignment != 0) return bad_position("consumer", "is misaligned", tail, head_);
    seen_tail_ = tail;
    if (bytes > capacity_ - (head_ - seen_tail_)) return std::nullopt;
  }
  reserved_payload_ = payload_bytes;
  return std::span(data_ + head_ % capacity_ + sizeof(RecordHeader), payload_bytes);
}

void RingProducer::commit(uint32_t kind, uint64_t payload_bytes) {
  require(reserved_payload_.has_value() && payload_bytes <= *reserved_payload_, "a commit is within the reserved room");
  reserved_payload_.reset();
  const RecordHeader header{kind, 0, payload_bytes, {}};
  std::memcpy(data_ + head_ % capacity_, &header, sizeof(header));
  head_ += record_bytes(payload_bytes);
  // (A) releases header and payload: a consumer that sees this head sees them whole. Moved last, so a producer that
  // dies earlier leaves no trace. Also P1 of the sleep.
  control_->head.store(head_, std::memory_order_seq_cst);
}

Result<bool> RingProducer::push(uint32_t kind, std::span<const std::byte> payload) {
  PAIRLOOM_ASSIGN(const auto room, reserve(payload.size()));
  if (!room) return false;
  if (!payload.empty()) std::memcpy(room->data(), payload.data(), payload.size());
  commit(kind, payload.size());
  return true;
}

uint64_t RingProducer::free_bytes() const {
  const uint64_t tail = control_->tail.load(std::memory_order_seq_cst);
  if (tail > head_ || tail < seen_tail_ || tail % kRecordAlignment != 0) return 0;
  return capacity_ - (head_ - tail);
}

void RingProducer::announce_wait() {
  announce(control_->producer_waits);
}
void RingProducer::cancel_wait() {
  cancel(control_->producer_waits);
}
bool RingProducer::take_consumer_wait() {
  return take(control_->consumer_waits);
}

RingConsumer::RingConsumer(RingControl* control, const std::byte* data, uint64_t capacity_bytes)
    : control_(control), data_(data), capacity_(capacity_bytes) {
  require(capacity_ > 0 && capacity_ % kRecordAlignment == 0,
          "a ring's capacity is a multiple of the record alignment");
}

Result<std::optional<Record>> RingConsumer::front() {
  front_bytes_ = 0;
  if (seen_head_ == tail_) {
    // (A) acquires: whatever the producer wrote before it moved its head there is visible. Also S2 of the sleep.
    const uint64_t head = control_->head.load(std::memory_order_seq_cst);
    if (head < tail_) return bad_position("producer", "is behind what was popped", head, tail_);
    if (head - tail_ > capacity_)
      return bad_position("producer", "is further ahead than the ring is long", head, tail_);
    if (head % kRecordAlignment != 0) return bad_position("producer", "is misaligned", head, tail_);
    if (head == tail_) return std::nullopt;
    seen_head_ = head;
  }
  const std::byte* at = data_ + tail_ % capacity_;
  const auto& shared = *reinterpret_cast<const RecordHeader*>(at);
  const uint32_t kind = load_once(shared.kind);
  const uint32_t reserved = load_once(shared.reserved);
  const uint64_t payload_bytes = load_once(shared.payload_bytes);
  // Positions are multiples of 64, so at least a header is published, and rounding up a payload that fits stays within.
  const uint64_t published_bytes = seen_head_ - tail_;
  if (payload_bytes > published_bytes - sizeof(RecordHeader))
    return fail(Errc::kProtocol, fmt::format("ring record claims a payload of {} bytes, published with its header: {}",
                                             payload_bytes, published_bytes));
  if (reserved != 0) return fail(Errc::kProtocol, "ring record header has a reserved field set");
  front_bytes_ = record_bytes(payload_bytes);
  return Record{kind, std::span(at + sizeof(RecordHeader), payload_bytes)};
}

void RingConsumer::pop() {
  require(front_bytes_ != 0, "a pop follows a front");
  tail_ += front_bytes_;
  front_bytes_ = 0;
  // (B) releases the room: our reads of the record come before the producer's writes over it. Also P1 of the sleep.
  control_->tail.store(tail_, std::memory_order_seq_cst);
}

bool RingConsumer::empty() const {
  return seen_head_ == tail_ && control_->head.load(std::memory_order_seq_cst) == tail_;
}

void RingConsumer::announce_wait() {
  announce(control_->consumer_waits);
}
void RingConsumer::cancel_wait() {
  cancel(control_->consumer_waits);
}
bool RingConsumer::take_producer_wait() {
  return take(control_->producer_waits);
}

}  // namespace pairloom::shm
