#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace pairloom {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Fd, ClosesWhatItOwnsOnce) {
  int raw = -1;
  {
    Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    raw = fd.get();
    Fd moved = std::move(fd);
    EXPECT_EQ(moved.get(), raw);
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(ReadUpTo, GoesOnAfterShortReads) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd reader(ends[0]), writer(ends[1]);
  std::thread producer([&] {
    for (char c = 'a'; c <= 'e'; ++c) ASSERT_TRUE(write_all(writer.get(), &c, 1, "pipe"));
    writer.reset();
  });
  char buffer[16];
  const auto got = read_up_to(reader.get(), buffer, sizeof buffer, "pipe");
  producer.join();
  ASSERT_TRUE(got);
  EXPECT_EQ(std::string(buffer, *got), "abcde");
}

TEST(ReadUpTo, SaysWhatCouldNotBeRead) {
  char byte;
  const auto got = read_up_to(-1, &byte, 1, "'/some/file'");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::kIo);
  EXPECT_NE(got.error().message.find("'/some/file'"), std::string::npos);
}

}  // namespace
}  // namespace pairloom
