// The strips of workers and the supervisor's frame around them, read back by libpng.
#include "workerproc/transform/strip_encoder.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "daemon/picture_frame.h"
#include "workerproc/decode/decode.h"

namespace pairloom::workerproc {
namespace {

using jobs::Channels;

jobs::TransformSetup setup_of(uint32_t width, uint32_t height, Channels channels, jobs::Container container) {
  jobs::TransformSetup setup;
  setup.width_px = width;
  setup.height_px = height;
  setup.channels = channels;
  setup.container = container;
  return setup;
}

// Gradients with a little noise: all of Paeth's choices occur.
std::vector<uint8_t> pixels_for(const jobs::TransformSetup& setup) {
  std::minstd_rand random(3);
  const size_t channels = static_cast<size_t>(setup.channels);
  std::vector<uint8_t> all;
  for (size_t y = 0; y < setup.height_px; ++y)
    for (size_t x = 0; x < setup.width_px; ++x)
      for (size_t c = 0; c < channels; ++c)
        all.push_back(static_cast<uint8_t>(2 * x + 3 * y * c + (random() >> 12) % 3));
  return all;
}

// In strips of so many rows, a band after every second strip.
std::vector<std::byte> file_of(const jobs::TransformSetup& setup, const std::vector<uint8_t>& pixels, size_t strip_rows) {
  std::vector<std::byte> file = daemon::picture_head(setup);
  const auto encoder = make_strip_encoder(setup).value();
  const size_t row_bytes = setup.width_px * static_cast<size_t>(setup.channels);
  uint32_t adler = 1;
  size_t band_rows = 0;
  for (size_t y = 0; y < setup.height_px; y += strip_rows) {
    const size_t rows = std::min<size_t>(strip_rows, setup.height_px - y);
    EXPECT_TRUE(encoder->encode(std::span(pixels).subspan(y * row_bytes, rows * row_bytes), file));
    band_rows += rows;
    if (y / strip_rows % 2 == 0 && y + rows < setup.height_px) continue;
    adler = daemon::joined_adler32(adler, encoder->take_adler32(), daemon::png_row_bytes(setup, band_rows));
    band_rows = 0;
  }
  const auto tail = daemon::picture_tail(setup, adler);
  file.insert(file.end(), tail.begin(), tail.end());
  return file;
}

// Alpha 255 where the file has none.
std::vector<uint8_t> as_rgba(const jobs::TransformSetup& setup, const std::vector<uint8_t>& pixels) {
  std::vector<uint8_t> rgba;
  const size_t channels = static_cast<size_t>(setup.channels);
  for (size_t i = 0; i < pixels.size(); i += channels) {
    for (size_t c = 0; c < 3; ++c) rgba.push_back(pixels[i + (channels == 1 ? 0 : c)]);
    rgba.push_back(channels == 4 ? pixels[i + 3] : uint8_t{255});
  }
  return rgba;
}

TEST(StripEncoder, StripsOfAnyHeightMakeOneValidPng) {
  Picture picture;
  for (const auto channels : {Channels::kGray, Channels::kRgb, Channels::kRgba})
    for (const auto& [width, height] : {std::pair<uint32_t, uint32_t>{1, 1}, {1, 9}, {300, 1}, {131, 67}})
      for (const size_t strip_rows : {size_t{1}, size_t{2}, size_t{13}, size_t{1000}}) {
        const auto setup = setup_of(width, height, channels, jobs::Container::kPng);
        const auto pixels = pixels_for(setup);
        const auto decoded = decode(file_of(setup, pixels, strip_rows), {PixelLayout::kRgba, 0}, picture);
        ASSERT_TRUE(decoded) << decoded.error().message;
        EXPECT_FALSE(picture.damaged) << picture.warning;  // libpng checks every CRC, zlib the Adler-32
        EXPECT_EQ(picture.is_gray, channels == Channels::kGray);
        picture.pixels.resize(size_t{picture.stride_bytes} * picture.height_px);
        ASSERT_EQ(picture.pixels, as_rgba(setup, pixels)) << width << "x" << height << " by " << strip_rows;
      }
}

// The test above would not notice if nobody looked at the checksum.
TEST(StripEncoder, AWrongAdler32IsSeenByTheReader) {
  const auto setup = setup_of(20, 20, Channels::kRgb, jobs::Container::kPng);
  std::vector<std::byte> file = daemon::picture_head(setup);
  const auto encoder = make_strip_encoder(setup).value();
  ASSERT_TRUE(encoder->encode(pixels_for(setup), file));
  const auto tail = daemon::picture_tail(setup, encoder->take_adler32() + 1);
  file.insert(file.end(), tail.begin(), tail.end());
  Picture picture;
  ASSERT_TRUE(decode(file, {PixelLayout::kRgba, 0}, picture));
  EXPECT_TRUE(picture.damaged);
}

TEST(StripEncoder, NoiseStaysWithinTheBoundOfABand) {
  const auto setup = setup_of(1000, 50, Channels::kRgba, jobs::Container::kPng);
  std::minstd_rand random(3);
  std::vector<uint8_t> pixels(1000 * 50 * 4);
  for (uint8_t& value : pixels) value = static_cast<uint8_t>(random() >> 8);
  const auto file = file_of(setup, pixels, 1);
  EXPECT_LT(file.size(), pixels.size() + pixels.size() / 8);
  Picture picture;
  ASSERT_TRUE(decode(file, {PixelLayout::kRgba, 0}, picture));
  EXPECT_TRUE(std::equal(pixels.begin(), pixels.end(), picture.pixels.begin()));
}

TEST(StripEncoder, PnmIsTheRowsThemselves) {
  Picture picture;
  for (const auto channels : {Channels::kGray, Channels::kRgb}) {
    const auto setup = setup_of(31, 17, channels, jobs::Container::kPnm);
    const auto pixels = pixels_for(setup);
    ASSERT_TRUE(decode(file_of(setup, pixels, 5), {PixelLayout::kRgba, 0}, picture));
    EXPECT_EQ(picture.format, ImageFormat::kPnm);
    picture.pixels.resize(size_t{picture.stride_bytes} * picture.height_px);
    EXPECT_EQ(picture.pixels, as_rgba(setup, pixels));
  }
}

}  // namespace
}  // namespace pairloom::workerproc
