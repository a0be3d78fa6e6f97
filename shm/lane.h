// Lane: the one shared-memory segment between the supervisor and one worker: a header, what the worker says it is doing,
// and two rings. Made by the supervisor before exec (a sealed memfd, allocated in full, mapped through
// boost::interprocess::mapped_region), thrown away with its worker, never repaired. Layout: docs/shm_layout.md.
// Runs in: supervisor, worker.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "shm/ring.h"

namespace pairloom::shm {

constexpr uint64_t kLaneMagic = 0x00454e414c4c5050;  // "PPLLANE\0" little-endian is asserted by its test, see docs
constexpr uint32_t kLaneLayoutVersion = 1;

struct LaneSizes {
  uint64_t down_bytes = 256 * 1024;   // supervisor -> worker: chunks, reference descriptor sets
  uint64_t up_bytes = 1024 * 1024;    // worker -> supervisor: results, descriptor sets
};  // rounded up to whole pages; at most 1 GiB each

// What the worker tells about itself without being asked; written by the worker only, read by the supervisor as gossip.
struct WorkerState {
  std::atomic<uint64_t> current_task;   // id + 1 of the task in hand, 0 = none: set before a file is opened, so blame is exact
  std::atomic<uint64_t> heartbeat;      // grows with every task begun and whenever a long task makes progress
  std::atomic<uint64_t> tasks_done;
  std::atomic<uint64_t> bytes_read;
  std::atomic<uint64_t> stage_ns[8];    // time spent per stage, index = Stage
};
enum class Stage : uint8_t { kOpen = 0, kRead = 1, kDigest = 2, kDecode = 3, kExtract = 4, kRing = 5, kIdle = 6 };

struct LaneHeader {
  uint64_t magic;
  uint32_t layout_version;
  uint32_t header_bytes;       // sizeof(LaneHeader)
  uint64_t lane_bytes;         // of the whole segment
  uint64_t generation;         // which life of this slot: a stale worker cannot be taken for a fresh one
  uint32_t slot;               // worker slot number, 0-based
  uint32_t reserved;
  uint64_t down_offset, down_bytes;  // data area of the down ring, page-aligned
  uint64_t up_offset, up_bytes;
  // worker state and ring controls follow at fixed offsets, see lane.cpp and docs/shm_layout.md
};

// Either side's view. Move-only; unmaps on destruction.
class Lane {
 public:
  // Supervisor: make a new segment. The fd is close-on-exec; the spawner dups it to the number the worker expects.
  static Result<Lane> create(LaneSizes sizes, uint32_t slot, uint64_t generation);
  // Worker: map the segment behind `fd`; every header field is checked against the file's real size.
  static Result<Lane> open(Fd fd);

  Lane(Lane&&) noexcept;
  Lane& operator=(Lane&&) noexcept;
  ~Lane();

  int fd() const;
  uint32_t slot() const;
  uint64_t generation() const;
  WorkerState& worker_state();

  // Each end of each ring may be taken once per process.
  RingProducer down_producer();   // supervisor
  RingConsumer down_consumer();   // worker
  RingProducer up_producer();     // worker
  RingConsumer up_consumer();     // supervisor

 private:
  struct Mappings;
  explicit Lane(std::unique_ptr<Mappings> mappings);
  std::unique_ptr<Mappings> mappings_;
};

}  // namespace pairloom::shm
