#include "jobs/load_job.h"

#include <gtest/gtest.h>

#include <cstring>

namespace pairloom::jobs {
namespace {

Loaded a_picture() {
  Loaded loaded;
  loaded.outcome = Outcome::kIndexed;
  loaded.message = "one warning";
  loaded.raster = {300, 200, PixelType::kRgba8};
  loaded.format = ImageFormat::kPng;
  loaded.has_alpha = loaded.damaged = true;
  loaded.stored_bits = 16;
  return loaded;
}

template <class T>
std::vector<std::byte> with(std::vector<std::byte> bytes, size_t offset, T value) {
  std::memcpy(bytes.data() + offset, &value, sizeof value);
  return bytes;
}

TEST(LoadJob, SetupAndTaskRoundTrip) {
  const auto setup = decode_load_setup(encode(LoadSetup{123, 456}));
  ASSERT_TRUE(setup);
  EXPECT_EQ(setup->max_file_bytes, 123u);
  EXPECT_EQ(setup->max_pixels, 456u);
  const auto task = decode_load_task(encode(LoadTask{LoadTask::What::kGrid, "/a b\n"}));
  ASSERT_TRUE(task);
  EXPECT_EQ(task->what, LoadTask::What::kGrid);
  EXPECT_EQ(task->path, "/a b\n");
  EXPECT_FALSE(decode_load_setup({}));
  EXPECT_FALSE(decode_load_task(std::vector<std::byte>(3)));
  EXPECT_FALSE(decode_load_task(std::vector<std::byte>(8)));
}

TEST(LoadJob, LoadedRoundTrip) {
  const auto picture = decode_loaded(encode(a_picture()), {});
  ASSERT_TRUE(picture) << picture.error().message;
  EXPECT_EQ(picture->outcome, Outcome::kIndexed);
  EXPECT_EQ(picture->message, "one warning");
  EXPECT_EQ(picture->raster, a_picture().raster);
  EXPECT_EQ(picture->format, ImageFormat::kPng);
  EXPECT_TRUE(picture->has_alpha);
  EXPECT_TRUE(picture->damaged);
  EXPECT_EQ(picture->stored_bits, 16);
  Loaded failed;
  failed.outcome = Outcome::kCorrupt;
  failed.message = std::string(9999, 'x');
  EXPECT_EQ(decode_loaded(encode(failed), {})->message.size(), 500u);
}

// Offsets: 0 outcome, 1 format, 2 alpha, 3 damaged, 4 bits, 8 width, 12 height, 16 pixels, 20 message length.
TEST(LoadJob, LiesAreRefused) {
  const auto good = encode(a_picture());
  const auto refused = [](const std::vector<std::byte>& bytes) {
    const auto decoded = decode_loaded(bytes, LoadSetup{1u << 20, 60'000});
    return !decoded && decoded.error().code == Errc::kProtocol;
  };
  EXPECT_FALSE(refused(good));
  EXPECT_TRUE(refused({good.begin(), good.begin() + 20}));
  EXPECT_TRUE(refused({good.begin(), good.end() - 1}));
  EXPECT_TRUE(refused(with(good, 0, uint8_t{9})));
  EXPECT_TRUE(refused(with(good, 0, static_cast<uint8_t>(Outcome::kCorrupt))));  // pixels beside a failure
  EXPECT_TRUE(refused(with(good, 1, uint8_t{15})));
  EXPECT_TRUE(refused(with(good, 2, uint8_t{2})));
  EXPECT_TRUE(refused(with(good, 3, uint8_t{2})));
  EXPECT_TRUE(refused(with(good, 4, uint32_t{0})));
  EXPECT_TRUE(refused(with(good, 4, uint32_t{65})));
  EXPECT_TRUE(refused(with(good, 8, uint32_t{0})));
  EXPECT_TRUE(refused(with(good, 8, uint32_t{301})));  // 60,200 pixels
  EXPECT_TRUE(refused(with(good, 12, UINT32_MAX)));
  EXPECT_TRUE(refused(with(good, 16, uint32_t{0})));
  EXPECT_TRUE(refused(with(good, 16, uint32_t{4})));
  EXPECT_TRUE(refused(with(good, 20, uint32_t{12})));
}

}  // namespace
}  // namespace pairloom::jobs
