// The supervisor's sides of loading and transforming, told by turns what workers might say.
#include "daemon/transforming.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "daemon/loading.h"
#include "daemon/picture_frame.h"
#include "shm/shared_block.h"

namespace pairloom::daemon {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

jobs::TransformSetup gray_setup(uint32_t width, uint32_t height) {
  jobs::TransformSetup setup;
  setup.source = {width, height, jobs::PixelType::kGray8};
  setup.channels = jobs::Channels::kGray;
  setup.container = jobs::Container::kPnm;
  setup.width_px = width;
  setup.height_px = height;
  setup.strip_rows = 2;
  return setup;
}

struct Bands {
  explicit Bands(const jobs::TransformSetup& setup, uint32_t band_rows = 0)
      : job(setup, band_rows, {}, [this](std::span<const std::byte> bytes) -> Result<> {
          written.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
          return {};
        }) {
    Task task;
    while (job.pull(task).value() == Job::Pull::kTask) tasks.push_back(task);
  }

  Result<> accept(size_t task, uint32_t part, std::string_view text, bool last, uint32_t adler = 1) {
    jobs::BandTask band;
    std::memcpy(&band, tasks[task].payload.data(), sizeof band);
    const jobs::BandPart header{band.first_row, band.row_count, part, adler};
    Bytes record(sizeof header);
    std::memcpy(record.data(), &header, sizeof header);
    const Bytes payload = bytes_of(text);
    record.insert(record.end(), payload.begin(), payload.end());
    return job.accept(tasks[task], record, {.slot = 0, .elapsed_ns = 1, .first = part == 0, .last = last});
  }

  std::string written;
  Transforming job;
  std::vector<Task> tasks;
};

TEST(Transforming, BandsCoverAllRowsOnce) {
  for (const uint32_t rows : {0u, 1u, 3u, 7u, 100u}) {
    const Bands bands(gray_setup(3, 7), rows);
    uint32_t next = 0;
    for (const Task& task : bands.tasks) {
      const auto band = jobs::decode_band_task(task.payload, 7).value();
      EXPECT_EQ(band.first_row, next);
      next += band.row_count;
    }
    EXPECT_EQ(next, 7u) << rows;
  }
}

TEST(Transforming, WritesBandsInOrderHoweverTheyCome) {
  Bands bands(gray_setup(1, 7));
  ASSERT_EQ(bands.tasks.size(), 4u);
  ASSERT_TRUE(bands.accept(2, 0, "ef", true));
  ASSERT_TRUE(bands.accept(0, 0, "a", false));
  EXPECT_EQ(bands.written, "");
  ASSERT_TRUE(bands.accept(3, 0, "g", true));
  ASSERT_TRUE(bands.accept(0, 1, "b", true));
  EXPECT_EQ(bands.written, "ab");
  ASSERT_TRUE(bands.accept(1, 0, "cd", true));
  EXPECT_EQ(bands.written, "abcdefg");
  EXPECT_EQ(bands.job.rows_done(), 7u);
}

// A worker died in the middle of a band: what it had sent of it must not stand before what its successor sends.
TEST(Transforming, ABandBegunAnewStartsEmpty) {
  Bands bands(gray_setup(2, 2));
  ASSERT_TRUE(bands.accept(0, 0, "x", false));
  ASSERT_TRUE(bands.accept(0, 1, "y", false));
  ASSERT_TRUE(bands.accept(0, 0, "ab", false));
  ASSERT_TRUE(bands.accept(0, 1, "cd", true));
  EXPECT_EQ(bands.written, "abcd");
}

TEST(Transforming, WrongPartsAndLengthsAreLies) {
  const auto is_lie = [](const Result<>& result) { return !result && result.error().code == Errc::kProtocol; };
  EXPECT_TRUE(is_lie(Bands(gray_setup(2, 2)).accept(0, 1, "ab", false)));
  EXPECT_TRUE(is_lie(Bands(gray_setup(2, 2)).accept(0, 0, "abc", true)));
  EXPECT_TRUE(is_lie(Bands(gray_setup(2, 2)).accept(0, 0, "abcde", true)));
  EXPECT_TRUE(is_lie(Bands(gray_setup(2, 2)).accept(0, 0, std::string(100'000, 'x'), false)));
}

TEST(Transforming, StopsHandingOutBandsUntilThoseInFrontHaveCome) {
  Bands bands(gray_setup(1, 10'000), 1);
  EXPECT_EQ(bands.tasks.size(), kBandWindow);
  Task task;
  ASSERT_TRUE(bands.accept(1, 0, "b", true));
  EXPECT_EQ(bands.job.pull(task).value(), Job::Pull::kLater);  // the first is still missing
  ASSERT_TRUE(bands.accept(0, 0, "a", true));
  EXPECT_EQ(bands.job.pull(task).value(), Job::Pull::kTask);
}

TEST(Adler32, JoinsInOrder) {
  // RFC 1950's sum, by its definition.
  const auto adler = [](std::string_view text) {
    uint32_t a = 1, b = 0;
    for (const char c : text) {
      a = (a + static_cast<unsigned char>(c)) % 65521;
      b = (b + a) % 65521;
    }
    return b << 16 | a;
  };
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>(255 - i % 7);
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{65'521}, size_t{65'522}, text.size()}) {
    const std::string a = text.substr(0, cut), b = text.substr(cut);
    EXPECT_EQ(joined_adler32(adler(a), adler(b), b.size()), adler(text)) << cut;
  }
}

TEST(StripRows, AreFewForWideAndForMuchReducedPictures) {
  auto setup = gray_setup(262'144, 100);
  EXPECT_EQ(strip_rows_for(setup), 1u);
  setup = gray_setup(100, 100);
  EXPECT_EQ(strip_rows_for(setup), 100u);
  setup = gray_setup(100, 100);
  setup.source = {100'000, 100'000, jobs::PixelType::kGray8};
  EXPECT_EQ(strip_rows_for(setup), 1u);
  setup.height_px = 5120;
  EXPECT_EQ(strip_rows_for(setup), 20u);  // 256 strips are enough
}

struct OneFile {
  OneFile() : job({{jobs::LoadTask::What::kPicture, "/a"}}, {}) { (void)job.pull(task); }
  static Bytes header(uint32_t width, uint32_t height) {
    jobs::Loaded loaded;
    loaded.outcome = Outcome::kIndexed;
    loaded.raster = {width, height, jobs::PixelType::kGray8};
    return jobs::encode(loaded);
  }
  Result<> accept(const Bytes& payload, bool first, bool last) {
    return job.accept(task, payload, {.slot = 0, .elapsed_ns = 1, .first = first, .last = last});
  }
  Loading job;
  Task task;
};

TEST(Loading, PixelsComeInPiecesAndAreFrozen) {
  OneFile file;
  ASSERT_TRUE(file.accept(OneFile::header(3, 2), true, false));
  ASSERT_TRUE(file.accept(bytes_of("abcd"), false, false));
  ASSERT_TRUE(file.accept(bytes_of("ef"), false, true));
  auto files = file.job.take_files();
  const auto block = shm::SharedBlock::open(std::move(files[0].block), 6).value();
  EXPECT_EQ(std::memcmp(block.bytes().data(), "abcdef", 6), 0);
}

TEST(Loading, ASecondAttemptStartsAnew) {
  OneFile file;
  ASSERT_TRUE(file.accept(OneFile::header(30, 20), true, false));
  ASSERT_TRUE(file.accept(bytes_of("abcd"), false, false));
  ASSERT_TRUE(file.accept(OneFile::header(3, 1), true, false));
  ASSERT_TRUE(file.accept(bytes_of("xyz"), false, true));
  auto files = file.job.take_files();
  EXPECT_EQ(std::memcmp(shm::SharedBlock::open(std::move(files[0].block), 3)->bytes().data(), "xyz", 3), 0);
}

TEST(Loading, WhatDoesNotFitItsHeaderIsALie) {
  const auto is_lie = [](const Result<>& result) { return !result && result.error().code == Errc::kProtocol; };
  OneFile too_much, too_little, nothing, failure_with_pixels;
  ASSERT_TRUE(too_much.accept(OneFile::header(2, 1), true, false));
  EXPECT_TRUE(is_lie(too_much.accept(bytes_of("abc"), false, false)));
  ASSERT_TRUE(too_little.accept(OneFile::header(2, 1), true, false));
  EXPECT_TRUE(is_lie(too_little.accept(bytes_of("a"), false, true)));
  EXPECT_TRUE(is_lie(nothing.accept(OneFile::header(2, 1), true, true)));
  EXPECT_TRUE(is_lie(failure_with_pixels.accept(jobs::encode(jobs::Loaded{}), true, false)));
}

}  // namespace
}  // namespace pairloom::daemon
