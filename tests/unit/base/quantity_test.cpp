#include "base/quantity.h"

#include <gtest/gtest.h>

namespace pairloom {
namespace {

TEST(Quantity, SizesTakeDecimalAndBinaryUnits) {
  EXPECT_EQ(parse_size("0").value(), 0u);
  EXPECT_EQ(parse_size("500000").value(), 500'000u);
  EXPECT_EQ(parse_size("64M").value(), 64'000'000u);
  EXPECT_EQ(parse_size("1.5G").value(), 1'500'000'000u);
  EXPECT_EQ(parse_size("2Gi").value(), 2ull << 30);
  EXPECT_EQ(parse_size("2GiB").value(), 2ull << 30);
  EXPECT_EQ(parse_size("3kb").value(), 3000u);
}

TEST(Quantity, WrongSizesAreRejected) {
  for (const char* text : {"", "M", "-1", "1X", "1MM", "nan", "inf", "1e300", "1 M", "12Q"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Quantity, TimesTakeUnits) {
  EXPECT_DOUBLE_EQ(parse_seconds("0").value(), 0);
  EXPECT_DOUBLE_EQ(parse_seconds("2").value(), 2);
  EXPECT_DOUBLE_EQ(parse_seconds("500ms").value(), 0.5);
  EXPECT_DOUBLE_EQ(parse_seconds("2s").value(), 2);
  EXPECT_DOUBLE_EQ(parse_seconds("5min").value(), 300);
  EXPECT_DOUBLE_EQ(parse_seconds("1.5H").value(), 5400);
  EXPECT_DOUBLE_EQ(parse_seconds("1d").value(), 86400);
}

TEST(Quantity, WrongTimesAreRejected) {
  for (const char* text : {"", "s", "-1s", "2 weeks", "1x", "1 h", "nan", "inf", "1e300"})
    EXPECT_FALSE(parse_seconds(text)) << text;
}

}  // namespace
}  // namespace pairloom
