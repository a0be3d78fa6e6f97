// The reduced JPEG decoder on damaged files: it declines whatever libjpeg-turbo would warn of, and some more.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "tests/fuzz/jpeg_agreement.h"
#include "tests/fuzz/jpeg_variants.h"
#include "workerproc/decode/jpeg_scan.h"

namespace pairloom::workerproc {
namespace {

using test::JpegVariant;
using Bytes = std::vector<std::byte>;
using Scans = JpegVariant::Scans;

constexpr int kReductions[] = {8, 4, 2, 1};

Bytes small_jpeg(int restart_mcus = 0, Scans scans = Scans::kOne) {
  JpegVariant variant;
  variant.width = 40;
  variant.height = 37;
  variant.seed = 14;
  variant.restart_mcus = restart_mcus;
  variant.scans = scans;
  return make_jpeg(variant);
}

// Positions of all markers with this code, of the 0xFF.
std::vector<size_t> find_markers(const Bytes& jpeg, int code) {
  std::vector<size_t> found;
  for (size_t i = 0; i + 1 < jpeg.size(); ++i)
    if (jpeg[i] == std::byte{0xFF} && jpeg[i + 1] == static_cast<std::byte>(code)) found.push_back(i);
  return found;
}

Bytes with_insert(Bytes jpeg, size_t at, std::initializer_list<int> values) {
  for (auto value = std::rbegin(values); value != std::rend(values); ++value)
    jpeg.insert(jpeg.begin() + static_cast<ptrdiff_t>(at), static_cast<std::byte>(*value));
  return jpeg;
}

class DamagedJpegTest : public ::testing::Test {
 protected:
  bool is_done(const Bytes& jpeg, int reduction = 8) {
    return decoder_.decode(jpeg, reduction, raster_) == ReducedJpeg::kDone;
  }
  void expect_declined(const Bytes& jpeg) {
    for (const int reduction : kReductions) EXPECT_FALSE(is_done(jpeg, reduction)) << "at 1/" << reduction;
  }

  ReducedJpegDecoder decoder_;
  GrayRaster raster_;
  test::JpegAgreement agreement_;
};

TEST_F(DamagedJpegTest, EveryTruncationIsDeclined) {
  for (const auto& [restart, scans] : {std::pair{0, Scans::kOne}, std::pair{2, Scans::kOne},
                                       std::pair{0, Scans::kPerComponent}, std::pair{0, Scans::kProgressiveApart}}) {
    const Bytes jpeg = small_jpeg(restart, scans);
    ASSERT_TRUE(is_done(jpeg));
    for (size_t size = 0; size < jpeg.size(); ++size)
      expect_declined(Bytes(jpeg.begin(), jpeg.begin() + static_cast<ptrdiff_t>(size)));
  }
}

TEST_F(DamagedJpegTest, EveryFlippedBitIsDeclinedOrHarmless) {
  for (const auto& [restart, scans] : {std::pair{0, Scans::kOne}, std::pair{2, Scans::kOne},
                                       std::pair{0, Scans::kPerComponent}, std::pair{0, Scans::kProgressiveApart}}) {
    const Bytes jpeg = small_jpeg(restart, scans);
    for (size_t i = 0; i < jpeg.size() * 8; ++i) {
      Bytes damaged = jpeg;
      damaged[i / 8] ^= static_cast<std::byte>(1u << i % 8);
      ASSERT_EQ(agreement_.check(damaged), "") << "bit " << i;
    }
  }
}

TEST_F(DamagedJpegTest, EveryMissingOrDoubledByteIsDeclinedOrHarmless) {
  const Bytes jpeg = small_jpeg(3);
  for (size_t i = 0; i < jpeg.size(); ++i) {
    Bytes damaged = jpeg;
    damaged.erase(damaged.begin() + static_cast<ptrdiff_t>(i));
    ASSERT_EQ(agreement_.check(damaged), "") << "without byte " << i;
    damaged = jpeg;
    damaged.insert(damaged.begin() + static_cast<ptrdiff_t>(i), jpeg[i]);
    ASSERT_EQ(agreement_.check(damaged), "") << "with byte " << i << " twice";
  }
}

TEST_F(DamagedJpegTest, WhatFollowsTheEndDoesNotMatter) {
  Bytes jpeg = small_jpeg();
  jpeg.insert(jpeg.end(), 1000, std::byte{0xFF});
  EXPECT_TRUE(is_done(jpeg));
  jpeg.push_back(std::byte{0xDA});
  EXPECT_TRUE(is_done(jpeg));
  EXPECT_EQ(agreement_.check(jpeg), "");
}

TEST_F(DamagedJpegTest, ExtraBytesAreDeclined) {
  const Bytes jpeg = small_jpeg();
  const size_t end = jpeg.size() - 2;
  expect_declined(with_insert(jpeg, end, {0x00}));
  expect_declined(with_insert(jpeg, end, {0x12, 0x34}));
  expect_declined(with_insert(jpeg, end, {0xFF, 0x00}));
  for (const int code : {0xDB, 0xC4, 0xC0, 0xDA})  // before each segment: libjpeg warns of extraneous bytes
    for (const size_t at : find_markers(jpeg, code)) expect_declined(with_insert(jpeg, at, {0x00}));
  // Fill bytes before a marker are legal.
  EXPECT_TRUE(is_done(with_insert(jpeg, end, {0xFF, 0xFF})));
  EXPECT_TRUE(is_done(with_insert(jpeg, find_markers(jpeg, 0xC0)[0], {0xFF})));
  // So is a comment after the scan.
  const Bytes commented = with_insert(jpeg, end, {0xFF, 0xFE, 0x00, 0x04, 0x61, 0x62});
  EXPECT_TRUE(is_done(commented));
  EXPECT_EQ(agreement_.check(commented), "");
}

TEST_F(DamagedJpegTest, WrongRestartMarkersAreDeclined) {
  const Bytes jpeg = small_jpeg(1);
  ASSERT_TRUE(is_done(jpeg));
  size_t markers = 0;
  for (int number = 0; number < 8; ++number)
    for (const size_t at : find_markers(jpeg, 0xD0 + number)) {
      ++markers;
      for (int other = 0; other < 8; ++other) {
        Bytes damaged = jpeg;
        damaged[at + 1] = static_cast<std::byte>(0xD0 + other);
        if (other != number) expect_declined(damaged);
      }
      Bytes damaged = jpeg;
      damaged.erase(damaged.begin() + static_cast<ptrdiff_t>(at), damaged.begin() + static_cast<ptrdiff_t>(at) + 2);
      expect_declined(damaged);
      expect_declined(with_insert(jpeg, at, {0xFF, 0xD0 + number}));
      expect_declined(with_insert(jpeg, at, {0x00}));
    }
  EXPECT_EQ(markers, 8u);  // 9 MCUs
  // None was announced, or another interval.
  Bytes damaged = jpeg;
  damaged[find_markers(jpeg, 0xDD)[0] + 5] = std::byte{0};
  expect_declined(damaged);
  damaged[find_markers(jpeg, 0xDD)[0] + 5] = std::byte{2};
  expect_declined(damaged);
}

TEST_F(DamagedJpegTest, UnsupportedFramesAreDeclined) {
  const Bytes jpeg = small_jpeg();
  const size_t frame = find_markers(jpeg, 0xC0)[0];
  for (int code = 0xC0; code <= 0xFF; ++code) {
    Bytes other = jpeg;
    other[frame + 1] = static_cast<std::byte>(code);
    EXPECT_EQ(is_done(other), code == 0xC0 || code == 0xC1) << code;
    EXPECT_EQ(agreement_.check(other), "") << code;
  }
  for (const int bits : {0, 1, 12, 16}) {
    Bytes other = jpeg;
    other[frame + 4] = static_cast<std::byte>(bits);
    expect_declined(other);
  }
  Bytes lines_later = jpeg;  // the height is to come in a DNL segment
  lines_later[frame + 5] = lines_later[frame + 6] = std::byte{0};
  expect_declined(lines_later);
}

TEST_F(DamagedJpegTest, AFrameThatComesTwiceIsDeclined) {
  const Bytes jpeg = small_jpeg();
  const size_t frame = find_markers(jpeg, 0xC0)[0];
  const Bytes copy(jpeg.begin() + static_cast<ptrdiff_t>(frame), jpeg.begin() + static_cast<ptrdiff_t>(frame) + 19);
  for (const int code : {0xC0, 0xC4, 0xDA}) {  // before what is there
    Bytes twice = jpeg;
    twice.insert(twice.begin() + static_cast<ptrdiff_t>(find_markers(jpeg, code)[0]), copy.begin(), copy.end());
    expect_declined(twice);
    EXPECT_EQ(agreement_.check(twice), "");
  }
}

// 4x4 + 1 + 1 blocks, where 10 are allowed; the blocks themselves are right (DC difference 0, end of block).
TEST_F(DamagedJpegTest, AnMcuOfTooManyBlocksIsDeclined) {
  JpegVariant variant;
  variant.width = variant.height = 32;
  const Bytes jpeg = make_jpeg(variant);
  for (const auto& [factors, luma_blocks, is_legal] :
       {std::tuple{0x44, 16, false}, std::tuple{0x33, 9, false}, std::tuple{0x42, 8, true}}) {
    std::string bits;
    const int mcus = factors == 0x44 ? 1 : factors == 0x33 ? 4 : 2;
    for (int mcu = 0; mcu < mcus; ++mcu) {
      for (int block = 0; block < luma_blocks; ++block)
        bits +=
            "00"
            "1010";  // the usual tables (T.81, K.3)
      bits +=
          "00"
          "00"
          "00"
          "00";
    }
    bits.resize((bits.size() + 7) / 8 * 8, '1');
    Bytes flat(jpeg.begin(), jpeg.begin() + static_cast<ptrdiff_t>(find_markers(jpeg, 0xDA)[0]) + 14);
    flat[find_markers(jpeg, 0xC0)[0] + 11] = static_cast<std::byte>(factors);
    for (size_t i = 0; i < bits.size(); i += 8)
      flat.push_back(static_cast<std::byte>(std::stoi(bits.substr(i, 8), nullptr, 2)));
    flat.insert(flat.end(), {std::byte{0xFF}, std::byte{0xD9}});
    EXPECT_EQ(is_done(flat), is_legal) << factors;
    EXPECT_EQ(agreement_.check(flat), "");
  }
}

TEST_F(DamagedJpegTest, ProgressiveScansOutOfOrderAreDeclined) {
  const Bytes jpeg = small_jpeg(0, Scans::kProgressiveApart);
  const std::vector<size_t> scans = find_markers(jpeg, 0xDA);
  ASSERT_GT(scans.size(), 6u);
  for (const size_t at : scans)
    for (const size_t field : {size_t{7}, size_t{8}, size_t{9}})  // Ss, Se, Ah and Al of a scan of one component
      for (int value = 0; value < 256; ++value) {
        Bytes other = jpeg;
        other[at + field] = static_cast<std::byte>(value);
        if (other == jpeg) continue;
        EXPECT_FALSE(is_done(other));
        ASSERT_EQ(agreement_.check(other, 8), "");
      }
}

// The pieces of a gray progressive file: what stands before the first scan, then each scan with its tables.
std::vector<Bytes> cut_at_scans(const Bytes& jpeg) {
  std::vector<size_t> cuts = {0};
  for (const int code : {0xC4, 0xDA})
    for (const size_t at : find_markers(jpeg, code)) cuts.push_back(at);
  cuts.push_back(jpeg.size() - 2);
  cuts.push_back(jpeg.size());
  std::sort(cuts.begin(), cuts.end());
  std::vector<Bytes> pieces;
  bool tables_before = false;  // they belong to the scan behind them
  for (size_t i = 0; i + 1 < cuts.size(); ++i) {
    const Bytes piece(jpeg.begin() + static_cast<ptrdiff_t>(cuts[i]),
                      jpeg.begin() + static_cast<ptrdiff_t>(cuts[i + 1]));
    if (tables_before)
      pieces.back().insert(pieces.back().end(), piece.begin(), piece.end());
    else
      pieces.push_back(piece);
    tables_before = piece[1] == std::byte{0xC4};
  }
  return pieces;
}

Bytes join(const std::vector<Bytes>& pieces) {
  Bytes jpeg;
  for (const Bytes& piece : pieces) jpeg.insert(jpeg.end(), piece.begin(), piece.end());
  return jpeg;
}

TEST_F(DamagedJpegTest, ProgressiveScansThatLeaveOutOrPrecedeSomethingAreDeclined) {
  JpegVariant variant;
  variant.colour = JpegVariant::Colour::kGray;
  variant.scans = Scans::kProgressivePlain;
  std::vector<Bytes> pieces = cut_at_scans(make_jpeg(variant));  // head, DC, AC, end
  ASSERT_EQ(pieces.size(), 4u);
  EXPECT_TRUE(is_done(join(pieces)));
  std::swap(pieces[1], pieces[2]);
  EXPECT_FALSE(is_done(join(pieces))) << "AC before DC";
  EXPECT_EQ(agreement_.check(join(pieces), 8), "");

  variant.scans = Scans::kProgressiveApart;
  pieces = cut_at_scans(make_jpeg(variant));  // head, DC bit 3, AC bit 1, DC bit 2, AC bit 0, DC bit 1, DC bit 0, end
  ASSERT_EQ(pieces.size(), 8u);
  EXPECT_TRUE(is_done(join(pieces)));
  ASSERT_EQ(pieces[3][9], std::byte{0x32});
  pieces[3][9] = std::byte{0x31};
  pieces.erase(pieces.begin() + 5);
  EXPECT_FALSE(is_done(join(pieces))) << "two bits in one refinement";
  EXPECT_EQ(agreement_.check(join(pieces), 8), "");
}

TEST_F(DamagedJpegTest, ImpossibleTablesAreDeclined) {
  for (const Scans scans : {Scans::kOne, Scans::kProgressive}) {
    const Bytes jpeg = small_jpeg(0, scans);
    for (const size_t at : find_markers(jpeg, 0xC4)) {
      Bytes other = jpeg;  // as many symbols, but all with codes of one bit
      uint8_t symbols = 0;
      for (size_t i = 0; i < 16; ++i)
        symbols = static_cast<uint8_t>(symbols + std::to_integer<uint8_t>(jpeg[at + 5 + i]));
      std::fill_n(other.begin() + static_cast<ptrdiff_t>(at) + 5, 16, std::byte{0});
      other[at + 5] = std::byte{symbols};
      EXPECT_EQ(is_done(other), symbols < 2);
      EXPECT_EQ(agreement_.check(other), "");
    }
    for (const size_t at : find_markers(jpeg, 0xDB)) {
      Bytes other = jpeg;
      other[at + 10] = std::byte{0};
      expect_declined(other);  // quantized by zero; libjpeg shrugs
    }
  }
}

TEST_F(DamagedJpegTest, ComponentsOfOneNameAreDeclined) {
  Bytes jpeg = small_jpeg();
  jpeg[find_markers(jpeg, 0xC0)[0] + 16] = std::byte{2};
  expect_declined(jpeg);
  jpeg[find_markers(jpeg, 0xDA)[0] + 9] = std::byte{2};
  expect_declined(jpeg);
  EXPECT_EQ(agreement_.check(jpeg), "");
}

TEST_F(DamagedJpegTest, ScansThatComeTwiceAreDeclined) {
  Bytes jpeg = small_jpeg(0, Scans::kPerComponent);
  const size_t first = find_markers(jpeg, 0xDA)[0], second = find_markers(jpeg, 0xDA)[1];
  const Bytes scan(jpeg.begin() + static_cast<ptrdiff_t>(first), jpeg.begin() + static_cast<ptrdiff_t>(second));
  jpeg.insert(jpeg.begin() + static_cast<ptrdiff_t>(second), scan.begin(), scan.end());
  expect_declined(jpeg);
  // Nor one that is missing.
  jpeg = small_jpeg(0, Scans::kPerComponent);
  jpeg.erase(jpeg.begin() + static_cast<ptrdiff_t>(first), jpeg.begin() + static_cast<ptrdiff_t>(second));
  expect_declined(jpeg);
}

// A few bytes may claim a picture of 4 gigapixels; believing them would cost gigabytes.
TEST_F(DamagedJpegTest, AHugeClaimCostsNothing) {
  for (const Scans scans : {Scans::kOne, Scans::kPerComponent, Scans::kProgressive}) {
    Bytes jpeg = small_jpeg(0, scans);
    const size_t frame = find_markers(jpeg, scans == Scans::kProgressive ? 0xC2 : 0xC0)[0];
    for (const size_t at : {size_t{5}, size_t{7}}) {
      jpeg[frame + at] = std::byte{0xFF};
      jpeg[frame + at + 1] = std::byte{0xDC};  // 65500
    }
    ReducedJpegDecoder no_limit(uint64_t{1} << 40);
    for (const int reduction : kReductions)
      EXPECT_EQ(no_limit.decode(jpeg, reduction, raster_), ReducedJpeg::kDeclined);
    EXPECT_LT(raster_.pixels.capacity(), 100'000u);
  }
}

TEST_F(DamagedJpegTest, SidesThatLibjpegRefusesAreDeclined) {
  JpegVariant variant;
  variant.width = 65500;
  variant.height = 2;
  variant.colour = JpegVariant::Colour::kGray;
  Bytes jpeg = make_jpeg(variant);
  EXPECT_TRUE(is_done(jpeg));
  EXPECT_EQ(agreement_.check(jpeg), "");
  jpeg[find_markers(jpeg, 0xC0)[0] + 8] = std::byte{0xDD};  // 65501: the same number of blocks
  expect_declined(jpeg);
}

// Values that no picture leads to still must come out as libjpeg-turbo has them, wrapped or saturated.
TEST_F(DamagedJpegTest, AbsurdQuantizationEqualsLibjpeg) {
  test::Random random(1);
  for (uint64_t i = 0; i < 3000; ++i) {
    JpegVariant variant = test::pick_variant(i, 40);
    variant.scans = Scans::kOne;
    variant.wide_quant = true;
    Bytes jpeg = make_jpeg(variant);
    const uint32_t limit = std::array<uint32_t, 3>{255, 4000, 32767}[random.below(3)];
    for (const size_t at : find_markers(jpeg, 0xDB))
      for (size_t k = 0; k < 64 && at + 6 + 2 * k < jpeg.size(); ++k) {
        if (!random.one_in(3)) continue;
        const uint32_t value = 1 + random.below(limit);
        jpeg[at + 5 + 2 * k] = static_cast<std::byte>(value >> 8);
        jpeg[at + 6 + 2 * k] = static_cast<std::byte>(value);
      }
    ASSERT_EQ(agreement_.check(jpeg), "") << describe(variant);
  }
  EXPECT_GT(agreement_.counts().done, 5000u);
}

TEST_F(DamagedJpegTest, NothingAndNoiseAreDeclined) {
  expect_declined({});
  test::Random random(1);
  for (int i = 0; i < 3000; ++i) {
    Bytes noise(random.below(300));
    for (auto& byte : noise) byte = static_cast<std::byte>(random.below(256));
    if (i % 2 == 0 && noise.size() > 3) {
      noise[0] = noise[2] = std::byte{0xFF};
      noise[1] = std::byte{0xD8};
    }
    expect_declined(noise);
  }
}

}  // namespace
}  // namespace pairloom::workerproc
