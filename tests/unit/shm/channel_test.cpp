#include "shm/channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/shm/lane_parts.h"
#include "tests/unit/shm/pattern.h"

namespace pairloom::shm {
namespace {

using test::bytes_of;
using test::ChannelEnds;
using test::expect_error;
using test::text_of;
using Buffer = std::vector<std::byte>;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kAnySize = UINT64_MAX;

bool readable(int socket) {
  pollfd wait{socket, POLLIN, 0};
  return ::poll(&wait, 1, 0) == 1;
}

void wait_readable(int socket) {
  pollfd wait{socket, POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0) {
  }
}

TEST(Channel, SocketsAreCloseOnExecAndOnlyTheSupervisorsIsNonBlocking) {
  const auto pair = make_socket_pair().value();
  EXPECT_NE(::fcntl(pair.supervisor.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(pair.worker.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(pair.supervisor.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(pair.worker.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST(Channel, RecordsGoBothWays) {
  ChannelEnds ends(kPage, kPage);
  ASSERT_TRUE(ends.supervisor.push(3, bytes_of("chunk")).value());
  const auto record = ends.worker.wait_record().value();
  EXPECT_EQ(record.kind, 3u);
  EXPECT_EQ(text_of(record.payload), "chunk");
  ASSERT_TRUE(ends.worker.pop());
  ASSERT_TRUE(ends.worker.push(4, bytes_of("result")));
  Buffer buffer;
  EXPECT_EQ(ends.supervisor.take(buffer, kAnySize).value(), 4u);
  EXPECT_EQ(text_of(buffer), "result");
  EXPECT_FALSE(ends.supervisor.take(buffer, kAnySize).value().has_value());
  EXPECT_EQ(text_of(buffer), "result");  // unchanged when there is nothing
}

TEST(Channel, FirstRecordWakesTheSupervisorUnasked) {
  ChannelEnds ends(kPage, kPage);
  EXPECT_FALSE(readable(ends.supervisor.socket()));
  ASSERT_TRUE(ends.worker.push(1, {}));
  EXPECT_TRUE(readable(ends.supervisor.socket()));
}

TEST(Channel, OneWakeUpStandsForManyRecords) {
  ChannelEnds ends(kPage, kPage);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(ends.worker.push(1, {}));
  char bytes[16];
  EXPECT_EQ(::recv(ends.supervisor.socket(), bytes, sizeof(bytes), MSG_PEEK), 1);
}

TEST(Channel, TakingTheLastRecordAsksForTheNextWakeUp) {
  ChannelEnds ends(kPage, kPage);
  Buffer buffer;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(ends.worker.push(1, {}));
    EXPECT_TRUE(readable(ends.supervisor.socket()));
    EXPECT_TRUE(ends.supervisor.drain_wakeups().value());
    EXPECT_TRUE(ends.supervisor.take(buffer, kAnySize).value().has_value());
    EXPECT_FALSE(ends.supervisor.take(buffer, kAnySize).value().has_value());
    EXPECT_FALSE(readable(ends.supervisor.socket()));
  }
}

TEST(Channel, FailedPushAsksForAWakeUpAtTheNextPop) {
  ChannelEnds ends(kPage, kPage);
  while (ends.supervisor.push(1, {}).value()) {
  }
  EXPECT_EQ(ends.supervisor.free_bytes(), 0u);
  EXPECT_FALSE(readable(ends.supervisor.socket()));
  ASSERT_TRUE(ends.worker.wait_record());
  ASSERT_TRUE(ends.worker.pop());
  EXPECT_TRUE(readable(ends.supervisor.socket()));
  EXPECT_EQ(ends.supervisor.free_bytes(), record_bytes(0));
  EXPECT_TRUE(ends.supervisor.push(1, {}).value());
}

TEST(Channel, WantRoomAsksForAWakeUpAtTheNextPop) {
  ChannelEnds ends(kPage, kPage);
  ASSERT_TRUE(ends.supervisor.push(1, {}).value());
  ends.supervisor.want_room();
  ASSERT_TRUE(ends.worker.wait_record());
  ASSERT_TRUE(ends.worker.pop());
  EXPECT_TRUE(readable(ends.supervisor.socket()));
}

TEST(Channel, PushRefusesWhatCanNeverFit) {
  ChannelEnds ends(kPage, kPage);
  expect_error(ends.supervisor.push(1, Buffer(kPage)), Errc::kInvalidArgument, "cannot fit");
  expect_error(ends.worker.push(1, Buffer(kPage)), Errc::kInvalidArgument, "cannot fit");
}

TEST(Channel, TakeRefusesPayloadsAboveTheLimit) {
  ChannelEnds ends(kPage, kPage);
  ASSERT_TRUE(ends.worker.push(1, Buffer(100)));
  Buffer buffer;
  expect_error(ends.supervisor.take(buffer, 99), Errc::kProtocol, "100 bytes, allowed are 99");
}

TEST(Channel, WorkersEndIsSeenAfterItsLastRecords) {
  ChannelEnds ends(kPage, kPage);
  {
    WorkerChannel worker = std::move(ends.worker);
    ASSERT_TRUE(worker.push(1, bytes_of("last words")));
  }
  EXPECT_FALSE(ends.supervisor.drain_wakeups().value());
  Buffer buffer;
  ASSERT_EQ(ends.supervisor.take(buffer, kAnySize).value(), 1u);
  EXPECT_EQ(text_of(buffer), "last words");
  EXPECT_FALSE(ends.supervisor.take(buffer, kAnySize).value().has_value());
  EXPECT_TRUE(ends.supervisor.push(1, {}).value());  // no SIGPIPE, no error: the event loop is told by the socket
}

TEST(Channel, SupervisorsEndInterruptsEveryWaitOfTheWorker) {
  ChannelEnds ends(kPage, kPage);
  ASSERT_TRUE(ends.supervisor.push(1, {}).value());
  { const SupervisorChannel gone = std::move(ends.supervisor); }
  EXPECT_TRUE(ends.worker.wait_record());  // what was sent before is still worked on
  ASSERT_TRUE(ends.worker.pop());
  expect_error(ends.worker.wait_record(), Errc::kInterrupted, "supervisor is gone");
  Result<> pushed;
  while (pushed) pushed = ends.worker.push(1, {});
  expect_error(pushed, Errc::kInterrupted, "supervisor is gone");
}

// A supervisor that dies with wake-ups unread resets the connection instead of closing it.
TEST(Channel, SupervisorsDeathWithUnreadWakeUpsIsInterruptedToo) {
  ChannelEnds ends(kPage, kPage);
  ASSERT_TRUE(ends.worker.push(1, {}));
  { const SupervisorChannel gone = std::move(ends.supervisor); }
  expect_error(ends.worker.wait_record(), Errc::kInterrupted, "supervisor is gone");
}

TEST(Channel, StaleWakeUpsEndNoWait) {
  ChannelEnds ends(kPage, kPage);
  const char stale[1000] = {};
  ASSERT_EQ(::send(ends.supervisor.socket(), stale, sizeof(stale), 0), 1000);
  std::jthread late([&] {
    for (int unread = 1; unread > 0;) ASSERT_EQ(::ioctl(ends.supervisor.socket(), TIOCOUTQ, &unread), 0);
    ASSERT_TRUE(ends.supervisor.push(8, {}).value());
  });
  EXPECT_EQ(ends.worker.wait_record().value().kind, 8u);
}

TEST(Channel, FullSocketBlocksNeitherSide) {
  ChannelEnds ends(kPage, kPage);
  const Buffer junk(65536);
  while (::send(ends.supervisor.socket(), junk.data(), junk.size(), MSG_DONTWAIT) > 0) {
  }
  const test::RawLane raw(ends.worker.lane());
  raw.control().down.consumer_waits = 1;
  EXPECT_TRUE(ends.supervisor.push(2, {}).value());
  EXPECT_EQ(ends.worker.wait_record().value().kind, 2u);
}

TEST(Channel, FloodOfWakeUpsDoesNotHoldTheSupervisor) {
  auto sockets = make_socket_pair().value();
  const Fd flooder(::fcntl(sockets.worker.get(), F_DUPFD_CLOEXEC, 0));
  SupervisorChannel supervisor(test::make_lane(kPage, kPage), std::move(sockets.supervisor));
  std::jthread flood([&](const std::stop_token& stop) {
    const Buffer junk(4096);
    while (!stop.stop_requested()) (void)::send(flooder.get(), junk.data(), junk.size(), MSG_DONTWAIT);
  });
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(supervisor.drain_wakeups().value());
}

TEST(Channel, TimeAsleepIsAccountedByItsReason) {
  ChannelEnds ends(kPage, kPage);
  const auto stage_ns = [&](Stage stage) {
    return ends.supervisor.state().stage_ns[static_cast<size_t>(stage)].load();
  };
  ASSERT_TRUE(ends.supervisor.push(1, {}).value());
  ASSERT_TRUE(ends.worker.wait_record());
  ASSERT_TRUE(ends.worker.pop());
  EXPECT_EQ(stage_ns(Stage::kIdle), 0u);  // did not have to wait

  std::jthread supervising([&] {
    const test::RawLane raw(ends.worker.lane());
    while (raw.control().down.consumer_waits == 0) std::this_thread::yield();
    ASSERT_TRUE(ends.supervisor.push(1, {}).value());
    while (raw.control().up.producer_waits == 0) std::this_thread::yield();
    Buffer buffer;
    ASSERT_TRUE(ends.supervisor.take(buffer, kAnySize).value());
  });
  ASSERT_TRUE(ends.worker.wait_record());
  const uint64_t idle_ns = stage_ns(Stage::kIdle);
  EXPECT_GT(idle_ns, 0u);
  EXPECT_EQ(stage_ns(Stage::kRing), 0u);
  ASSERT_TRUE(ends.worker.push(1, Buffer(kPage - sizeof(RecordHeader))));
  ASSERT_TRUE(ends.worker.push(2, {}));  // waits for the first to be taken
  EXPECT_GT(stage_ns(Stage::kRing), 0u);
  EXPECT_EQ(stage_ns(Stage::kIdle), idle_ns);
}

TEST(Channel, LiesOfTheWorkerReachTheCallerAsProtocolErrors) {
  ChannelEnds ends(kPage, kPage);
  const test::RawLane raw(ends.worker.lane());
  ASSERT_TRUE(ends.supervisor.push(1, {}).value());
  raw.control().up.head = 7 * kPage;
  Buffer buffer;
  expect_error(ends.supervisor.take(buffer, kAnySize), Errc::kProtocol, "producer");
  raw.control().down.tail = 7 * kPage;
  expect_error(ends.supervisor.push(1, Buffer(kPage - 64)), Errc::kProtocol, "consumer");
  EXPECT_EQ(ends.supervisor.free_bytes(), 0u);
}

// Every round lets both sides fall asleep; one lost wake-up and this never ends.
TEST(Channel, PingPongLosesNoWakeUp) {
  constexpr uint64_t kRounds = 20'000;
  ChannelEnds ends(kPage, kPage);
  std::jthread echo([&] {
    for (uint64_t i = 0; i < kRounds; ++i) {
      const auto record = ends.worker.wait_record().value();
      ASSERT_TRUE(ends.worker.push(record.kind, record.payload));
      ASSERT_TRUE(ends.worker.pop());
    }
  });
  Buffer buffer;
  for (uint32_t i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(ends.supervisor.push(i, {}).value());
    auto kind = ends.supervisor.take(buffer, kAnySize).value();
    for (; !kind; kind = ends.supervisor.take(buffer, kAnySize).value()) {
      wait_readable(ends.supervisor.socket());
      ASSERT_TRUE(ends.supervisor.drain_wakeups().value());
    }
    ASSERT_EQ(*kind, i);
  }
}

// The race of the sleep protocol: a publisher that is wide awake answers within about the time a sleeper takes from its
// last look at the ring to its announcement. Both wait a few random instants, so that all orders of the steps come up.
class RandomInstants {
 public:
  explicit RandomInstants(uint32_t seed) : random_(seed) {}
  void wait() {
    for (uint_fast32_t left = random_() % 2048; left > 0; --left) std::atomic_signal_fence(std::memory_order_seq_cst);
  }

 private:
  std::minstd_rand random_;
};

// Answers `rounds` records with as many, spinning, with bare ring ends that never sleep or announce.
void answer_awake(RingConsumer in, RingProducer out, int socket, uint64_t rounds) {
  RandomInstants instants(1);
  for (uint64_t i = 0; i < rounds; ++i) {
    for (int spins = 0; !in.front().value(); ++spins)
      if (spins % 1024 == 1023) std::this_thread::yield();
    in.pop();
    instants.wait();
    ASSERT_TRUE(out.push(1, {}).value());
    if (out.take_consumer_wait()) {
      ASSERT_EQ(::send(socket, "x", 1, MSG_NOSIGNAL), 1);
    }
  }
}

TEST(Channel, SleepingWorkerIsWokenByAPublisherAtAnyInstant) {
  constexpr uint64_t kRounds = 100'000;
  Lane lane = test::make_lane(kPage, kPage);
  SocketPair sockets = make_socket_pair().value();
  WorkerChannel worker(test::reopen(lane), std::move(sockets.worker));
  std::jthread awake(
      [&] { answer_awake(lane.up_consumer(), lane.down_producer(), sockets.supervisor.get(), kRounds); });
  RandomInstants instants(2);
  for (uint64_t i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(worker.push(1, {}));
    instants.wait();
    ASSERT_TRUE(worker.wait_record());
    ASSERT_TRUE(worker.pop());
  }
}

TEST(Channel, SleepingSupervisorIsWokenByAPublisherAtAnyInstant) {
  constexpr uint64_t kRounds = 100'000;
  Lane lane = test::make_lane(kPage, kPage);
  Lane workers = test::reopen(lane);
  SocketPair sockets = make_socket_pair().value();
  SupervisorChannel supervisor(std::move(lane), std::move(sockets.supervisor));
  std::jthread awake(
      [&] { answer_awake(workers.down_consumer(), workers.up_producer(), sockets.worker.get(), kRounds); });
  RandomInstants instants(3);
  Buffer buffer;
  for (uint64_t i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(supervisor.push(1, {}).value());
    instants.wait();
    while (!supervisor.take(buffer, kAnySize).value()) {
      wait_readable(supervisor.socket());
      ASSERT_TRUE(supervisor.drain_wakeups().value());
    }
  }
}

// Both rings full most of the time, so that every kind of wait happens: for records and for room, on both sides.
TEST(Channel, SmallRingsInBothDirectionsLoseNoWakeUp) {
  constexpr uint64_t kRecords = 100'000;
  ChannelEnds ends(kPage, kPage);
  const test::Pattern pattern(kPage - sizeof(RecordHeader));
  std::jthread echo([&] {
    for (uint64_t i = 0; i < kRecords; ++i) {
      const auto record = ends.worker.wait_record().value();
      ASSERT_TRUE(ends.worker.push(record.kind, record.payload));
      ASSERT_TRUE(ends.worker.pop());
    }
  });
  Buffer buffer;
  uint64_t pushed = 0, taken = 0;
  while (taken < kRecords) {
    while (pushed < kRecords && ends.supervisor.push(pattern.kind(pushed), pattern.payload(pushed)).value()) ++pushed;
    while (const auto kind = ends.supervisor.take(buffer, kAnySize).value()) {
      ASSERT_TRUE(pattern.matches(taken, *kind, buffer)) << taken;
      ++taken;
    }
    if (taken == kRecords) break;
    wait_readable(ends.supervisor.socket());
    ASSERT_TRUE(ends.supervisor.drain_wakeups().value());
  }
}

}  // namespace
}  // namespace pairloom::shm
