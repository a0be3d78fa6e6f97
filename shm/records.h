// The records that travel through the rings, whatever the job: chunks of tasks and job set-up go down, results come up,
// descriptor sets go both ways. Job-specific payloads: jobs/. Native byte order: both ends are one machine and one build.
// Runs in: supervisor, worker. Offsets: docs/shm_layout.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pairloom::shm {

enum class RecordKind : uint32_t {
  kHello = 1,          // up: HelloHeader, first record of a worker
  kJobSetup = 2,       // down: JobSetupHeader + job-specific bytes; before the first chunk of a job
  kChunk = 3,          // down: ChunkHeader + tasks
  kResult = 4,         // up: ResultHeader + job-specific bytes
  kDescriptorSet = 5,  // either way: DescriptorSetHeader + matrix
};

struct HelloHeader {
  uint32_t layout_version;  // kLaneLayoutVersion of the worker's build
  uint32_t build_id;        // base/version.h; differs = another pairloom, refused
  uint64_t generation;      // of its lane
  uint32_t pid;
  uint32_t sandbox_level;   // 0 = none
};

struct JobSetupHeader {
  uint32_t job;             // jobs::JobKind
  uint32_t payload_bytes;
};

struct ChunkHeader {
  uint64_t chunk_id;
  uint32_t task_count;
  uint32_t reserved;
};
// Each task: TaskHeader + payload, padded to 8 bytes.
struct TaskHeader {
  uint64_t task_id;
  uint32_t payload_bytes;
  uint32_t reserved;
};

struct ResultHeader {
  uint64_t task_id;
  uint32_t flags;           // bit 0: last record of this task
  uint32_t payload_bytes;
  uint64_t elapsed_ns;      // wall time the worker spent on the task so far
};
constexpr uint32_t kResultIsLast = 1;

static_assert(sizeof(HelloHeader) == 24 && sizeof(JobSetupHeader) == 8 && sizeof(ChunkHeader) == 16 &&
              sizeof(TaskHeader) == 16 && sizeof(ResultHeader) == 24);

struct TaskView {
  uint64_t task_id;
  std::span<const std::byte> payload;
};

// Builds a chunk payload. Reuse one object: clear() keeps the memory.
class ChunkBuilder {
 public:
  void clear(uint64_t chunk_id);
  void add(uint64_t task_id, std::span<const std::byte> payload);
  uint32_t task_count() const;
  std::span<const std::byte> bytes() const;  // the record payload so far
 private:
  std::vector<std::byte> bytes_;
};

// Walks a chunk, checking every length against the payload's real end. `visit` returns an error to stop.
Result<ChunkHeader> parse_chunk(std::span<const std::byte> payload, const std::function<Result<>(TaskView)>& visit);

struct ResultView {
  ResultHeader header;
  std::span<const std::byte> payload;
};
// kProtocol when lengths disagree, unknown flags are set, or the payload is short.
Result<ResultView> parse_result(std::span<const std::byte> payload);

// A matrix of descriptors: rows x columns, row-major, tightly packed, its data 64-byte aligned in ring memory.
enum class ElementType : uint32_t { kU8 = 1, kF32 = 2 };
struct DescriptorSetHeader {
  uint64_t set_id;          // what it belongs to: a task id (up) or a reference id (down)
  uint32_t rows, columns;
  uint32_t element_type;    // ElementType
  uint32_t detector;        // which detector made it (jobs/): 1 SIFT, 2 ORB
  uint8_t padding[40];      // data at offset 64
};
static_assert(sizeof(DescriptorSetHeader) == 64);
constexpr uint32_t kMaxDescriptorRows = 1u << 20;
constexpr uint32_t kMaxDescriptorColumns = 4096;

struct DescriptorSetView {
  uint64_t set_id;
  uint32_t rows, columns;
  ElementType element_type;
  uint32_t detector;
  const void* data;         // into the record: no copy; in a worker wrap it as cv::Mat(rows, columns, type, data)
};
uint64_t descriptor_set_bytes(uint32_t rows, uint32_t columns, ElementType type);  // whole payload
// Writes header and returns where the matrix goes. `room` must be descriptor_set_bytes() long.
std::span<std::byte> begin_descriptor_set(std::span<std::byte> room, uint64_t set_id, uint32_t rows, uint32_t columns,
                                          ElementType type, uint32_t detector);
// Checks rows, columns, type, exact length, and that floats are finite.
Result<DescriptorSetView> parse_descriptor_set(std::span<const std::byte> payload);

}  // namespace pairloom::shm
