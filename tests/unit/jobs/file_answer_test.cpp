#include "jobs/file_answer.h"

#include <gtest/gtest.h>

namespace pairloom::jobs {
namespace {

std::vector<std::byte> body_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(FileAnswer, ComesBackAsItWasSent) {
  for (const FileAnswer& sent : {FileAnswer{Outcome::kIndexed, "", body_of("the body")},
                                 FileAnswer{Outcome::kIndexed, "a warning", {}},
                                 FileAnswer{Outcome::kCorrupt, "no end of image", {}}, FileAnswer{Outcome::kNotImage, "", {}}}) {
    const auto got = decode_file_answer(encode(sent));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_EQ(got->outcome, sent.outcome);
    EXPECT_EQ(got->message, sent.message);
    EXPECT_EQ(got->body, sent.body);
  }
}

TEST(FileAnswer, LongMessagesAreCutByTheSender) {
  EXPECT_EQ(decode_file_answer(encode({Outcome::kCorrupt, std::string(10'000, 'x'), {}}))->message.size(), 500u);
}

TEST(FileAnswer, LiesAreRefused) {
  const auto honest = encode({Outcome::kIndexed, "warning", body_of("body")});
  const auto refused = [](std::vector<std::byte> bytes) {
    const auto got = decode_file_answer(bytes);
    return !got && got.error().code == Errc::kProtocol;
  };
  for (size_t n = 0; n < 8; ++n) EXPECT_TRUE(refused({honest.begin(), honest.begin() + static_cast<ptrdiff_t>(n)})) << n;
  auto bytes = honest;
  bytes[0] = std::byte{kOutcomeCount};
  EXPECT_TRUE(refused(bytes)) << "no such outcome";
  bytes = honest;
  bytes[5] = std::byte{1};  // a message of 256 + 7 bytes
  EXPECT_TRUE(refused(bytes)) << "message beyond the end";
  bytes = honest;
  bytes[0] = static_cast<std::byte>(Outcome::kCorrupt);
  EXPECT_TRUE(refused(bytes)) << "a body beside a failure";
}

}  // namespace
}  // namespace pairloom::jobs
