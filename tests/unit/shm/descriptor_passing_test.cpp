#include "shm/descriptor_passing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/unit/shm/lane_parts.h"

namespace pairloom::shm {
namespace {

using test::bytes_of;
using test::ChannelEnds;
using test::expect_error;

constexpr uint64_t kPage = 4096;

// An open file of its own, told from others by what is in it.
Fd file_saying(const std::string& text) {
  Fd file(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  return file;
}
std::string text_in(const Fd& file) {
  char text[64];
  const ssize_t got = ::pread(file.get(), text, sizeof text, 0);
  return got < 0 ? "unreadable" : std::string(text, static_cast<size_t>(got));
}

ptrdiff_t open_descriptor_count() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

TEST(DescriptorPassing, ArrivesWithItsRecordInOrder) {
  ChannelEnds ends(kPage, kPage);
  {
    const Fd a = file_saying("a"), b = file_saying("b");
    const int both[] = {a.get(), b.get()};
    ASSERT_TRUE(ends.supervisor.push(2, bytes_of("set-up"), both).value());
  }  // the sender may close its own at once
  ASSERT_EQ(ends.worker.wait_record()->kind, 2u);
  EXPECT_EQ(text_in(ends.worker.take_descriptor().value()), "a");
  const Fd second = ends.worker.take_descriptor().value();
  EXPECT_EQ(text_in(second), "b");
  EXPECT_NE(::fcntl(second.get(), F_GETFD) & FD_CLOEXEC, 0);
}

// Wake-ups before, between and behind the messages: a sleeping worker reads them all, and must not let the kernel drop
// what comes along.
TEST(DescriptorPassing, SurvivesBeingReadAsAWakeUp) {
  ChannelEnds ends(kPage, kPage);
  const std::vector<Fd> files = [] {
    std::vector<Fd> all;
    for (int i = 0; i < 20; ++i) all.push_back(file_saying(std::to_string(i)));
    return all;
  }();
  std::jthread supervising([&] {
    for (const Fd& file : files) {
      const test::RawLane raw(ends.worker.lane());
      while (raw.control().down.consumer_waits == 0) std::this_thread::yield();  // it sleeps, or is about to
      ASSERT_EQ(::send(ends.supervisor.socket(), "stale", 5, 0), 5);
      const int one[] = {file.get()};
      ASSERT_TRUE(ends.supervisor.push(1, {}, one).value());
      ASSERT_EQ(::send(ends.supervisor.socket(), "stale", 5, 0), 5);
    }
  });
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(ends.worker.wait_record());
    ASSERT_TRUE(ends.worker.pop());
    if (i % 3 != 2) continue;  // some are left to pile up
    for (int j = i - 2; j <= i; ++j) EXPECT_EQ(text_in(ends.worker.take_descriptor().value()), std::to_string(j));
  }
}

TEST(DescriptorPassing, AsManyAsOneMessageHolds) {
  ChannelEnds ends(kPage, kPage);
  const Fd file = file_saying("x");
  const std::vector<int> many(kMaxDescriptorsAtOnce, file.get());
  ASSERT_TRUE(ends.supervisor.push(1, {}, many).value());
  for (size_t i = 0; i < many.size(); ++i) ASSERT_EQ(text_in(ends.worker.take_descriptor().value()), "x");
  const std::vector<int> too_many(kMaxDescriptorsAtOnce + 1, file.get());
  expect_error(ends.supervisor.push(1, {}, too_many), Errc::kInvalidArgument, "254 descriptors");
}

// A record that finds no room comes again later; its descriptors must not have gone ahead.
TEST(DescriptorPassing, NoneIsSentWithoutItsRecord) {
  ChannelEnds ends(kPage, kPage);
  const Fd first = file_saying("first"), second = file_saying("second");
  const int one[] = {first.get()}, two[] = {second.get()};
  ASSERT_TRUE(ends.supervisor.push(1, std::vector<std::byte>(kPage - 64)).value());
  EXPECT_FALSE(ends.supervisor.push(2, bytes_of("no room"), one).value());
  expect_error(ends.supervisor.push(2, std::vector<std::byte>(kPage), one), Errc::kInvalidArgument, "cannot fit");
  ASSERT_TRUE(ends.worker.wait_record());
  ASSERT_TRUE(ends.worker.pop());
  ASSERT_TRUE(ends.supervisor.push(3, {}, two).value());
  EXPECT_EQ(text_in(ends.worker.take_descriptor().value()), "second");
}

TEST(DescriptorPassing, FullSocketCountsAsAFullRing) {
  ChannelEnds ends(kPage, kPage);
  while (::send(ends.supervisor.socket(), "x", 1, MSG_DONTWAIT) > 0) {
  }
  const Fd file = file_saying("x");
  const int one[] = {file.get()};
  const test::RawLane raw(ends.worker.lane());
  EXPECT_FALSE(ends.supervisor.push(1, {}, one).value());
  EXPECT_EQ(raw.control().down.producer_waits, 1u);  // and will be told of the next pop
  EXPECT_EQ(raw.control().down.head, 0u);
}

TEST(DescriptorPassing, WhatIsNotOpenIsAnError) {
  ChannelEnds ends(kPage, kPage);
  const int closed[] = {-1};
  expect_error(ends.supervisor.push(1, {}, closed), Errc::kIo, "cannot pass descriptors");
}

TEST(DescriptorPassing, WaitingForOneEndsWithTheSupervisor) {
  ChannelEnds ends(kPage, kPage);
  const Fd file = file_saying("x");
  const int one[] = {file.get()};
  ASSERT_TRUE(ends.supervisor.push(1, {}, one).value());
  { const SupervisorChannel gone = std::move(ends.supervisor); }
  EXPECT_EQ(text_in(ends.worker.take_descriptor().value()), "x");  // what was sent before is still there
  expect_error(ends.worker.take_descriptor(), Errc::kInterrupted, "supervisor is gone");
}

TEST(DescriptorPassing, UntakenOnesAreClosedWithTheChannel) {
  const ptrdiff_t before = open_descriptor_count();
  {
    ChannelEnds ends(kPage, kPage);
    const Fd file = file_saying("x");
    const std::vector<int> three(3, file.get());
    ASSERT_TRUE(ends.supervisor.push(1, {}, three).value());
    ASSERT_TRUE(ends.worker.take_descriptor());
  }
  EXPECT_EQ(open_descriptor_count(), before);
}

TEST(DescriptorPassing, WhatAWorkerSendsIsDroppedByTheSupervisor) {
  SocketPair sockets = make_socket_pair().value();
  SupervisorChannel supervisor(test::make_lane(kPage, kPage), std::move(sockets.supervisor));
  const Fd file = file_saying("x");
  const std::vector<int> many(100, file.get());
  const ptrdiff_t before = open_descriptor_count();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(send_descriptors(sockets.worker, many).value());
  EXPECT_TRUE(supervisor.drain_wakeups().value());
  EXPECT_EQ(open_descriptor_count(), before);
}

TEST(DescriptorPassing, LostOnesAreReported) {
  ChannelEnds ends(kPage, kPage);
  const Fd file = file_saying("x");
  const std::vector<int> many(100, file.get());
  ASSERT_TRUE(ends.supervisor.push(1, {}, many).value());
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit tight{static_cast<rlim_t>(::dup(file.get()) + 10), limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  const auto taken = ends.worker.take_descriptor();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  expect_error(taken, Errc::kIo, "too many open files");
}

}  // namespace
}  // namespace pairloom::shm
