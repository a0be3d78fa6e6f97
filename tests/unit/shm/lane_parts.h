// What the unit tests of shm/ make their lanes from, and the hostile peer's view of one. Used by those tests only.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "shm/channel.h"
#include "shm/lane.h"

namespace pairloom::shm::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
inline std::string text_of(std::span<const std::byte> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

inline Lane make_lane(uint64_t down_bytes, uint64_t up_bytes) {
  return Lane::create({.down_bytes = down_bytes, .up_bytes = up_bytes}, 3, 17).value();
}
// The lane as a worker sees it.
inline Lane reopen(const Lane& lane) {
  return Lane::open(Fd(::fcntl(lane.fd(), F_DUPFD_CLOEXEC, 0))).value();
}

// The whole segment, mapped once and without any check: what a peer can write to.
class RawLane {
 public:
  explicit RawLane(const Lane& lane) {
    struct stat status;
    EXPECT_EQ(::fstat(lane.fd(), &status), 0);
    size_bytes_ = static_cast<size_t>(status.st_size);
    base_ = static_cast<std::byte*>(::mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, lane.fd(), 0));
    EXPECT_NE(static_cast<void*>(base_), MAP_FAILED);
  }
  RawLane(RawLane&&) = delete;
  RawLane& operator=(RawLane&&) = delete;
  ~RawLane() { ::munmap(base_, size_bytes_); }

  LaneControl& control() const { return *reinterpret_cast<LaneControl*>(base_); }
  RecordHeader& down_record_at(uint64_t offset) const {
    return *reinterpret_cast<RecordHeader*>(base_ + control().header.down_offset + offset);
  }
  RecordHeader& up_record_at(uint64_t offset) const {
    return *reinterpret_cast<RecordHeader*>(base_ + control().header.up_offset + offset);
  }

 private:
  std::byte* base_ = nullptr;
  size_t size_bytes_ = 0;
};

// Both ends of the down ring of one lane, in one mapping.
struct RingEnds {
  explicit RingEnds(uint64_t capacity_bytes)
      : lane(make_lane(capacity_bytes, 1)), producer(lane.down_producer()), consumer(lane.down_consumer()), raw(lane) {}
  RingControl& control() const { return raw.control().down; }

  Lane lane;
  RingProducer producer;
  RingConsumer consumer;
  RawLane raw;
};

// A supervisor's and a worker's channel over one lane, each with its own mapping, as between processes.
struct ChannelEnds {
  ChannelEnds(uint64_t down_bytes, uint64_t up_bytes)
      : ChannelEnds(make_lane(down_bytes, up_bytes), make_socket_pair().value()) {}
  SupervisorChannel supervisor;
  WorkerChannel worker;

 private:
  ChannelEnds(Lane lane, SocketPair sockets) : ChannelEnds(reopen(lane), lane, sockets) {}
  ChannelEnds(Lane workers, Lane& supervisors, SocketPair& sockets)
      : supervisor(std::move(supervisors), std::move(sockets.supervisor)),
        worker(std::move(workers), std::move(sockets.worker)) {}
};

// The error code and message of a failed result, for one-line expectations.
template <class T>
void expect_error(const Result<T>& result, Errc code, std::string_view part_of_message) {
  ASSERT_FALSE(result.has_value()) << "expected an error: " << part_of_message;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_NE(result.error().message.find(part_of_message), std::string::npos) << result.error().message;
}

}  // namespace pairloom::shm::test
