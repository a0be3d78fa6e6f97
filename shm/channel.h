// Channel: a lane's two ring ends of one side plus the socket that wakes the other side. The socketpair is also the
// sign of life: EOF = the other process is gone. Runs in: worker (WorkerChannel, blocking), supervisor
// (SupervisorChannel, never blocks).
//
// Bytes on the socket mean nothing but "look again": one wake-up may stand for a record, for room, for both, or for
// something that was found already. Descriptors that belong to a record travel on the socket too, ahead of it
// (shm/descriptor_passing.h). System calls beyond the mapping: the worker's are recvmsg and sendto, the supervisor's
// recvfrom, sendto and sendmsg.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shm/descriptor_passing.h"
#include "shm/lane.h"
#include "shm/ring.h"

namespace pairloom::shm {

// Two connected, close-on-exec stream sockets: the supervisor's end non-blocking, the worker's end blocking.
struct SocketPair {
  Fd supervisor, worker;
};
Result<SocketPair> make_socket_pair();

// Worker's side. All waits block on the socket without spinning; EOF on it is reported as kInterrupted ("supervisor is
// gone"). An error of any call means that the channel is of no more use; the worker ends.
class WorkerChannel {
 public:
  WorkerChannel(Lane lane, Fd socket);
  // Blocks until there is a record from the supervisor; time slept counts as Stage::kIdle. The record stays leased
  // until pop(); called again without pop() it returns the same record.
  Result<Record> wait_record();
  // The next of the descriptors the supervisor has sent, in its order. Those of a record are there when the record is;
  // how many there are is the record's to say. Asked for more than were sent, it blocks until some come.
  Result<Fd> take_descriptor();
  // Frees the record that wait_record() returned last and wakes a supervisor that waits for room.
  Result<> pop();
  // Room for a result; blocks while the up ring is full (backpressure); time slept counts as Stage::kRing.
  // kInvalidArgument: larger than the ring.
  Result<std::span<std::byte>> reserve(uint64_t payload_bytes);
  // Publishes the first `payload_bytes` of the reserved room. Wake::kNow wakes a supervisor that waits for records;
  // Wake::kLater leaves that to wake_supervisor() or to the next time this side sleeps, so that many small results cost
  // one wake-up.
  enum class Wake { kNow, kLater };
  Result<> commit(uint32_t kind, uint64_t payload_bytes, Wake wake = Wake::kNow);
  Result<> wake_supervisor();
  Result<> push(uint32_t kind, std::span<const std::byte> payload);  // reserve + copy + commit
  WorkerState& state() { return lane_.worker_state(); }
  const Lane& lane() const { return lane_; }

 private:
  template <class End, class Attempt>
  auto wait_for(End& end, Stage stage, Attempt attempt) -> decltype(attempt());

  Lane lane_;
  Fd socket_;
  std::deque<Fd> descriptors_;  // arrived, not taken yet
  RingConsumer down_;
  RingProducer up_;
};

// Supervisor's side. The socket is non-blocking and belongs into the event loop (level-triggered): when it becomes
// readable call drain_wakeups(), then take records until none is left, then push what there is room for. After the
// worker's death take() still yields what it had published. kProtocol from any call: the worker lies; kill it and throw
// the lane away.
class SupervisorChannel {
 public:
  // Also asks the worker to wake us for its first record.
  SupervisorChannel(Lane lane, Fd socket);
  int socket() const { return socket_.get(); }
  // Empties the socket, or takes a good part of it when the worker floods it. false: the worker closed its end (died or
  // left). Descriptors that a worker sends are nothing it should: the kernel closes them.
  Result<bool> drain_wakeups();

  // Down. false: no room now, and the worker has been asked to wake us when it has popped something.
  // kInvalidArgument: it can never fit. The worker gets duplicates of `descriptors` (at most kMaxDescriptorsAtOnce)
  // with the record, both or neither; the caller's stay the caller's.
  Result<bool> push(uint32_t kind, std::span<const std::byte> payload, std::span<const int> descriptors = {});
  // A payload fits now when record_bytes(payload) <= free_bytes().
  uint64_t free_bytes() const { return down_.free_bytes(); }
  uint64_t down_capacity_bytes() const { return down_.capacity_bytes(); }
  // Asks for a wake-up when the worker pops something, for callers that look at free_bytes() instead of pushing: look
  // once more after this call and before waiting, as the pop may have come in between.
  void want_room();

  // Up. Copies the first record out of shared memory into `buffer` (reused), pops it, returns its kind; empty: none
  // now, and the worker has been asked to wake us for the next one. A caller that stops before that must come back by
  // itself: no wake-up is owed to it. Payloads above `max_payload_bytes` are a protocol error. `buffer` is unchanged
  // unless a kind is returned.
  Result<std::optional<uint32_t>> take(std::vector<std::byte>& buffer, uint64_t max_payload_bytes);
  const WorkerState& state() { return lane_.worker_state(); }
  Lane& lane() { return lane_; }

 private:
  Result<bool> try_push(uint32_t kind, std::span<const std::byte> payload, std::span<const int> descriptors);

  Lane lane_;
  Fd socket_;
  RingProducer down_;
  RingConsumer up_;
};

}  // namespace pairloom::shm
