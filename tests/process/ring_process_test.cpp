// Rings between real processes, which crash, are killed and lie. No test waits by sleeping or polling: all block on the
// channel's socket, so a lost wake-up shows as ctest's timeout.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "shm/channel.h"
#include "shm/records.h"
#include "tests/unit/shm/pattern.h"

namespace pairloom::shm {
namespace {

using test::Pattern;
using Buffer = std::vector<std::byte>;

constexpr uint64_t kPage = 4096;
constexpr uint64_t kAnySize = UINT64_MAX;

// A forked child that runs `body` and exits with what it returns; killed and reaped when this object goes.
class Child {
 public:
  explicit Child(const std::function<int()>& body) : pid_(::fork()) {
    if (pid_ == 0) ::_exit(body());
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  Child& operator=(Child&&) = delete;
  ~Child() {
    kill();
    if (pid_ > 0) (void)wait();
  }
  void kill() const {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }
  int wait() {  // the status as of waitpid
    int status = -1;
    EXPECT_EQ(::waitpid(std::exchange(pid_, -1), &status, 0) > 0, true);
    return status;
  }

 private:
  pid_t pid_;
};

bool exited_with_0(int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
bool was_killed(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

using WorkerBody = std::function<int(WorkerChannel&)>;

// A supervisor's channel and the worker process at its other end.
struct Worker {
  SupervisorChannel channel;
  Child process;
};

// The lane as the other process gets it: through its descriptor, as the mapping is not inherited.
Lane reopen(const Lane& lane) {
  return Lane::open(Fd(::fcntl(lane.fd(), F_DUPFD_CLOEXEC, 0))).value();
}

// Forks a child that runs `body` with the lane and its end of the socket; the other end is closed, as after an exec.
Worker start_process(LaneSizes sizes, const std::function<int(Lane, Fd)>& body) {
  Lane lane = Lane::create(sizes, 0, 1).value();
  SocketPair sockets = make_socket_pair().value();
  Child process([&] {
    sockets.supervisor.reset();
    return body(reopen(lane), std::move(sockets.worker));
  });
  return Worker{SupervisorChannel(std::move(lane), std::move(sockets.supervisor)), std::move(process)};
}

Worker start_worker(LaneSizes sizes, const WorkerBody& body) {
  return start_process(sizes, [&](Lane lane, Fd socket) {
    WorkerChannel channel(std::move(lane), std::move(socket));
    return body(channel);
  });
}

// Sends back whatever comes, until the supervisor goes.
int echo(WorkerChannel& channel) {
  while (const auto record = channel.wait_record()) {
    if (!channel.push(record->kind, record->payload) || !channel.pop()) return 1;
  }
  return 0;
}

void wait_readable(const SupervisorChannel& channel) {
  pollfd wait{channel.socket(), POLLIN, 0};
  while (::poll(&wait, 1, -1) < 0) {
  }
}

// The next record's kind; blocks for it. Empty: the worker is gone and all its records were taken.
Result<std::optional<uint32_t>> take_blocking(SupervisorChannel& channel, Buffer& buffer) {
  bool alive = true;
  while (true) {
    PAIRLOOM_ASSIGN(const auto kind, channel.take(buffer, kAnySize));
    if (kind || !alive) return kind;
    wait_readable(channel);
    PAIRLOOM_ASSIGN(alive, channel.drain_wakeups());
  }
}

// Takes until the worker is gone; expects its records to be the pattern's, in order from `first`. Returns how many.
uint64_t take_all_until_gone(SupervisorChannel& channel, const Pattern& pattern, uint64_t first = 0) {
  Buffer buffer;
  for (uint64_t n = first;; ++n) {
    const auto kind = take_blocking(channel, buffer);
    EXPECT_TRUE(kind) << kind.error().message;
    if (!kind || !*kind) return n - first;
    EXPECT_TRUE(pattern.matches(n, **kind, buffer)) << n;
  }
}

TEST(RingProcess, AMillionRandomRecordsComeUpInOrderAndWhole) {
  constexpr uint64_t kRecords = 1'000'000;
  const Pattern pattern(16 * 1024);
  Worker worker = start_worker({}, [&](WorkerChannel& channel) {
    for (uint64_t n = 0; n < kRecords; ++n)
      if (!channel.push(pattern.kind(n), pattern.payload(n))) return 1;
    return 0;
  });
  EXPECT_EQ(take_all_until_gone(worker.channel, pattern), kRecords);
  EXPECT_TRUE(exited_with_0(worker.process.wait()));
}

TEST(RingProcess, RandomRecordsGoDownAndComeBackThroughSmallRings) {
  constexpr uint64_t kRecords = 200'000;
  const Pattern pattern(kPage - sizeof(RecordHeader));
  Worker worker = start_worker({.down_bytes = kPage, .up_bytes = 2 * kPage}, echo);
  Buffer buffer;
  uint64_t pushed = 0, taken = 0;
  while (taken < kRecords) {
    while (pushed < kRecords && worker.channel.push(pattern.kind(pushed), pattern.payload(pushed)).value()) ++pushed;
    while (const auto kind = worker.channel.take(buffer, kAnySize).value()) {
      ASSERT_TRUE(pattern.matches(taken, *kind, buffer)) << taken;
      ++taken;
    }
    if (taken == kRecords) break;
    wait_readable(worker.channel);
    ASSERT_TRUE(worker.channel.drain_wakeups().value());
  }
}

TEST(RingProcess, PingPongLosesNoWakeUp) {
  Worker worker = start_worker({.down_bytes = kPage, .up_bytes = kPage}, echo);
  Buffer buffer;
  for (uint32_t i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(worker.channel.push(i, {}).value());
    ASSERT_EQ(take_blocking(worker.channel, buffer).value(), i);
  }
}

// The worker wraps the matrix where it lies, scales it in place of a copy into the up ring, and the supervisor checks
// it.
TEST(RingProcess, DescriptorSetsCrossBothRingsInPlace) {
  constexpr uint32_t kRows = 5000, kColumns = 128;
  const uint64_t set_bytes = descriptor_set_bytes(kRows, kColumns, ElementType::kF32);
  const auto kind = static_cast<uint32_t>(RecordKind::kDescriptorSet);
  Worker worker = start_worker({.down_bytes = 6 << 20, .up_bytes = 3 << 20}, [&](WorkerChannel& channel) {
    while (const auto record = channel.wait_record()) {
      const auto in = parse_descriptor_set(record->payload);
      if (!in || reinterpret_cast<uintptr_t>(in->data) % 64 != 0) return 1;
      const auto room = channel.reserve(set_bytes);
      if (!room) return 2;
      const auto out = begin_descriptor_set(*room, in->set_id, in->rows, in->columns, in->element_type, in->detector);
      const auto* from = static_cast<const float*>(in->data);
      auto* to = reinterpret_cast<float*>(out.data());
      for (uint32_t i = 0; i < kRows * kColumns; ++i) to[i] = from[i] * 2;
      if (!channel.commit(kind, set_bytes) || !channel.pop()) return 3;
    }
    return 0;
  });
  Buffer sent(set_bytes), buffer;
  for (uint64_t id = 0; id < 10; ++id) {
    const auto matrix = begin_descriptor_set(sent, id, kRows, kColumns, ElementType::kF32, 1);
    auto* floats = reinterpret_cast<float*>(matrix.data());
    for (uint32_t i = 0; i < kRows * kColumns; ++i) floats[i] = static_cast<float>(i % 509) + static_cast<float>(id);
    ASSERT_TRUE(worker.channel.push(kind, sent).value());
    ASSERT_EQ(take_blocking(worker.channel, buffer).value(), kind);
    const auto set = parse_descriptor_set(buffer).value();
    ASSERT_EQ(set.set_id, id);
    const auto* seen = static_cast<const float*>(set.data);
    for (uint32_t i = 0; i < kRows * kColumns; ++i) ASSERT_EQ(seen[i], floats[i] * 2) << i;
  }
}

TEST(RingProcess, ProducerKilledInTheMiddleOfARecordLeavesOnlyWholeOnes) {
  const Pattern pattern(1000);
  Worker worker = start_worker({}, [&](WorkerChannel& channel) {
    for (uint64_t n = 0; n < 20; ++n)
      if (!channel.push(pattern.kind(n), pattern.payload(n))) return 1;
    const auto room = channel.reserve(5000);
    std::memset(room->data(), 0xee, 2500);
    ::raise(SIGKILL);
    return 2;
  });
  EXPECT_EQ(take_all_until_gone(worker.channel, pattern), 20u);
  EXPECT_TRUE(was_killed(worker.process.wait()));
}

// SIGKILL from outside, at whatever instruction the worker happens to be.
TEST(RingProcess, ProducerKilledAtAnyInstantLeavesOnlyWholeRecords) {
  const Pattern pattern(3000);
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    Worker worker = start_worker({.down_bytes = kPage, .up_bytes = 4 * kPage}, [&](WorkerChannel& channel) {
      uint64_t n = 0;
      while (channel.push(pattern.kind(n), pattern.payload(n))) ++n;
      return 1;
    });
    Buffer buffer;
    const uint64_t taken_before_kill = random() % 300;
    for (uint64_t n = 0; n < taken_before_kill; ++n) {
      const auto kind = take_blocking(worker.channel, buffer).value();
      ASSERT_TRUE(kind && pattern.matches(n, *kind, buffer)) << n;
    }
    worker.process.kill();
    take_all_until_gone(worker.channel, pattern, taken_before_kill);
    ASSERT_TRUE(was_killed(worker.process.wait()));
  }
}

TEST(RingProcess, ConsumerKilledAtAnyInstantIsSeenAsEndOfFileAndItsAnswersAreWhole) {
  const Pattern pattern(500);
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    Worker worker = start_worker({.down_bytes = 2 * kPage, .up_bytes = 4 * kPage}, echo);
    const uint64_t answers_before_kill = random() % 200;
    Buffer buffer;
    uint64_t pushed = 0, taken = 0;
    bool alive = true;
    while (alive) {  // an event loop: feed, take, wait
      while (worker.channel.push(pattern.kind(pushed), pattern.payload(pushed)).value()) ++pushed;
      while (const auto kind = worker.channel.take(buffer, kAnySize).value()) {
        ASSERT_TRUE(pattern.matches(taken, *kind, buffer)) << taken;
        ++taken;
      }
      if (taken >= answers_before_kill) worker.process.kill();
      wait_readable(worker.channel);
      alive = worker.channel.drain_wakeups().value();
    }
    taken += take_all_until_gone(worker.channel, pattern, taken);
    EXPECT_LE(taken, pushed);
    EXPECT_GE(taken, answers_before_kill);
    ASSERT_TRUE(was_killed(worker.process.wait()));
    while (worker.channel.push(1, pattern.payload(1)).value()) {  // a dead consumer's ring fills up and that is all
    }
  }
}

// Here the child is the supervisor.
TEST(RingProcess, WorkerFinishesWhatWasSentAndThenSeesTheSupervisorsDeath) {
  const Pattern pattern(1000);
  Lane lane = Lane::create({}, 0, 1).value();
  SocketPair sockets = make_socket_pair().value();
  Child supervisor([&] {
    sockets.worker.reset();
    SupervisorChannel channel(reopen(lane), std::move(sockets.supervisor));
    for (uint64_t n = 0; n < 30; ++n)
      if (!channel.push(pattern.kind(n), pattern.payload(n)).value()) return 1;
    ::raise(SIGKILL);
    return 2;
  });
  sockets.supervisor.reset();
  WorkerChannel worker(std::move(lane), std::move(sockets.worker));
  for (uint64_t n = 0; n < 30; ++n) {
    const auto record = worker.wait_record();
    ASSERT_TRUE(record && pattern.matches(n, record->kind, record->payload)) << n;
    ASSERT_TRUE(worker.pop());
  }
  const auto end = worker.wait_record();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::kInterrupted);
  EXPECT_TRUE(was_killed(supervisor.wait()));
}

// A compromised worker that writes noise over everything it can reach, while the supervisor works: until a lie is
// noticed each record taken is some bytes in a private buffer; it never crashes, blocks or reads outside the ring.
TEST(RingProcess, AScribblingWorkerIsHarmlessAndDetected) {
  int detected = 0;
  for (uint64_t round = 0; round < 50; ++round) {
    Worker worker = start_process({.down_bytes = kPage, .up_bytes = kPage}, [&](Lane lane, Fd socket) {
      constexpr size_t kLaneBytes = 3 * kPage;
      auto* words = static_cast<volatile uint64_t*>(
          ::mmap(nullptr, kLaneBytes, PROT_READ | PROT_WRITE, MAP_SHARED, lane.fd(), 0));
      std::mt19937_64 random(round);
      while (::send(socket.get(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || errno == EAGAIN) {
        const uint64_t at = random() % (kLaneBytes / sizeof(uint64_t));
        words[at] = random() % 4 == 0 ? random() : random() % 128 * 64;
        words[offsetof(LaneControl, up) / sizeof(uint64_t)] = random() % 80 * 64;       // up.head
        words[offsetof(LaneControl, down) / sizeof(uint64_t) + 8] = random() % 3 * 64;  // down.tail
      }
      return 0;
    });
    Buffer buffer;
    const Buffer chunk(1000);
    for (int tries = 0; tries < 5000; ++tries) {
      wait_readable(worker.channel);
      const auto alive = worker.channel.drain_wakeups();
      ASSERT_TRUE(alive && *alive);
      const auto kind = worker.channel.take(buffer, kAnySize);
      const auto pushed = worker.channel.push(1, chunk);
      EXPECT_TRUE(kind || kind.error().code == Errc::kProtocol);
      EXPECT_TRUE(pushed || pushed.error().code == Errc::kProtocol);
      if (!kind || !pushed) {
        ++detected;
        break;
      }
      ASSERT_LE(buffer.size(), kPage - sizeof(RecordHeader));
    }
  }
  EXPECT_GT(detected, 0);
}

}  // namespace
}  // namespace pairloom::shm
