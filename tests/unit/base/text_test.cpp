#include "base/text.h"

#include <gtest/gtest.h>

namespace pairloom {
namespace {

using namespace std::string_literals;

TEST(Utf8, KnowsValidFromInvalid) {
  for (const std::string& good : {""s, "plain"s, "\xC3\xA9"s, "\xE2\x82\xAC"s, "\xF0\x9F\x98\x80"s})
    EXPECT_TRUE(is_valid_utf8(good));
  for (const std::string& bad :
       {"\x80"s, "\xC3"s, "\xC0\xAF"s, "\xE0\x80\x80"s, "\xED\xA0\x80"s, "\xF4\x90\x80\x80"s, "\xFF"s})
    EXPECT_FALSE(is_valid_utf8(bad));
}

TEST(EscapeForTerminal, LeavesPrintableTextAlone) {
  EXPECT_EQ(escape_for_terminal("Ferien \xC3\xA9t\xC3\xA9.jpg"), "Ferien \xC3\xA9t\xC3\xA9.jpg");
}

TEST(EscapeForTerminal, NeverLetsANameMoveTheCursor) {
  EXPECT_EQ(escape_for_terminal("a\nb\tc\r\x1b[2Jd\\e"), "a\\nb\\tc\\r\\x1b[2Jd\\\\e");
  EXPECT_EQ(escape_for_terminal("\xff\x7f"), "\\xff\\x7f");
  EXPECT_EQ(escape_for_terminal("\xC2\x9B"), "\\xc2\\x9b") << "C1 control (CSI)";
  EXPECT_EQ(escape_for_terminal("\xE2\x80\xAE"), "\\xe2\\x80\\xae") << "right-to-left override";
}

TEST(Base64, MatchesRfc4648) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foo"), "Zm9v");
  EXPECT_EQ(to_base64("\xff"s), "/w==");
}

TEST(HumanBytes, RoundsAsPeopleDo) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(17'700), "18 kB");
  EXPECT_EQ(human_bytes(999'999), "1.0 MB");
  EXPECT_EQ(human_bytes(3'120'044), "3.1 MB");
}

TEST(HumanSeconds, ChangesUnits) {
  EXPECT_EQ(human_seconds(1.14), "1.1 s");
  EXPECT_EQ(human_seconds(59.97), "1 min 00 s");
  EXPECT_EQ(human_seconds(200), "3 min 20 s");
  EXPECT_EQ(human_seconds(7500), "2 h 05 min");
}

}  // namespace
}  // namespace pairloom
