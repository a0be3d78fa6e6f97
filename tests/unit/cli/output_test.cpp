#include "cli/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <csignal>

#include "base/fd.h"

namespace pairloom::cli {
namespace {

TEST(Output, AFullDiskIsAnError) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(full);
  Output out(full.get());
  out.write("result\n");
  const auto done = out.finish();
  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("No space left"), std::string::npos);
  EXPECT_FALSE(out.usable());
  EXPECT_FALSE(out.reader_gone());
}

TEST(Output, AReaderThatWentAwayIsNotAnError) {
  std::signal(SIGPIPE, SIG_IGN);
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  read_end.reset();
  Output out(write_end.get());
  out.write(std::string(100'000, 'x'));
  EXPECT_FALSE(out.usable());
  EXPECT_TRUE(out.reader_gone());
  EXPECT_TRUE(out.finish());
}

TEST(Output, BytesArriveInOrder) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd read_end(ends[0]), write_end(ends[1]);
  {
    Output out(write_end.get());
    out.write("one\n");
    out.write(std::string("t\0o\n", 4));
    EXPECT_TRUE(out.finish());
  }
  write_end.reset();
  std::string got(100, '\0');
  got.resize(read_up_to(read_end.get(), got.data(), got.size(), "pipe").value());
  EXPECT_EQ(got, std::string("one\nt\0o\n", 8));
}

}  // namespace
}  // namespace pairloom::cli
