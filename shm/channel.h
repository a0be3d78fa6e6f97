// Channel: a lane's two ring ends of one side plus the socket that wakes the other side. The socketpair is also the sign of
// life: EOF = the other process is gone. Runs in: worker (WorkerChannel, blocking), supervisor (SupervisorChannel, never blocks).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shm/lane.h"
#include "shm/ring.h"

namespace pairloom::shm {

// Two connected, close-on-exec stream sockets.
struct SocketPair { Fd supervisor, worker; };
Result<SocketPair> make_socket_pair();

// Worker's side. All waits block on the socket without spinning; EOF on it is reported as kInterrupted ("supervisor is gone").
class WorkerChannel {
 public:
  WorkerChannel(Lane lane, Fd socket);
  // Blocks until there is a record from the supervisor. The record stays leased until pop().
  Result<Record> wait_record();
  void pop();
  // Room for a result; blocks while the up ring is full (backpressure).
  Result<std::span<std::byte>> reserve(uint64_t payload_bytes);
  Result<> commit(uint32_t kind, uint64_t payload_bytes);
  Result<> push(uint32_t kind, std::span<const std::byte> payload);
  WorkerState& state() { return lane_.worker_state(); }
  const Lane& lane() const { return lane_; }

 private:
  Lane lane_;
  Fd socket_;
  RingConsumer down_;
  RingProducer up_;
};

// Supervisor's side. The socket is non-blocking and belongs into the event loop: when it becomes readable call
// drain_wakeups(), then take records until none is left.
class SupervisorChannel {
 public:
  SupervisorChannel(Lane lane, Fd socket);
  int socket() const { return socket_.get(); }
  // Empties the socket. false: the worker closed its end (died or left).
  Result<bool> drain_wakeups();

  // Down. false: no room now (the worker will wake us when there is, after want_room()).
  Result<bool> push(uint32_t kind, std::span<const std::byte> payload);
  uint64_t free_bytes() const { return down_.free_bytes(); }
  uint64_t down_capacity_bytes() const { return down_.capacity_bytes(); }
  void want_room();

  // Up. Copies the first record out of shared memory into `buffer` (reused), pops it, returns its kind; empty: none now, and
  // the worker has been asked to wake us for the next one. Payloads above `max_payload_bytes` are a protocol error.
  Result<std::optional<uint32_t>> take(std::vector<std::byte>& buffer, uint64_t max_payload_bytes);
  const WorkerState& state() { return lane_.worker_state(); }
  Lane& lane() { return lane_; }

 private:
  Lane lane_;
  Fd socket_;
  RingProducer down_;
  RingConsumer up_;
};

}  // namespace pairloom::shm
