#include "workerproc/decode/jpeg_idct.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <span>
#include <vector>

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

// Blocks side by side in four: `blocks` terms in the first places.
JpegTerms terms_of(std::span<const Block> blocks) {
  JpegTerms terms;
  for (size_t b = 0; b < blocks.size(); ++b)
    for (size_t i = 0; i < 64; ++i) terms.block(b)[i / 8 * JpegTerms::kRowStep + i % 8] = blocks[b].values[i];
  return terms;
}

// The pixels of one block, `side` x `side`, without gaps.
std::vector<uint8_t> transformed(JpegIdct::Function transform, const Block& terms, const Block& quant, size_t side) {
  std::vector<uint8_t> pixels(side * side);
  uint8_t* const out = pixels.data();
  transform(terms_of(std::span(&terms, 1)), quant.values.data(), &out, 1, side);
  return pixels;
}

JpegIdct::Function of_size(const JpegIdct& idct, size_t side) {
  return side == 8 ? idct.to_8x8 : side == 4 ? idct.to_4x4 : idct.to_2x2;
}

TEST(JpegIdct, IsTheMeanOfTheFullPicture) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const Block terms = random_terms(random, 12), quant = random_quant(random, 20);
    for (const JpegIdct& idct : jpeg_idcts())
      for (const size_t side : {8u, 4u, 2u}) {
        const auto pixels = transformed(of_size(idct, side), terms, quant, side);
        for (size_t p = 0; p < pixels.size(); ++p) {
          const auto x = static_cast<int>(p % side), y = static_cast<int>(p / side);
          const double mean = mean_of_cell(terms, quant, static_cast<int>(side), x, y) + 128;
          EXPECT_NEAR(pixels[p], std::clamp(mean, 0.0, 255.0), 1.0) << idct.name << " " << side;
        }
      }
    const double mean = std::clamp(mean_of_cell(terms, quant, 1, 0, 0) + 128, 0.0, 255.0);
    EXPECT_NEAR(jpeg_idct_1x1(terms.values[0], quant.values[0]), mean, 1.0);
  }
}

// Up to values that overflow everything: hostile files have them, and all must wrap and saturate alike, whatever the blocks
// beside them hold. And each writes its pixels and nothing else.
TEST(JpegIdct, AllVersionsAgree) {
  Random random(2);
  const std::span<const JpegIdct> idcts = jpeg_idcts();
  constexpr size_t kStride = 40;
  using Canvas = std::array<uint8_t, kStride * 11>;
  for (int i = 0; i < 60'000; ++i) {
    std::array<Block, JpegTerms::kBlocks> blocks;
    const bool alike = random.one_in(2);
    uint32_t range = 0;
    for (Block& block : blocks) {
      if (range == 0 || !alike) range = std::array<uint32_t, 5>{3, 50, 1023, 8191, 32767}[random.below(5)];
      block = random_terms(random, range);
    }
    const Block quant = random_quant(random, std::array<uint32_t, 4>{1, 30, 255, 32767}[random.below(4)]);
    const JpegTerms terms = terms_of(blocks);
    const size_t count = 1 + random.below(JpegTerms::kBlocks);
    for (const size_t side : {8u, 4u, 2u}) {
      const auto canvas_of = [&](const JpegIdct& idct) {
        Canvas canvas;
        canvas.fill(77);
        std::array<uint8_t*, JpegTerms::kBlocks> out{};
        for (size_t b = 0; b < count; ++b) out[b] = canvas.data() + (1 + b % 2) * kStride + 1 + b * (side + 1);
        of_size(idct, side)(terms, quant.values.data(), out.data(), count, kStride);
        for (size_t at = 0; at < canvas.size(); ++at) {
          const size_t x = at % kStride, y = at / kStride, block = (x - 1) / (side + 1);
          const bool inside = x > 0 && block < count && (x - 1) % (side + 1) < side && y > block % 2 &&
                              y <= block % 2 + side;
          EXPECT_TRUE(inside || canvas[at] == 77) << idct.name << " " << side << ": " << x << ", " << y;
        }
        return canvas;
      };
      const Canvas expected = canvas_of(idcts.back());
      for (const JpegIdct& idct : idcts.first(idcts.size() - 1)) ASSERT_EQ(canvas_of(idct), expected) << idct.name << i;
    }
  }
}

TEST(JpegIdct, LastVersionIsPlain) {
  EXPECT_STREQ(jpeg_idcts().back().name, "portable");
#if defined(__x86_64__)
  EXPECT_GE(jpeg_idcts().size(), 2u);
#endif
}

TEST(JpegIdct, FlatBlocksAreWhatTheTransformsMakeOfThem) {
  Random random(4);
  for (int i = 0; i < 50'000; ++i) {
    Block terms, quant = random_quant(random, i % 2 == 0 ? 200 : 32767);
    terms.values[0] = static_cast<int16_t>(random.below(65536) >> random.below(12));
    const int32_t product = terms.values[0] * quant.values[0];
    const auto flat = jpeg_idct_flat(terms.values[0], quant.values[0]);
    ASSERT_EQ(flat.has_value(), product >= -8192 && product < 8192);
    if (!flat) continue;
    for (const JpegIdct& idct : jpeg_idcts())
      for (const size_t side : {8u, 4u, 2u})
        for (const uint8_t pixel : transformed(of_size(idct, side), terms, quant, side))
          ASSERT_EQ(pixel, *flat) << idct.name << " " << side;
  }
}

}  // namespace
}  // namespace pairloom::workerproc
