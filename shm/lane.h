// Lane: the one shared-memory segment between the supervisor and one worker: a header, what the worker says it is
// doing, and two rings. Made by the supervisor before exec (a sealed memfd, allocated in full, mapped through
// boost::interprocess::mapped_region), thrown away with its worker, never repaired. Layout: docs/shm_layout.md.
// Runs in: supervisor, worker.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "shm/ring.h"

namespace pairloom::shm {

// "PLLANE" and two NULs in memory, whatever the byte order. The version has a field of its own.
constexpr uint64_t kLaneMagic = std::bit_cast<uint64_t>(std::array<char, 8>{'P', 'L', 'L', 'A', 'N', 'E', '\0', '\0'});
constexpr uint32_t kLaneLayoutVersion = 1;
constexpr uint64_t kMaxRingBytes = uint64_t{1} << 30;

struct LaneSizes {
  uint64_t down_bytes = 256 * 1024;  // supervisor -> worker: chunks, reference descriptor sets
  uint64_t up_bytes = 1024 * 1024;   // worker -> supervisor: results, descriptor sets
};                                   // rounded up to whole pages; 1 byte to kMaxRingBytes each

// What the worker tells about itself without being asked; written by the worker only, read by the supervisor as gossip.
struct WorkerState {
  std::atomic<uint64_t>
      current_task;  // id + 1 of the task in hand, 0 = none: set before a file is opened, so blame is exact
  std::atomic<uint64_t> heartbeat;  // grows with every task begun and whenever a long task makes progress
  std::atomic<uint64_t> tasks_done;
  std::atomic<uint64_t> bytes_read;
  std::atomic<uint64_t> stage_ns[8];  // time spent per stage, index = Stage
  std::atomic<uint64_t> format;       // ImageFormat of the file in hand, as told by its first bytes; 0 = not known yet
};
// The worker adds to its counters so: nobody else writes them, so nothing need be locked.
inline void add(std::atomic<uint64_t>& counter, uint64_t n) {
  counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}
enum class Stage : uint8_t { kOpen = 0, kRead = 1, kDigest = 2, kDecode = 3, kExtract = 4, kRing = 5, kIdle = 6 };
static_assert(sizeof(WorkerState) == 104 && offsetof(WorkerState, current_task) == 0 &&
              offsetof(WorkerState, heartbeat) == 8 && offsetof(WorkerState, tasks_done) == 16 &&
              offsetof(WorkerState, bytes_read) == 24 && offsetof(WorkerState, stage_ns) == 32 &&
              offsetof(WorkerState, format) == 96);

// Written once by the supervisor, checked once by the worker; neither reads it again.
struct LaneHeader {
  uint64_t magic;
  uint32_t layout_version;
  uint32_t header_bytes;             // sizeof(LaneHeader)
  uint64_t lane_bytes;               // of the whole segment
  uint64_t generation;               // which life of this slot: a stale worker cannot be taken for a fresh one
  uint32_t slot;                     // worker slot number, 0-based
  uint32_t reserved;                 // 0
  uint64_t down_offset, down_bytes;  // data area of the down ring, whole pages
  uint64_t up_offset, up_bytes;      // and of the up ring
};
static_assert(sizeof(LaneHeader) == 72 && offsetof(LaneHeader, magic) == 0 &&
              offsetof(LaneHeader, layout_version) == 8 && offsetof(LaneHeader, header_bytes) == 12 &&
              offsetof(LaneHeader, lane_bytes) == 16 && offsetof(LaneHeader, generation) == 24 &&
              offsetof(LaneHeader, slot) == 32 && offsetof(LaneHeader, reserved) == 36 &&
              offsetof(LaneHeader, down_offset) == 40 && offsetof(LaneHeader, down_bytes) == 48 &&
              offsetof(LaneHeader, up_offset) == 56 && offsetof(LaneHeader, up_bytes) == 64);

// The first page of the segment.
struct LaneControl {
  LaneHeader header;
  alignas(128) WorkerState worker;
  alignas(128) RingControl down;
  RingControl up;
};
static_assert(sizeof(LaneControl) == 512 && offsetof(LaneControl, header) == 0 &&
              offsetof(LaneControl, worker) == 128 && offsetof(LaneControl, down) == 256 &&
              offsetof(LaneControl, up) == 384);

// Either side's view. Move-only; unmaps on destruction. Rings and worker_state() point into it and do not outlive it.
class Lane {
 public:
  // Supervisor: make a new segment; kInvalidArgument for impossible sizes, kIo when the memory cannot be had (now, not
  // as SIGBUS later). The fd is close-on-exec; the spawner dups it to the number the worker expects. The mapping is not
  // inherited by fork: a child opens the fd.
  static Result<Lane> create(LaneSizes sizes, uint32_t slot, uint64_t generation);
  // Worker: map the segment behind `fd`; every header field is checked against the file's real size (kProtocol). The fd
  // must be sealed against shrinking, else a later truncation would be a SIGBUS. Closes `fd` on error.
  static Result<Lane> open(Fd fd);

  Lane(Lane&&) noexcept;
  Lane& operator=(Lane&&) noexcept;
  ~Lane();

  int fd() const;
  uint32_t slot() const;        // as the header said when the lane was made or opened; the peer cannot change it later
  uint64_t generation() const;  // the same
  WorkerState& worker_state();

  // Each end of each ring may be taken once per Lane; a second time aborts, as it would start again at position 0.
  RingProducer down_producer();  // supervisor
  RingConsumer down_consumer();  // worker
  RingProducer up_producer();    // worker
  RingConsumer up_consumer();    // supervisor

 private:
  struct Mappings;
  explicit Lane(std::unique_ptr<Mappings> mappings);
  static Result<Lane> map(Fd fd, const LaneHeader& header);
  std::unique_ptr<Mappings> mappings_;
};

}  // namespace pairloom::shm
