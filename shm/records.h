// The records that travel through the rings, whatever the job: chunks of tasks and job set-up go down, results come up,
// descriptor sets go both ways. Job-specific payloads: jobs/. Native byte order: both ends are one machine and one
// build. Runs in: supervisor, worker. Offsets: docs/shm_layout.md.
//
// The parse functions check every number against the payload's real end and hand out views into it. They read the
// payload more than once, so the supervisor parses only private copies (SupervisorChannel::take makes them): a worker
// could change ring memory between check and use. A worker may parse in the ring: it believes the supervisor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"

namespace pairloom::shm {

enum class RecordKind : uint32_t {
  kHello = 1,          // up: HelloHeader + names of the decoders, first record of a worker
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
  uint32_t sandbox_level;  // SandboxStep set, base/sandbox_level.h; 0 = none
};  // then a line for each decoder: number of its ImageFormat, tab, name and version; printable ASCII
constexpr uint64_t kMaxHelloBytes = 2048;

struct JobSetupHeader {
  uint32_t job;  // jobs::JobKind
  uint32_t payload_bytes;
  uint32_t descriptor_count;  // of open descriptors that came with the record (SupervisorChannel::push)
  uint32_t reserved;          // 0
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
  uint32_t flags;          // kResultIsLast or 0; other bits are refused
  uint32_t payload_bytes;  // what follows this header, to the end of the record
  uint64_t elapsed_ns;     // wall time the worker spent on the task so far
};
constexpr uint32_t kResultIsLast = 1;  // last record of this task

static_assert(sizeof(HelloHeader) == 24 && offsetof(HelloHeader, layout_version) == 0 &&
              offsetof(HelloHeader, build_id) == 4 && offsetof(HelloHeader, generation) == 8 &&
              offsetof(HelloHeader, pid) == 16 && offsetof(HelloHeader, sandbox_level) == 20);
static_assert(sizeof(JobSetupHeader) == 16 && offsetof(JobSetupHeader, job) == 0 &&
              offsetof(JobSetupHeader, payload_bytes) == 4 && offsetof(JobSetupHeader, descriptor_count) == 8 &&
              offsetof(JobSetupHeader, reserved) == 12);
static_assert(sizeof(ChunkHeader) == 16 && offsetof(ChunkHeader, chunk_id) == 0 &&
              offsetof(ChunkHeader, task_count) == 8 && offsetof(ChunkHeader, reserved) == 12);
static_assert(sizeof(TaskHeader) == 16 && offsetof(TaskHeader, task_id) == 0 &&
              offsetof(TaskHeader, payload_bytes) == 8 && offsetof(TaskHeader, reserved) == 12);
static_assert(sizeof(ResultHeader) == 24 && offsetof(ResultHeader, task_id) == 0 &&
              offsetof(ResultHeader, flags) == 8 && offsetof(ResultHeader, payload_bytes) == 12 &&
              offsetof(ResultHeader, elapsed_ns) == 16);

struct TaskView {
  uint64_t task_id;
  std::span<const std::byte> payload;  // 8-byte aligned if the chunk is
};

// Builds a chunk payload. Reuse one object: clear() keeps the memory.
class ChunkBuilder {
 public:
  ChunkBuilder() { clear(0); }
  void clear(uint64_t chunk_id);
  void add(uint64_t task_id, std::span<const std::byte> payload);
  uint32_t task_count() const;
  std::span<const std::byte> bytes() const { return bytes_; }  // the record payload so far
  // Bytes that a task of this payload adds to bytes().
  static constexpr uint64_t task_bytes(uint64_t payload_bytes) {
    return sizeof(TaskHeader) + (payload_bytes + 7) / 8 * 8;
  }

 private:
  std::vector<std::byte> bytes_;
};

// Walks a chunk; kProtocol when a length or the task count disagrees with the payload's end (tasks before that point
// were visited), else the first error of `visit`, which stops the walk.
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
  uint64_t set_id;        // what it belongs to: a task id (up) or a reference id (down)
  uint32_t rows;          // 0..kMaxDescriptorRows
  uint32_t columns;       // 1..kMaxDescriptorColumns; 0 only without rows
  uint32_t element_type;  // ElementType
  uint32_t detector;      // which detector made it (jobs/): 1 SIFT, 2 ORB; not checked here
  uint8_t padding[40];    // 0; the matrix starts at offset 64
};
static_assert(sizeof(DescriptorSetHeader) == 64 && offsetof(DescriptorSetHeader, set_id) == 0 &&
              offsetof(DescriptorSetHeader, rows) == 8 && offsetof(DescriptorSetHeader, columns) == 12 &&
              offsetof(DescriptorSetHeader, element_type) == 16 && offsetof(DescriptorSetHeader, detector) == 20 &&
              offsetof(DescriptorSetHeader, padding) == 24);
constexpr uint32_t kMaxDescriptorRows = 1u << 20;
constexpr uint32_t kMaxDescriptorColumns = 4096;

struct DescriptorSetView {
  uint64_t set_id;
  uint32_t rows, columns;
  ElementType element_type;
  uint32_t detector;
  const void* data;  // into the record: no copy; in a worker wrap it as cv::Mat(rows, columns, type, data)
};
// Of the whole payload. Rows and columns within the limits above (aborts otherwise).
uint64_t descriptor_set_bytes(uint32_t rows, uint32_t columns, ElementType type);
// Writes the header and returns where the matrix goes. `room` must be descriptor_set_bytes() long (aborts otherwise).
std::span<std::byte> begin_descriptor_set(std::span<std::byte> room, uint64_t set_id, uint32_t rows, uint32_t columns,
                                          ElementType type, uint32_t detector);
// kProtocol unless rows, columns and type are within the limits, the length is exact, and floats are finite. The
// payload is aligned to 4 bytes or more, as ring memory and vectors are.
Result<DescriptorSetView> parse_descriptor_set(std::span<const std::byte> payload);

}  // namespace pairloom::shm
