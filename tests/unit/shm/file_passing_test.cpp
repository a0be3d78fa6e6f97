// Files on their way from the opener to the worker.
#include "shm/file_passing.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <string>
#include <thread>

namespace pairloom::shm {
namespace {

Fd file_of(const std::string& text) {
  Fd fd(::memfd_create("test", MFD_CLOEXEC));
  EXPECT_TRUE(write_all(fd.get(), text.data(), text.size(), "memfd"));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

std::string content_of(const Fd& fd) {
  std::string text(100, '\0');
  text.resize(read_up_to(fd.get(), text.data(), text.size(), "memfd").value());
  return text;
}

TEST(FilePassing, FilesAndErrorsArriveInOrderWithTheirTasks) {
  auto sockets = make_file_sockets().value();
  FileSender sender(std::move(sockets.opener));
  FileReceiver receiver(std::move(sockets.worker));
  sender.add({7, file_of("seven"), 0});
  sender.add({8, Fd(), ENOENT});
  const StatIdentity identity{1, 2, 4, -5, 6};
  sender.add({9, file_of("nine"), 0, identity, true});
  EXPECT_EQ(sender.count(), 3u);
  ASSERT_TRUE(sender.send());
  EXPECT_EQ(sender.count(), 0u);
  EXPECT_EQ(content_of(receiver.take(7).value().fd), "seven");
  const auto missing = receiver.take(8);
  ASSERT_TRUE(missing);
  EXPECT_FALSE(missing->fd);
  EXPECT_EQ(missing->error, ENOENT);
  const auto nine = receiver.take(9).value();
  EXPECT_EQ(content_of(nine.fd), "nine");
  EXPECT_EQ(nine.identity, identity);
  EXPECT_TRUE(nine.drop_behind);
  EXPECT_NE(::fcntl(nine.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(FilePassing, TheSenderSleepsWhenSomeDozensWait) {
  auto sockets = make_file_sockets().value();
  FileReceiver receiver(std::move(sockets.worker));
  constexpr uint64_t kFiles = 2000;
  std::atomic<uint64_t> sent = 0;
  std::jthread opener([&sent, socket = std::move(sockets.opener)]() mutable {
    FileSender sender(std::move(socket));
    for (uint64_t i = 0; i < kFiles; ++i) {
      sender.add({i, file_of(std::to_string(i)), 0});
      if (sender.count() < kFilesAtOnce && i + 1 < kFiles) continue;
      ASSERT_TRUE(sender.send());
      sent = i + 1;
    }
  });
  for (uint64_t i = 0; i < kFiles; ++i) {
    const auto file = receiver.take(i);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(content_of(file->fd), std::to_string(i));
    EXPECT_LE(sent, i + 10 * kFilesAtOnce) << "far ahead of the worker";
  }
}

TEST(FilePassing, AnotherTasksFileIsAProtocolError) {
  auto sockets = make_file_sockets().value();
  FileSender sender(std::move(sockets.opener));
  FileReceiver receiver(std::move(sockets.worker));
  sender.add({1, file_of("x"), 0});
  ASSERT_TRUE(sender.send());
  EXPECT_EQ(receiver.take(2).error().code, Errc::kProtocol);
}

TEST(FilePassing, AnOpenerThatIsGoneIsSaidAfterWhatItHadSent) {
  auto sockets = make_file_sockets().value();
  FileReceiver receiver(std::move(sockets.worker));
  {
    FileSender sender(std::move(sockets.opener));
    sender.add({1, file_of("last"), 0});
    ASSERT_TRUE(sender.send());
  }
  EXPECT_EQ(content_of(receiver.take(1).value().fd), "last");
  EXPECT_EQ(receiver.take(2).error().code, Errc::kInterrupted);
}

TEST(FilePassing, AWorkerThatIsGoneNeedsNoFiles) {
  auto sockets = make_file_sockets().value();
  FileSender sender(std::move(sockets.opener));
  sockets.worker.reset();
  sender.add({1, file_of("x"), 0});
  EXPECT_TRUE(sender.send());
  EXPECT_EQ(sender.count(), 0u);
}

}  // namespace
}  // namespace pairloom::shm
