#include "workerproc/decode/jpeg_idct.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

#include "tests/fuzz/jpeg_variants.h"

namespace pairloom::workerproc {
namespace {

using test::Random;

struct alignas(16) Block {
  std::array<int16_t, 64> values{};
};

// `range`: the largest value; sparse, as blocks are.
Block random_terms(Random& random, uint32_t range) {
  Block block;
  const uint32_t density = 1 + random.below(12);
  for (auto& value : block.values)
    if (random.one_in(density))
      value = static_cast<int16_t>(static_cast<int32_t>(random.below(2 * range + 1)) - static_cast<int32_t>(range));
  if (random.one_in(6)) std::fill(block.values.begin() + 8, block.values.end(), int16_t{0});
  if (random.one_in(12)) std::fill(block.values.begin() + 1, block.values.end(), int16_t{0});
  return block;
}

Block random_quant(Random& random, uint32_t range) {
  Block block;
  for (auto& value : block.values) value = static_cast<int16_t>(1 + random.below(range));
  return block;
}

// The full inverse DCT in floating point (T.81, A.3.3), averaged over cells of 8/side x 8/side pixels.
double mean_of_cell(const Block& terms, const Block& quant, int side, int cell_x, int cell_y) {
  const int pixels = 8 / side;
  double sum = 0;
  for (int y = cell_y * pixels; y < (cell_y + 1) * pixels; ++y)
    for (int x = cell_x * pixels; x < (cell_x + 1) * pixels; ++x)
      for (int v = 0; v < 8; ++v)
        for (int u = 0; u < 8; ++u) {
          const auto at = static_cast<size_t>(v * 8 + u);
          const double scale = (u == 0 ? std::numbers::sqrt2 / 2 : 1) * (v == 0 ? std::numbers::sqrt2 / 2 : 1) / 4;
          sum += scale * terms.values[at] * quant.values[at] * std::cos((2 * x + 1) * u * std::numbers::pi / 16) *
                 std::cos((2 * y + 1) * v * std::numbers::pi / 16);
        }
  return sum / (pixels * pixels);
}

TEST(JpegIdct, IsTheMeanOfTheFullPicture) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const Block terms = random_terms(random, 12), quant = random_quant(random, 20);
    std::array<uint8_t, 64> eight{};
    std::array<uint8_t, 16> four{}, two{};
    jpeg_idct_8x8(terms.values.data(), quant.values.data(), eight.data(), 8);
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x) {
        const double pixel = std::clamp(mean_of_cell(terms, quant, 8, x, y) + 128, 0.0, 255.0);
        EXPECT_NEAR(eight[static_cast<size_t>(y * 8 + x)], pixel, 1.0);
      }
    jpeg_idct_4x4(terms.values.data(), quant.values.data(), four.data(), 4);
    jpeg_idct_2x2(terms.values.data(), quant.values.data(), two.data(), 4);
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 4; ++x) {
        const double mean = std::clamp(mean_of_cell(terms, quant, 4, x, y) + 128, 0.0, 255.0);
        EXPECT_NEAR(four[static_cast<size_t>(y * 4 + x)], mean, 1.0);
      }
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x) {
        const double mean = std::clamp(mean_of_cell(terms, quant, 2, x, y) + 128, 0.0, 255.0);
        EXPECT_NEAR(two[static_cast<size_t>(y * 4 + x)], mean, 1.0);
      }
    const double mean = std::clamp(mean_of_cell(terms, quant, 1, 0, 0) + 128, 0.0, 255.0);
    EXPECT_NEAR(jpeg_idct_1x1(terms.values[0], quant.values[0]), mean, 1.0);
  }
}

// Up to values that overflow everything: hostile files have them, and both must wrap and saturate alike.
TEST(JpegIdct, PortableAndVectorVersionsAgree) {
  Random random(2);
  for (int i = 0; i < 200'000; ++i) {
    const uint32_t range = std::array<uint32_t, 5>{3, 50, 1023, 8191, 32767}[random.below(5)];
    const Block terms = random_terms(random, range);
    const Block quant = random_quant(random, std::array<uint32_t, 4>{1, 30, 255, 32767}[random.below(4)]);
    std::array<uint8_t, 8 * 11> large_vector{}, large_portable{};
    jpeg_idct_8x8(terms.values.data(), quant.values.data(), large_vector.data(), 11);
    jpeg_idct_8x8_portable(terms.values.data(), quant.values.data(), large_portable.data(), 11);
    ASSERT_EQ(large_vector, large_portable) << i;
    std::array<uint8_t, 4 * 7> vector{}, portable{};
    jpeg_idct_4x4(terms.values.data(), quant.values.data(), vector.data(), 7);
    jpeg_idct_4x4_portable(terms.values.data(), quant.values.data(), portable.data(), 7);
    ASSERT_EQ(vector, portable) << i;
    jpeg_idct_2x2(terms.values.data(), quant.values.data(), vector.data(), 7);
    jpeg_idct_2x2_portable(terms.values.data(), quant.values.data(), portable.data(), 7);
    ASSERT_EQ(vector, portable) << i;
  }
}

TEST(JpegIdct, WriteNothingButTheirPixels) {
  Random random(3);
  const Block terms = random_terms(random, 100), quant = random_quant(random, 10);
  std::array<uint8_t, 6 * 6> out{};
  out.fill(77);
  jpeg_idct_4x4(terms.values.data(), quant.values.data(), out.data() + 7, 6);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t x = i % 6, y = i / 6;
    const bool outside = x < 1 || x > 4 || y < 1 || y > 4;
    EXPECT_TRUE(!outside || out[i] == 77) << i;
  }
  std::array<uint8_t, 10 * 10> large{};
  large.fill(77);
  jpeg_idct_8x8(terms.values.data(), quant.values.data(), large.data() + 11, 10);
  for (size_t i = 0; i < large.size(); ++i) {
    const size_t x = i % 10, y = i / 10;
    const bool outside = x < 1 || x > 8 || y < 1 || y > 8;
    EXPECT_TRUE(!outside || large[i] == 77) << i;
  }
  out.fill(77);
  jpeg_idct_2x2(terms.values.data(), quant.values.data(), out.data() + 7, 6);
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t x = i % 6, y = i / 6;
    const bool outside = x < 1 || x > 2 || y < 1 || y > 2;
    EXPECT_TRUE(!outside || out[i] == 77) << i;
  }
}

TEST(JpegIdct, FlatBlocksAreWhatTheTransformsMakeOfThem) {
  Random random(4);
  for (int i = 0; i < 200'000; ++i) {
    Block terms, quant = random_quant(random, i % 2 == 0 ? 200 : 32767);
    terms.values[0] = static_cast<int16_t>(random.below(65536) >> random.below(12));
    const int32_t product = terms.values[0] * quant.values[0];
    const auto flat = jpeg_idct_flat(terms.values[0], quant.values[0]);
    ASSERT_EQ(flat.has_value(), product >= -8192 && product < 8192);
    if (!flat) continue;
    std::array<uint8_t, 64> all{};
    jpeg_idct_8x8(terms.values.data(), quant.values.data(), all.data(), 8);
    for (const uint8_t pixel : all) ASSERT_EQ(pixel, *flat);
    std::array<uint8_t, 16> pixels{};
    jpeg_idct_4x4(terms.values.data(), quant.values.data(), pixels.data(), 4);
    for (const uint8_t pixel : pixels) ASSERT_EQ(pixel, *flat);
    jpeg_idct_2x2(terms.values.data(), quant.values.data(), pixels.data(), 2);
    for (size_t p = 0; p < 4; ++p) ASSERT_EQ(pixels[p], *flat);
  }
}

}  // namespace
}  // namespace pairloom::workerproc
