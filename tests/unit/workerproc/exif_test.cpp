#include "workerproc/decode/exif.h"

#include <gtest/gtest.h>

#include "tests/support/encode.h"

namespace pairloom::workerproc {
namespace {

TEST(ExifOrientation, IsReadInBothByteOrders) {
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool big_endian : {false, true})
      EXPECT_EQ(exif_orientation(test::exif_block(orientation, big_endian)), orientation);
}

TEST(ExifOrientation, SkipsTheJpegPrefix) {
  test::Bytes block;
  for (const char c : std::string_view("Exif\0\0", 6)) block.push_back(static_cast<std::byte>(c));
  const test::Bytes exif = test::exif_block(6);
  block.insert(block.end(), exif.begin(), exif.end());
  EXPECT_EQ(exif_orientation(block), 6);
}

TEST(ExifOrientation, IsUprightForValuesThatDoNotExist) {
  for (const int orientation : {0, 9, 200}) EXPECT_EQ(exif_orientation(test::exif_block(orientation)), 1);
}

TEST(ExifOrientation, IsUprightForEveryBlockThatBreaksOff) {
  const test::Bytes block = test::exif_block(6);
  for (size_t length = 0; length < 20; ++length)
    EXPECT_EQ(exif_orientation(std::span(block).first(length)), 1) << length << " bytes";
}

TEST(ExifOrientation, IsUprightWhenTheDirectoryLiesOutside) {
  test::Bytes block = test::exif_block(6);
  for (const int offset : {0xFF, 0x7F}) {
    for (size_t i = 4; i < 8; ++i) block[i] = static_cast<std::byte>(offset);
    EXPECT_EQ(exif_orientation(block), 1);
  }
}

}  // namespace
}  // namespace pairloom::workerproc
