// The supervisor's end of a lane whose other end does what it likes: the input is a list of what it does.
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <utility>

#include "shm/channel.h"
#include "shm/lane.h"
#include "shm/records.h"
#include "tests/fuzz/fuzz_target.h"

namespace pairloom::test {
namespace {

constexpr uint64_t kRingBytes = 4096, kMaxRecordBytes = 1024;

// A lane as both sides see it, the worker's without any rule.
class TornLane {
 public:
  TornLane() : TornLane(shm::Lane::create({kRingBytes, kRingBytes}, 1, 7).value(), shm::make_socket_pair().value()) {}
  TornLane(const TornLane&) = delete;
  ~TornLane() { ::munmap(base_, size_); }

  shm::SupervisorChannel& supervisor() { return supervisor_; }
  int socket() const { return worker_.get(); }
  std::span<std::byte> memory() const { return {base_, size_}; }
  std::byte* up_data() const { return base_ + reinterpret_cast<const shm::LaneControl*>(base_)->header.up_offset; }

 private:
  TornLane(shm::Lane lane, shm::SocketPair sockets)
      : size_(size_of(lane.fd())),
        base_(static_cast<std::byte*>(::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, lane.fd(), 0))),
        supervisor_(std::move(lane), std::move(sockets.supervisor)),
        worker_(std::move(sockets.worker)) {
    must(base_ != MAP_FAILED, "a lane can be mapped");
  }
  static size_t size_of(int fd) {
    struct stat st {};
    must(::fstat(fd, &st) == 0, "a lane has a size");
    return static_cast<size_t>(st.st_size);
  }
  size_t size_;
  std::byte* base_;
  shm::SupervisorChannel supervisor_;
  Fd worker_;
};

// What may be written over: everything but the header, whose offsets we use ourselves (nobody else reads it again).
void write_at(std::span<std::byte> memory, uint64_t at, std::span<const std::byte> bytes) {
  constexpr uint64_t kBehindHeader = sizeof(shm::LaneHeader);
  at = kBehindHeader + at % (memory.size() - kBehindHeader);
  std::memcpy(memory.data() + at, bytes.data(), std::min<size_t>(bytes.size(), memory.size() - at));
}

// A record that is right as far as the ring goes, so that what is behind it is reached.
void publish(TornLane& lane, std::span<const std::byte> payload) {
  auto& up = reinterpret_cast<shm::LaneControl*>(lane.memory().data())->up;
  const uint64_t head = up.head.load(), at = head % kRingBytes, bytes = shm::record_bytes(payload.size());
  if (at + bytes > kRingBytes) return;
  const shm::RecordHeader header{4, 0, payload.size(), {}};
  std::memcpy(lane.up_data() + at, &header, sizeof header);
  std::memcpy(lane.up_data() + at + sizeof header, payload.data(), payload.size());
  up.head.store(head + bytes);
}

void take_all(TornLane& lane, std::vector<std::byte>& record) {
  for (int i = 0; i < 100; ++i) {
    const auto kind = lane.supervisor().take(record, kMaxRecordBytes);
    if (!kind || !*kind) return;
    must(record.size() <= kMaxRecordBytes, "no record is longer than it may be");
    static_cast<void>(shm::parse_result(record));
    static_cast<void>(shm::parse_descriptor_set(record));
  }
}

void misbehave(std::span<const std::byte> orders) {
  TornLane lane;
  std::vector<std::byte> record;
  while (orders.size() >= 4) {
    const auto what = std::to_integer<unsigned>(orders[0]);
    uint16_t where = 0;
    std::memcpy(&where, &orders[1], sizeof where);
    const size_t count = std::min<size_t>(std::to_integer<size_t>(orders[3]), orders.size() - 4);
    const auto bytes = orders.subspan(4, count);
    orders = orders.subspan(4 + count);
    switch (what % 6) {
      case 0:
        write_at(lane.memory(), where, bytes);
        break;
      case 1:
        publish(lane, bytes);
        break;
      case 2:
        take_all(lane, record);
        break;
      case 3:
        static_cast<void>(lane.supervisor().push(3, bytes));
        break;
      case 4:
        static_cast<void>(::send(lane.socket(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
        static_cast<void>(lane.supervisor().drain_wakeups());
        break;
      default:
        must(lane.supervisor().free_bytes() <= kRingBytes, "no more room than the ring has");
        lane.supervisor().want_room();
        break;
    }
  }
  take_all(lane, record);
}

Bytes order(uint8_t what, uint16_t where, const Bytes& bytes) {
  Bytes all{std::byte{what}, static_cast<std::byte>(where & 255), static_cast<std::byte>(where >> 8),
            static_cast<std::byte>(bytes.size())};
  all.insert(all.end(), bytes.begin(), bytes.end());
  return all;
}

std::vector<Bytes> orders() {
  const auto joined = [](std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const Bytes number(8, std::byte{0x40}), record(100, std::byte{1});
  // Where the positions lie in the control page, less what write_at adds.
  const auto up_head = static_cast<uint16_t>(384 - sizeof(shm::LaneHeader));
  const auto down_tail = static_cast<uint16_t>(256 + 64 - sizeof(shm::LaneHeader));
  return {joined({order(1, 0, record), order(2, 0, {}), order(1, 0, record), order(1, 0, {}), order(2, 0, {})}),
          joined({order(3, 0, record), order(0, down_tail, number), order(5, 0, {}), order(3, 0, record)}),
          joined({order(1, 0, record), order(0, up_head, number), order(2, 0, {}), order(4, 0, record)}),
          joined({order(0, 4096, number), order(0, up_head, {std::byte{64}}), order(2, 0, {})})};
}

}  // namespace

void add_ring_target(std::vector<FuzzTarget>& targets) {
  targets.push_back({"ring", misbehave, orders});
}

}  // namespace pairloom::test
