#include "shm/records.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>
#include <type_traits>

#include "shm/invariant.h"

namespace pairloom::shm {
namespace {

tl::unexpected<Error> bad(std::string message) {
  return fail(Errc::kProtocol, std::move(message));
}

// Takes a header off the front of `rest`.
template <class Header>
Result<Header> take_header(std::span<const std::byte>& rest, const char* what) {
  static_assert(std::is_trivially_copyable_v<Header>);
  if (rest.size() < sizeof(Header))
    return bad(fmt::format("{} header cut short: {} of {} bytes", what, rest.size(), sizeof(Header)));
  Header header;
  std::memcpy(&header, rest.data(), sizeof(header));
  rest = rest.subspan(sizeof(header));
  return header;
}

uint64_t element_bytes(ElementType type) {
  return type == ElementType::kF32 ? sizeof(float) : sizeof(uint8_t);
}

bool known(uint32_t element_type) {
  return element_type == static_cast<uint32_t>(ElementType::kU8) ||
         element_type == static_cast<uint32_t>(ElementType::kF32);
}

bool within_limits(uint32_t rows, uint32_t columns) {
  return rows <= kMaxDescriptorRows && columns <= kMaxDescriptorColumns && (rows == 0 || columns > 0);
}

// IEEE 754: infinities and NaNs have all exponent bits set. Without an early exit, so that it is vectorised.
bool all_finite(std::span<const std::byte> floats) {
  constexpr uint32_t kExponent = 0x7f800000;
  static_assert(std::numeric_limits<float>::is_iec559);
  uint32_t found = 0;
  for (size_t i = 0; i < floats.size(); i += sizeof(uint32_t)) {
    uint32_t bits;
    std::memcpy(&bits, floats.data() + i, sizeof(bits));
    found |= static_cast<uint32_t>((bits & kExponent) == kExponent);
  }
  return found == 0;
}

}  // namespace

void ChunkBuilder::clear(uint64_t chunk_id) {
  const ChunkHeader header{chunk_id, 0, 0};
  bytes_.resize(sizeof(header));
  std::memcpy(bytes_.data(), &header, sizeof(header));
}

void ChunkBuilder::add(uint64_t task_id, std::span<const std::byte> payload) {
  require(payload.size() <= std::numeric_limits<uint32_t>::max(), "a task's payload is below 4 GiB");
  const TaskHeader task{task_id, static_cast<uint32_t>(payload.size()), 0};
  const size_t at = bytes_.size();
  bytes_.resize(at + task_bytes(payload.size()));  // the padding is zeros
  std::memcpy(bytes_.data() + at, &task, sizeof(task));
  if (!payload.empty()) std::memcpy(bytes_.data() + at + sizeof(task), payload.data(), payload.size());
  const uint32_t count = task_count() + 1;
  std::memcpy(bytes_.data() + offsetof(ChunkHeader, task_count), &count, sizeof(count));
}

uint32_t ChunkBuilder::task_count() const {
  uint32_t count;
  std::memcpy(&count, bytes_.data() + offsetof(ChunkHeader, task_count), sizeof(count));
  return count;
}

Result<ChunkHeader> parse_chunk(std::span<const std::byte> payload, const std::function<Result<>(TaskView)>& visit) {
  PAIRLOOM_ASSIGN(const ChunkHeader chunk, take_header<ChunkHeader>(payload, "chunk"));
  if (chunk.reserved != 0) return bad("chunk header has its reserved field set");
  for (uint32_t i = 0; i < chunk.task_count; ++i) {
    PAIRLOOM_ASSIGN(const TaskHeader task, take_header<TaskHeader>(payload, "task"));
    if (task.reserved != 0) return bad("task header has its reserved field set");
    const uint64_t padded_bytes = ChunkBuilder::task_bytes(task.payload_bytes) - sizeof(TaskHeader);
    if (padded_bytes > payload.size())
      return bad(fmt::format("task {} of a chunk of {} claims {} bytes, {} are left", i, chunk.task_count,
                             task.payload_bytes, payload.size()));
    PAIRLOOM_TRY(visit(TaskView{task.task_id, payload.first(task.payload_bytes)}));
    payload = payload.subspan(padded_bytes);
  }
  if (!payload.empty())
    return bad(fmt::format("chunk has {} bytes after its {} tasks", payload.size(), chunk.task_count));
  return chunk;
}

Result<ResultView> parse_result(std::span<const std::byte> payload) {
  PAIRLOOM_ASSIGN(const ResultHeader result, take_header<ResultHeader>(payload, "result"));
  if ((result.flags & ~kResultIsLast) != 0) return bad(fmt::format("result has unknown flags {:#x}", result.flags));
  if (result.payload_bytes != payload.size())
    return bad(fmt::format("result claims {} bytes, its record holds {}", result.payload_bytes, payload.size()));
  return ResultView{result, payload};
}

uint64_t descriptor_set_bytes(uint32_t rows, uint32_t columns, ElementType type) {
  require(within_limits(rows, columns) && known(static_cast<uint32_t>(type)), "a descriptor set is within its limits");
  return sizeof(DescriptorSetHeader) + uint64_t{rows} * columns * element_bytes(type);
}

std::span<std::byte> begin_descriptor_set(std::span<std::byte> room, uint64_t set_id, uint32_t rows, uint32_t columns,
                                          ElementType type, uint32_t detector) {
  require(room.size() == descriptor_set_bytes(rows, columns, type), "a descriptor set's room has its exact size");
  const DescriptorSetHeader header{set_id, rows, columns, static_cast<uint32_t>(type), detector, {}};
  std::memcpy(room.data(), &header, sizeof(header));
  return room.subspan(sizeof(header));
}

Result<DescriptorSetView> parse_descriptor_set(std::span<const std::byte> payload) {
  const uint64_t payload_bytes = payload.size();
  PAIRLOOM_ASSIGN(const DescriptorSetHeader set, take_header<DescriptorSetHeader>(payload, "descriptor set"));
  if (!known(set.element_type)) return bad(fmt::format("descriptor set of unknown element type {}", set.element_type));
  if (!within_limits(set.rows, set.columns))
    return bad(fmt::format("descriptor set of {} rows x {} columns is out of limits", set.rows, set.columns));
  const auto type = static_cast<ElementType>(set.element_type);
  const uint64_t expected_bytes = descriptor_set_bytes(set.rows, set.columns, type);
  if (payload_bytes != expected_bytes)
    return bad(fmt::format("descriptor set of {} x {} takes {} bytes, its record holds {}", set.rows, set.columns,
                           expected_bytes, payload_bytes));
  if (type == ElementType::kF32 && !all_finite(payload)) return bad("descriptor set has a value that is not finite");
  return DescriptorSetView{set.set_id, set.rows, set.columns, type, set.detector, payload.data()};
}

}  // namespace pairloom::shm
