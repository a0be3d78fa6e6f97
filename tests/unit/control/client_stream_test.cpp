#include "control/client_stream.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace pairloom::control {
namespace {

struct Talk {
  Talk() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    client = Fd(ends[0]);
    server = Fd(ends[1]);
  }
  void say(const std::string& text) const { ASSERT_EQ(::send(client.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size())); }
  Fd client, server;
};

TEST(ClientStream, PassesOnHeadAndBodyUnchanged) {
  Talk talk;
  const std::string request = "POST / HTTP/1.1\r\nA: b\r\n\r\nbody";
  talk.say(request);
  ClientStream stream(std::move(talk.server), {});
  ASSERT_TRUE(stream.read_head());
  std::string got(request.size(), '\0');
  for (char& c : got) ASSERT_EQ(stream.read(&c, 1), 1);
  EXPECT_EQ(got, request);
  talk.client.reset();
  char more;
  EXPECT_LE(stream.read(&more, 1), 0);
}

TEST(ClientStream, AHeadThatDoesNotComeWholeInTimeEndsIt) {
  Talk talk;
  talk.say("GET / HTTP/1.1\r\nA: b\r\n");
  ClientStream stream(std::move(talk.server), {.head_ms = 30});
  const auto head = stream.read_head();
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code, Errc::kInterrupted);
}

TEST(ClientStream, ABodyThatDoesNotComeInTimeEndsIt) {
  Talk talk;
  talk.say("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
  ClientStream stream(std::move(talk.server), {.body_ms = 30});
  ASSERT_TRUE(stream.read_head());
  std::string text(100, '\0');
  EXPECT_GT(stream.read(text.data(), text.size()), 0);
  EXPECT_LE(stream.read(text.data(), text.size()), 0);
}

TEST(ClientStream, AnAnswerThatIsNotTakenEndsIt) {
  Talk talk;
  talk.say("GET / HTTP/1.1\r\n\r\n");
  ClientStream stream(std::move(talk.server), {.write_ms = 30});
  ASSERT_TRUE(stream.read_head());
  const std::string much(1 << 20, 'x');
  ssize_t sent = 0;
  while ((sent = stream.write(much.data(), much.size())) > 0) {
  }
  EXPECT_LT(sent, 0);
  EXPECT_FALSE(stream.is_writable());
}

TEST(ClientStream, HeadsThatAreTooMuchAreRefused) {
  std::string many = "GET / HTTP/1.1\r\n";
  for (int i = 0; i < 65; ++i) many += "A: b\r\n";
  for (const std::string& head :
       {std::string(20'000, 'x'), many + "\r\n", std::string("GET / HTTP/1.1\r\nRange: bytes=0-1\r\n\r\n"),
        std::string("GET / HTTP/1.1\r\ncontent-encoding: gzip\r\n\r\n"), std::string("GET / \x01\r\n\r\n")}) {
    Talk talk;
    talk.say(head);
    ClientStream stream(std::move(talk.server), {.head_ms = 1000});
    const auto read = stream.read_head();
    ASSERT_FALSE(read) << head.substr(0, 60);
    EXPECT_NE(read.error().code, Errc::kInterrupted) << head.substr(0, 60);
  }
}

TEST(ClientStream, KnowsAClientThatLeft) {
  Talk talk;
  talk.say("GET / HTTP/1.1\r\n\r\n");
  ClientStream stream(std::move(talk.server), {});
  ASSERT_TRUE(stream.read_head());
  EXPECT_FALSE(stream.client_left());
  ::shutdown(talk.client.get(), SHUT_WR);  // it has asked all it wants to, and listens
  EXPECT_FALSE(stream.client_left());
  talk.client.reset();
  EXPECT_TRUE(stream.client_left());
}

}  // namespace
}  // namespace pairloom::control
