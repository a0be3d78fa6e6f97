#include "control/message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace pairloom::control {
namespace {

TEST(ControlMessage, ArrivesWithItsDescriptor) {
  auto sockets = make_message_sockets();
  ASSERT_TRUE(sockets);
  const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(send_message(sockets->control.get(), MessageKind::kRequest, 7, "{}", file.get()).value());
  Message message;
  EXPECT_EQ(receive_message(sockets->supervisor.get(), message).value(), Received::kMessage);
  EXPECT_EQ(message.kind, MessageKind::kRequest);
  EXPECT_EQ(message.request, 7u);
  EXPECT_EQ(message.payload, "{}");
  EXPECT_TRUE(message.descriptor);
  EXPECT_EQ(::fcntl(message.descriptor.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_EQ(receive_message(sockets->supervisor.get(), message).value(), Received::kNothing);
  EXPECT_FALSE(message.descriptor);
}

TEST(ControlMessage, TheLongestPayloadFitsAndNoLongerOneIsSent) {
  auto sockets = make_message_sockets();
  const std::string longest(kMaxPayloadBytes, 'x');
  ASSERT_TRUE(send_message(sockets->control.get(), MessageKind::kPart, 1, longest).value());
  Message message;
  ASSERT_TRUE(receive_message(sockets->supervisor.get(), message));
  EXPECT_EQ(message.payload, longest);
  EXPECT_FALSE(send_message(sockets->control.get(), MessageKind::kPart, 1, longest + "x"));
}

TEST(ControlMessage, AFullSocketIsSaidNotWaitedFor) {
  auto sockets = make_message_sockets();
  const std::string payload(kMaxPayloadBytes, 'x');
  int sent = 0;
  while (send_message(sockets->control.get(), MessageKind::kPart, 1, payload).value()) ++sent;
  EXPECT_GT(sent, 0);
  Message message;
  for (int i = 0; i < sent; ++i) EXPECT_EQ(receive_message(sockets->supervisor.get(), message).value(), Received::kMessage);
  EXPECT_TRUE(send_message(sockets->control.get(), MessageKind::kPart, 1, payload).value());
}

TEST(ControlMessage, APeerThatIsGoneIsAnError) {
  auto sockets = make_message_sockets();
  sockets->control.reset();
  Message message;
  EXPECT_EQ(receive_message(sockets->supervisor.get(), message).error().code, Errc::kInterrupted);
  EXPECT_EQ(send_message(sockets->supervisor.get(), MessageKind::kEnd, 1, "").error().code, Errc::kInterrupted);
}

TEST(ControlMessage, WhatIsNoMessageIsRefused) {
  struct Case {
    const char* what;
    std::string bytes;
  };
  const auto header = [](uint32_t kind, uint32_t reserved) {
    const MessageHeader fields{kind, reserved, 1};
    std::string bytes(sizeof fields, '\0');
    std::memcpy(bytes.data(), &fields, sizeof fields);
    return bytes;
  };
  for (const Case& hostile : {Case{"too short", "abc"}, Case{"unknown kind", header(99, 0)}, Case{"kind 0", header(0, 0)},
                              Case{"reserved", header(2, 1)},
                              Case{"too long", header(2, 0) + std::string(kMaxPayloadBytes + 1, 'x')}}) {
    auto sockets = make_message_sockets();
    ASSERT_GT(::send(sockets->control.get(), hostile.bytes.data(), hostile.bytes.size(), 0), 0);
    Message message;
    const auto received = receive_message(sockets->supervisor.get(), message);
    ASSERT_FALSE(received) << hostile.what;
    EXPECT_EQ(received.error().code, Errc::kProtocol) << hostile.what;
  }
}

TEST(ControlMessage, DescriptorsBeyondOneAreClosedAndRefused) {
  auto sockets = make_message_sockets();
  const Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  MessageHeader header{2, 0, 1};
  iovec data{&header, sizeof header};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(3 * sizeof(int))> room{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  cmsghdr* attached = CMSG_FIRSTHDR(&message);
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(3 * sizeof(int));
  const int three[3] = {file.get(), file.get(), file.get()};
  std::memcpy(CMSG_DATA(attached), three, sizeof three);
  ASSERT_GT(::sendmsg(sockets->control.get(), &message, 0), 0);
  const Fd before(::dup(file.get()));
  Message received;
  EXPECT_EQ(receive_message(sockets->supervisor.get(), received).error().code, Errc::kProtocol);
  const Fd after(::dup(file.get()));
  EXPECT_EQ(after.get(), before.get() + 1);  // none was left open in between
}

}  // namespace
}  // namespace pairloom::control
