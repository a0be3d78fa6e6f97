#include "cli/daemon_client.h"

#include <gtest/gtest.h>

namespace pairloom::cli {
namespace {

// In pieces of every size: what comes out must not depend on it.
std::string body_of(const std::string& response, size_t piece, bool& complete) {
  ResponseReader reader;
  std::string body;
  for (size_t at = 0; at < response.size(); at += piece)
    if (!reader.feed(std::string_view(response).substr(at, piece), body)) return "malformed";
  reader.end_of_input();
  complete = reader.complete();
  return body;
}

TEST(ResponseReader, ReadsBodiesOfEveryKindInPiecesOfEverySize) {
  for (const char* response : {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                               "HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
                               "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello",
                               "HTTP/1.0 200 OK\n\nhello"})
    for (size_t piece = 1; piece < 30; ++piece) {
      bool complete = false;
      EXPECT_EQ(body_of(response, piece, complete), "hello") << response;
      EXPECT_TRUE(complete) << response;
    }
}

TEST(ResponseReader, ACutOffBodyIsNotComplete) {
  for (const char* response : {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
                               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    bool complete = true;
    body_of(response, 7, complete);
    EXPECT_FALSE(complete) << response;
  }
}

TEST(ResponseReader, WhatIsNoHttpIsRefused) {
  for (const std::string& response :
       {std::string("SSH-2.0-OpenSSH\r\n"), std::string("HTTP/1.1 abc\r\n"), std::string(70'000, 'x'),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n")}) {
    bool complete = false;
    EXPECT_EQ(body_of(response, 1000, complete), "malformed") << response.substr(0, 60);
  }
}

TEST(DaemonClient, ASocketThatIsNotThereIsSaid) {
  const auto answer = DaemonClient("/nowhere/control.sock").ask({"GET", "/v1/status"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kIndexLocked);
  EXPECT_NE(answer.error().message.find("/nowhere/control.sock"), std::string::npos);
}

}  // namespace
}  // namespace pairloom::cli
