#include "daemon/control_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

bool can_connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

TEST(ControlSocket, ListensWithItsModeAndIsRemovedInTheEnd) {
  const test::TempDir dir;
  const std::string path = dir / "s";
  {
    const auto socket = ControlSocket::listen(path, std::to_string(::getegid()));
    ASSERT_TRUE(socket) << socket.error().message;
    struct stat about {};
    ASSERT_EQ(::lstat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0660u);
    EXPECT_EQ(socket->group(), ::getegid());
    EXPECT_TRUE(can_connect(path));
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST(ControlSocket, ALivingOneIsNotTakenAwayAndADeadOneIsReplaced) {
  const test::TempDir dir;
  const std::string path = dir / "s";
  {
    const auto first = ControlSocket::listen(path, "");
    ASSERT_TRUE(first);
    const auto second = ControlSocket::listen(path, "");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kRefused);
    EXPECT_TRUE(can_connect(path));
  }
  {  // as a daemon that was killed leaves it
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  EXPECT_TRUE(ControlSocket::listen(path, ""));
}

TEST(ControlSocket, WhatIsNoSocketStays) {
  const test::TempDir dir;
  const std::string path = dir.write("s", "precious");
  EXPECT_EQ(ControlSocket::listen(path, "").error().code, Errc::kRefused);
  EXPECT_EQ(::access(path.c_str(), F_OK), 0);
}

TEST(ControlSocket, ErrorsNameWhatIsWrong) {
  const test::TempDir dir;
  EXPECT_NE(ControlSocket::listen(dir / "s", "no-such-group-here").error().message.find("no-such-group-here"),
            std::string::npos);
  EXPECT_EQ(ControlSocket::listen(dir / std::string(200, 'x'), "").error().code, Errc::kInvalidArgument);
  EXPECT_FALSE(ControlSocket::listen(dir / "missing/s", ""));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), std::filesystem::directory_iterator()), 0);
}

TEST(ControlSocket, NothingIsInheritedUnlessItIsMeantForThisProcess) {
  ::setenv("LISTEN_PID", "1", 1);
  ::setenv("LISTEN_FDS", "1", 1);
  const auto inherited = ControlSocket::inherited();
  ASSERT_TRUE(inherited);
  EXPECT_FALSE(inherited->has_value());
  EXPECT_EQ(::getenv("LISTEN_FDS"), nullptr);
}

}  // namespace
}  // namespace pairloom::daemon
