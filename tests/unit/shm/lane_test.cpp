#include "shm/lane.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>

#include "tests/unit/shm/lane_parts.h"

namespace pairloom::shm {
namespace {

using test::expect_error;
using test::RawLane;

constexpr uint64_t kPage = 4096;

LaneHeader header_of(const Lane& lane) {
  LaneHeader header;
  EXPECT_EQ(::pread(lane.fd(), &header, sizeof(header), 0), static_cast<ssize_t>(sizeof(header)));
  return header;
}

// A segment as a hostile or broken other side could pass it.
Fd forged_lane(const LaneHeader& header, uint64_t file_bytes, int seals = F_SEAL_SHRINK) {
  Fd fd(::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_EQ(::pwrite(fd.get(), &header, sizeof(header), 0), static_cast<ssize_t>(sizeof(header)));
  EXPECT_EQ(::ftruncate(fd.get(), static_cast<off_t>(file_bytes)), 0);
  EXPECT_EQ(::fcntl(fd.get(), F_ADD_SEALS, seals), 0);
  return fd;
}

TEST(Lane, MagicSpellsItsName) {
  char text[8];
  std::memcpy(text, &kLaneMagic, sizeof(text));
  EXPECT_EQ(std::string(text, 8), std::string("PLLANE\0\0", 8));
}

TEST(Lane, OpenSeesWhatCreateMade) {
  const Lane made = test::make_lane(10, 2 * kPage + 1);
  const Lane opened = test::reopen(made);
  EXPECT_EQ(opened.slot(), 3u);
  EXPECT_EQ(opened.generation(), 17u);
  const LaneHeader header = header_of(made);
  EXPECT_EQ(header.magic, kLaneMagic);
  EXPECT_EQ(header.layout_version, kLaneLayoutVersion);
  EXPECT_EQ(header.down_offset, kPage);
  EXPECT_EQ(header.down_bytes, kPage);  // rounded up to whole pages
  EXPECT_EQ(header.up_offset, 2 * kPage);
  EXPECT_EQ(header.up_bytes, 3 * kPage);
  EXPECT_EQ(header.lane_bytes, 5 * kPage);
}

TEST(Lane, BothRingsConnectTheTwoSides) {
  Lane made = test::make_lane(kPage, kPage);
  Lane opened = test::reopen(made);
  auto down_producer = made.down_producer();
  auto down_consumer = opened.down_consumer();
  auto up_producer = opened.up_producer();
  auto up_consumer = made.up_consumer();
  ASSERT_TRUE(down_producer.push(1, test::bytes_of("down")).value());
  ASSERT_TRUE(up_producer.push(2, test::bytes_of("up")).value());
  EXPECT_EQ(test::text_of(down_consumer.front().value()->payload), "down");
  EXPECT_EQ(test::text_of(up_consumer.front().value()->payload), "up");
}

TEST(Lane, WorkerStateIsShared) {
  Lane made = test::make_lane(kPage, kPage);
  Lane opened = test::reopen(made);
  EXPECT_EQ(made.worker_state().current_task, 0u);
  opened.worker_state().current_task = 42;
  opened.worker_state().stage_ns[static_cast<size_t>(Stage::kIdle)] = 7;
  EXPECT_EQ(made.worker_state().current_task, 42u);
  EXPECT_EQ(made.worker_state().stage_ns[6], 7u);
}

TEST(Lane, MoveKeepsRingsValid) {
  Lane made = test::make_lane(kPage, kPage);
  auto producer = made.down_producer();
  Lane moved = std::move(made);
  auto consumer = moved.down_consumer();
  ASSERT_TRUE(producer.push(5, test::bytes_of("still here")).value());
  EXPECT_EQ(consumer.front().value()->kind, 5u);
}

TEST(Lane, DescriptorIsCloseOnExec) {
  const Lane lane = test::make_lane(kPage, kPage);
  EXPECT_NE(::fcntl(lane.fd(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Lane, WorkerCannotResizeItOrTakeTheSealsOff) {
  const Lane lane = test::make_lane(kPage, kPage);
  EXPECT_EQ(::ftruncate(lane.fd(), 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(lane.fd(), 1 << 20), -1);
  EXPECT_EQ(::fcntl(lane.fd(), F_ADD_SEALS, F_SEAL_WRITE), -1);
}

TEST(Lane, IsNeitherInheritedByForkNorDumped) {
  const Lane lane = test::make_lane(kPage, kPage);
  std::ifstream maps("/proc/self/smaps");
  int regions = 0, flagged = 0;
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.find('-') != std::string::npos && line.find(':') != std::string::npos &&
        line.find("kB") == std::string::npos && !line.starts_with("VmFlags"))
      inside = line.find("memfd:pairloom-lane-3") != std::string::npos;
    if (inside && line.starts_with("VmFlags")) {
      ++regions;
      flagged += line.find(" dc") != std::string::npos && line.find(" dd") != std::string::npos;
    }
  }
  EXPECT_GE(regions, 3);
  EXPECT_EQ(flagged, regions);
}

TEST(Lane, CreateRefusesImpossibleSizes) {
  expect_error(Lane::create({.down_bytes = 0, .up_bytes = 1}, 0, 0), Errc::kInvalidArgument, "not between");
  expect_error(Lane::create({.down_bytes = 1, .up_bytes = kMaxRingBytes + 1}, 0, 0), Errc::kInvalidArgument,
               "not between");
  expect_error(Lane::create({.down_bytes = UINT64_MAX, .up_bytes = 1}, 0, 0), Errc::kInvalidArgument, "not between");
}

// In a process of its own, as the limits would outlive the test: memory that cannot be had is an error now, no SIGBUS
// later.
TEST(Lane, CreateReportsMemoryThatCannotBeHad) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4 * kPage, 4 * kPage};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const auto lane = Lane::create({.down_bytes = 4 * kPage, .up_bytes = 4 * kPage}, 0, 0);
    ::_exit(!lane && lane.error().code == Errc::kIo ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Lane, OpenDetectsEveryForgedHeaderField) {
  const LaneHeader good = header_of(test::make_lane(2 * kPage, 3 * kPage));
  ASSERT_TRUE(Lane::open(forged_lane(good, good.lane_bytes)));
  struct Lie {
    const char* message;
    std::function<void(LaneHeader&)> tell;
  };
  const Lie lies[] = {
      {"magic", [](LaneHeader& h) { h.magic ^= 1; }},
      {"layout version", [](LaneHeader& h) { h.layout_version += 1; }},
      {"header of", [](LaneHeader& h) { h.header_bytes -= 8; }},
      {"reserved", [](LaneHeader& h) { h.reserved = 1; }},
      {"in a file of",
       [](LaneHeader& h) { h.up_bytes += kPage, h.lane_bytes += kPage; }},  // consistent, but beyond the file
      {"add up to", [](LaneHeader& h) { h.lane_bytes += kPage; }},
      {"add up to", [](LaneHeader& h) { h.lane_bytes = 0; }},
      {"add up to", [](LaneHeader& h) { h.up_bytes += kPage; }},
      {"down ring at", [](LaneHeader& h) { h.down_offset = 0; }},  // over the control page
      {"down ring at", [](LaneHeader& h) { h.down_offset += 64; }},
      {"down ring at", [](LaneHeader& h) { h.down_offset = UINT64_MAX - kPage + 1; }},
      {"up ring at", [](LaneHeader& h) { h.up_offset = h.down_offset; }},  // over the down ring
      {"up ring at", [](LaneHeader& h) { h.up_offset += 1; }},
      {"up ring at", [](LaneHeader& h) { h.down_bytes += kPage; }},
      {"whole pages", [](LaneHeader& h) { h.down_bytes = 0; }},
      {"whole pages", [](LaneHeader& h) { h.up_bytes = 0; }},
      {"whole pages", [](LaneHeader& h) { h.down_bytes -= 1; }},
      {"whole pages", [](LaneHeader& h) { h.up_bytes = UINT64_MAX - kPage + 1; }},
      {"whole pages", [](LaneHeader& h) { h.down_bytes = kMaxRingBytes + kPage; }},
  };
  for (const Lie& lie : lies) {
    SCOPED_TRACE(&lie - lies);
    LaneHeader header = good;
    lie.tell(header);
    expect_error(Lane::open(forged_lane(header, good.lane_bytes)), Errc::kProtocol, lie.message);
  }
}

TEST(Lane, OpenDetectsATruncatedFile) {
  const LaneHeader good = header_of(test::make_lane(2 * kPage, 3 * kPage));
  expect_error(Lane::open(forged_lane(good, 0)), Errc::kProtocol, "too short");
  expect_error(Lane::open(forged_lane(good, sizeof(LaneHeader) - 1)), Errc::kProtocol, "too short");
  expect_error(Lane::open(forged_lane(good, sizeof(LaneHeader))), Errc::kProtocol, "in a file of 72 bytes");
  expect_error(Lane::open(forged_lane(good, good.lane_bytes - 1)), Errc::kProtocol, "in a file of");
  expect_error(Lane::open(forged_lane(good, good.lane_bytes + kPage)), Errc::kProtocol, "in a file of");
}

TEST(Lane, OpenRefusesAFileThatCouldShrinkLater) {
  const LaneHeader good = header_of(test::make_lane(kPage, kPage));
  expect_error(Lane::open(forged_lane(good, good.lane_bytes, F_SEAL_GROW)), Errc::kProtocol, "not sealed");
}

TEST(Lane, OpenRefusesWhatIsNoLane) {
  expect_error(Lane::open(Fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC))), Errc::kProtocol, "not a memfd");
  expect_error(Lane::open(Fd()), Errc::kProtocol, "not a memfd");
}

TEST(LaneDeathTest, AnEndTakenTwiceAborts) {
  Lane lane = test::make_lane(kPage, kPage);
  (void)lane.down_producer();
  EXPECT_DEATH((void)lane.down_producer(), "taken once");
  (void)lane.up_consumer();
  EXPECT_DEATH((void)lane.up_consumer(), "taken once");
}

}  // namespace
}  // namespace pairloom::shm
