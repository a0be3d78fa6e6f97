#include "base/algorithm.h"

#include <gtest/gtest.h>

namespace pairloom {
namespace {

TEST(Algorithm, TableIsIndexedByTheStoredNumber) {
  for (const AlgorithmInfo& a : algorithms()) {
    EXPECT_EQ(&info(a.id), &a);
    EXPECT_EQ(algorithm_from_number(static_cast<uint8_t>(a.id)), a.id);
    EXPECT_EQ(algorithm_from_name(a.name).value(), a.id);
    EXPECT_TRUE(a.bits == 64 || a.bits == 256);
    EXPECT_LT(a.same, a.similar);
    EXPECT_LT(a.similar, a.related);
  }
  EXPECT_FALSE(algorithm_from_number(0));
  EXPECT_FALSE(algorithm_from_number(static_cast<uint8_t>(algorithms().size() + 1)));
}

TEST(Algorithm, SetsAreReadFromNames) {
  EXPECT_EQ(algorithm_set_from_names("pdq").value(), set_of(Algorithm::kPdq));
  EXPECT_EQ(algorithm_set_from_names("dhash,pdq,dhash").value(), set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash));
  for (const char* bad : {"", "pdq,", "PDQ", "pdq, dhash"}) {
    const auto set = algorithm_set_from_names(bad);
    ASSERT_FALSE(set) << bad;
    EXPECT_NE(set.error().message.find("phash256"), std::string::npos) << "the message lists what is known";
  }
}

TEST(Code, HexHasTheMostSignificantWordFirst) {
  Code code;
  code.words = {0x0123456789abcdef, 0, 0, 0xf000000000000000};
  EXPECT_EQ(to_hex(code, 64), "0123456789abcdef");
  EXPECT_EQ(to_hex(code, 256), "f000000000000000000000000000000000000000000000000123456789abcdef");
}

TEST(Code, HexRoundTrips) {
  Code code;
  code.words = {1, 0x8000000000000000, 0xfedcba9876543210, 0x00ff00ff00ff00ff};
  EXPECT_EQ(code_from_hex(to_hex(code, 256), 256).value(), code);
  EXPECT_FALSE(code_from_hex("12", 64));
  EXPECT_FALSE(code_from_hex("g123456789abcdef", 64));
}

TEST(Code, DistanceCountsDifferingBits) {
  Code a, b;
  EXPECT_EQ(hamming_distance(a, b), 0);
  b.words = {1, 3, 7, 0xffffffffffffffff};
  EXPECT_EQ(hamming_distance(a, b), 1 + 2 + 3 + 64);
}

}  // namespace
}  // namespace pairloom
