#include "workerproc/transform/npy.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace pairloom::workerproc {
namespace {

using Bytes = std::vector<std::byte>;

template <class Number>
Bytes npy(const std::string& header, const std::vector<Number>& numbers, char major = 1) {
  std::string text = "\x93NUMPY";
  text += {major, '\0'};
  const size_t length = header.size() + 1;
  text += {static_cast<char>(length & 255), static_cast<char>(length >> 8)};
  if (major > 1) text += {'\0', '\0'};
  text += header + "\n";
  const auto bytes = std::as_bytes(std::span(text));
  Bytes all(bytes.begin(), bytes.end());
  const auto data = std::as_bytes(std::span(numbers));
  all.insert(all.end(), data.begin(), data.end());
  return all;
}

const std::vector<float> kSix = {1, 2, 3, 4, 5, 6.5f};
const std::string kGood = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";

Errc error_of(const Bytes& file, uint64_t most = 1000) {
  const auto parsed = parse_npy(file, most);
  EXPECT_FALSE(parsed.has_value());
  return parsed ? Errc::kIo : parsed.error().code;
}

TEST(Npy, ReadsFloatsOfBothLengthsAndAllVersions) {
  for (const char version : {'\1', '\2', '\3'}) {
    const Bytes file = npy(kGood, kSix, version);
    const auto grid = parse_npy(file, 1000);
    ASSERT_TRUE(grid) << grid.error().message;
    EXPECT_EQ(grid->rows, 2u);
    EXPECT_EQ(grid->columns, 3u);
    EXPECT_EQ(grid->at(5), 6.5f);
  }
  const Bytes doubles =
      npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }", std::vector<double>{-0.25, 1e10});
  const auto grid = parse_npy(doubles, 1000);
  ASSERT_TRUE(grid);
  EXPECT_EQ(grid->at(0), -0.25f);
  EXPECT_EQ(grid->at(1), 1e10f);
}

TEST(Npy, SaysWhatItDoesNotSupport) {
  EXPECT_EQ(error_of(npy("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 3), }", kSix)), Errc::kUnsupported);
  EXPECT_EQ(error_of(npy("{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", kSix)), Errc::kUnsupported);
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", kSix)), Errc::kUnsupported);
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", kSix)), Errc::kUnsupported);
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", kSix)), Errc::kUnsupported);
}

TEST(Npy, SizesBeyondTheFileOrTheLimitAreErrors) {
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }", kSix)), Errc::kCorrupt);
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", kSix)), Errc::kCorrupt);
  EXPECT_EQ(error_of(npy(kGood, kSix), 5), Errc::kTooLarge);
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", kSix)),
            Errc::kTooLarge);
  EXPECT_EQ(error_of(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1), }", kSix)),
            Errc::kUnsupported);
}

// Every byte of the header takes every kind of wrong value, and every length is cut off: nothing but errors or sense.
TEST(Npy, DamagedHeadersNeverLeadOutOfTheFile) {
  const Bytes file = npy(kGood, kSix);
  for (size_t length = 0; length < file.size(); ++length) {
    const Bytes cut(file.begin(), file.begin() + static_cast<ptrdiff_t>(length));
    EXPECT_FALSE(parse_npy(cut, 1000)) << length;
  }
  for (size_t at = 0; at < file.size() - 24; ++at)
    for (const int wrong : {0, 1, 9, 32, 39, 40, 41, 44, 57, 58, 125, 127, 128, 255}) {
      Bytes damaged = file;
      damaged[at] = static_cast<std::byte>(wrong);
      const auto grid = parse_npy(damaged, 1000);
      if (!grid) continue;
      for (size_t i = 0; i < size_t{grid->rows} * grid->columns; ++i) (void)grid->at(i);
    }
}

}  // namespace
}  // namespace pairloom::workerproc
