// Locating particles with real workers: the numbers are those of one process, whatever happens to the workers and to
// single frames.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "daemon/locating.h"
#include "tests/support/draw_frame.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "workerproc/locate/locate.h"

namespace pairloom {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr uint32_t kFrames = 60, kWidth = 160, kHeight = 120;

std::string frame_file(uint32_t seed) {
  const test::FrameOfParticles what{.seed = seed,
                                    .width = kWidth,
                                    .height = kHeight,
                                    .particles = 25,
                                    .radius = 6,
                                    .peak = 120,
                                    .grain = 9,
                                    .ground = 40};
  return test::pgm_of(test::draw_frame<uint8_t>(what), kWidth, kHeight);
}
std::string name_of_frame(uint32_t i) {
  return fmt::format("frame{:03}.pgm", i);
}

class Locating : public ::testing::Test {
 protected:
  void SetUp() override {
    for (uint32_t i = 0; i < kFrames; ++i) dir_.write(name_of_frame(i), frame_file(i));
  }

  // By the worker's code, in this process, one frame after the other.
  static std::vector<std::vector<std::byte>> serially(const jobs::LocateSetup& setup) {
    workerproc::Locator locator(setup);
    workerproc::Picture picture;
    std::vector<std::vector<std::byte>> frames;
    for (uint32_t i = 0; i < kFrames; ++i) {
      const std::string file = frame_file(i);
      EXPECT_TRUE(
          workerproc::decode(std::as_bytes(std::span(file)), {.layout = workerproc::PixelLayout::kChannel}, picture));
      jobs::LocateResult result{kWidth, kHeight, 8, {}};
      locator.locate(picture, result.particles);
      EXPECT_FALSE(result.particles.empty());
      frames.push_back(encode(result));
    }
    return frames;
  }

  std::vector<std::vector<std::byte>> by_workers(const jobs::LocateSetup& setup,
                                                 const std::function<void(uint64_t)>& after_frame = {}) {
    daemon::PoolOptions pool;
    pool.worker_program = PAIRLOOM_WORKER;
    pool.jobs = 2;
    auto jobs = daemon::FileJobs::create(pool);
    EXPECT_TRUE(jobs);
    std::vector<std::vector<std::byte>> frames;
    const auto sink = [&](const daemon::LocatedFrame& frame) -> Result<> {
      EXPECT_EQ(frame.number, frames.size());
      EXPECT_EQ(frame.path, dir_ / name_of_frame(static_cast<uint32_t>(frames.size())));
      frames.push_back(encode(frame.result));
      if (after_frame) after_frame(frames.size());
      return {};
    };
    daemon::FileJobRequest request;
    request.paths = {dir_.path()};
    auto summary = daemon::locate_particles(*jobs, setup, std::move(request), sink, {});
    EXPECT_TRUE(summary);
    summary_ = *summary;
    return frames;
  }

  test::Finished locate(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {PAIRLOOM_PROGRAM, "locate", "--diameter", "9", "-j", "2"});
    return test::run_program(arguments);
  }

  test::TempDir dir_;
  daemon::FileJobSummary summary_;
};

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_F(Locating, WorkersFindWhatOneProcessFinds) {
  auto setup = jobs::LocateSetup::for_diameter(9);
  EXPECT_EQ(by_workers(setup), serially(setup));
  EXPECT_EQ(summary_.done, kFrames);
  EXPECT_EQ(summary_.worker_deaths, 0u);
  setup.invert = true;
  setup.topn = 12;
  setup.percentile = 80;
  EXPECT_EQ(by_workers(setup), serially(setup));
}

// A kill counts where it took work from a worker: on a busy machine all may be answered before the first one comes.
TEST_F(Locating, WorkersKilledOnTheWayChangeNothing) {
  const auto setup = jobs::LocateSetup::for_diameter(9);
  const auto kill_somebody = [](uint64_t frames) {
    if (frames % 15 == 1) test::kill_a_child(::getpid(), frames);
  };
  const auto calm = serially(setup);
  uint64_t deaths = 0;
  for (int round = 0; round < 50 && deaths < 2; ++round, deaths += summary_.worker_deaths)
    ASSERT_EQ(by_workers(setup, kill_somebody), calm) << "round " << round;
  EXPECT_GE(deaths, 2u);
}

TEST_F(Locating, CsvHasTrackpysColumnsAndTheFramesInOrder) {
  const auto done = locate({dir_.path()});
  EXPECT_EQ(done.status, 0) << done.err;
  const auto lines = lines_of(done.out);
  ASSERT_GT(lines.size(), 1u);
  EXPECT_EQ(lines[0], "y,x,mass,size,ecc,signal,raw_mass,ep,frame");
  const auto expected = serially(jobs::LocateSetup::for_diameter(9));
  size_t line = 1;
  for (uint32_t frame = 0; frame < kFrames; ++frame) {
    const auto located = jobs::decode_locate_result(expected[frame]);
    ASSERT_TRUE(located);
    for (const auto& particle : located->particles) {
      ASSERT_LT(line, lines.size());
      std::istringstream fields(lines[line++]);
      std::vector<double> values;
      for (std::string field; std::getline(fields, field, ',');)
        values.push_back(field.empty() ? NAN : std::stod(field));
      ASSERT_EQ(values.size(), 9u);
      EXPECT_EQ(values[0], particle.y) << "numbers read back as they were";
      EXPECT_EQ(values[1], particle.x);
      EXPECT_EQ(values[2], particle.mass);
      EXPECT_EQ(values[4], particle.ecc);
      if (std::isfinite(particle.ep)) {
        EXPECT_EQ(values[7], particle.ep);
      } else {
        EXPECT_TRUE(std::isnan(values[7]));
      }
      EXPECT_EQ(values[8], frame);
    }
  }
  EXPECT_EQ(line, lines.size());
}

TEST_F(Locating, WithoutCharacterizeThereAreFourColumns) {
  const auto lines = lines_of(locate({"--no-characterize", dir_ / name_of_frame(0)}).out);
  ASSERT_GT(lines.size(), 1u);
  EXPECT_EQ(lines[0], "y,x,mass,frame");
  EXPECT_EQ(std::count(lines[1].begin(), lines[1].end(), ','), 3);
}

// A frame that cannot be read must not shift the numbers of those behind it; what is no frame has none.
TEST_F(Locating, ABadFrameKeepsItsNumberAndIsNotFatal) {
  dir_.write(name_of_frame(1), "P5\n160 120\n255\n too short");
  dir_.write(name_of_frame(3), "");
  dir_.write("README", "no frame");
  const auto done = locate({"-o", "jsonl", dir_.path()});
  EXPECT_EQ(done.status, 3);
  EXPECT_THAT(done.err, HasSubstr(name_of_frame(1)));
  EXPECT_THAT(done.err, HasSubstr(name_of_frame(3) + ": there is no image in it; skipping"));
  EXPECT_THAT(done.err, HasSubstr("58/60 images"));
  std::vector<nlohmann::json> records;
  for (const auto& line : lines_of(done.out)) records.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(records.size(), kFrames + 2);
  EXPECT_EQ(records[0]["schema"], "pairloom.particles/1");
  EXPECT_EQ(records[0]["separation"], 10);
  for (uint32_t i = 0; i < kFrames; ++i) {
    const auto& record = records[i + 1];
    EXPECT_EQ(record["frame"], i);
    EXPECT_EQ(record["path"]["text"], dir_ / name_of_frame(i));
    EXPECT_EQ(record["type"], i == 1 || i == 3 ? "error" : "frame");
  }
  EXPECT_EQ(records[2]["outcome"], "corrupt");
  EXPECT_GT(records[1]["particles"].size(), 5u);
  EXPECT_EQ(records[1]["particles"][0].size(), 8u);
  EXPECT_EQ(records.back(), nlohmann::json::parse(fmt::format(
                                R"({{"type":"summary","frames":58,"particles":{},"failed":2,"other_files":1}})",
                                records.back()["particles"].get<int>())));
}

TEST_F(Locating, FramesComeInTheOrderInWhichTheyAreNamed) {
  const auto done = locate({"-o", "human", dir_ / name_of_frame(9), dir_ / name_of_frame(2)});
  const auto lines = lines_of(done.out);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], StartsWith("     0"));
  EXPECT_THAT(lines[0], HasSubstr(name_of_frame(9)));
  EXPECT_THAT(lines[1], HasSubstr(name_of_frame(2)));
}

TEST_F(Locating, StoreKeepsTheParticlesInTheIndexAndFindsThemOnce) {
  const test::TempDir home;
  const std::string index = home / "index.db";
  const auto stored = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {dir_.path(), "--store", "--index", index});
    return locate(std::move(more));
  };
  EXPECT_EQ(stored({}).status, 4) << "there is no index, and none is made";
  ASSERT_EQ(test::run_program({PAIRLOOM_PROGRAM, "--index", index, "index", "add", dir_.path()}).status, 0);
  const auto first = stored({});
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_EQ(first.out, "");
  EXPECT_THAT(first.err, HasSubstr(fmt::format("features of {} images stored, of 0 already there", kFrames)));
  EXPECT_THAT(stored({}).err, HasSubstr(fmt::format("features of 0 images stored, of {} already there", kFrames)));
  EXPECT_THAT(stored({"--topn", "3"}).err, HasSubstr("of 0 already there")) << "other parameters, other particles";

  // What is stored is what is printed.
  const auto printed = stored({"-o", "csv"});
  const auto lines = lines_of(printed.out);
  ASSERT_GT(lines.size(), 1u);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(index.c_str(), &db), SQLITE_OK);
  sqlite3_stmt* query = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db,
                               "SELECT rows, data, columns FROM v_features f JOIN v_images USING (content) "
                               "WHERE f.name = 'locate' AND f.parameters LIKE '% topn=0' ORDER BY path",
                               -1, &query, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(db);
  size_t line = 1;
  for (uint32_t frame = 0; sqlite3_step(query) == SQLITE_ROW; ++frame) {
    EXPECT_STREQ(reinterpret_cast<const char*>(sqlite3_column_text(query, 2)), "y,x,mass,size,ecc,signal,raw_mass,ep");
    const auto rows = static_cast<size_t>(sqlite3_column_int(query, 0));
    std::vector<double> values(rows * 8);
    ASSERT_EQ(sqlite3_column_bytes(query, 1), static_cast<int>(values.size() * sizeof(double)));
    std::memcpy(values.data(), sqlite3_column_blob(query, 1), values.size() * sizeof(double));
    for (size_t row = 0; row < rows; ++row, ++line) {
      ASSERT_LT(line, lines.size());
      const double* v = &values[8 * row];
      EXPECT_TRUE(lines[line].starts_with(fmt::format("{},{},{},", v[0], v[1], v[2])));
      EXPECT_TRUE(lines[line].ends_with(fmt::format(",{}", frame)));
    }
  }
  EXPECT_EQ(line, lines.size());
  sqlite3_finalize(query);
  sqlite3_close(db);
}

TEST_F(Locating, WhatCannotBeIsSaid) {
  const auto error_of = [this](std::vector<std::string> arguments) {
    arguments.push_back(dir_ / name_of_frame(0));
    const auto done = locate(std::move(arguments));
    EXPECT_EQ(done.status, 2);
    EXPECT_EQ(done.out, "");
    return done.err;
  };
  EXPECT_THAT(error_of({"--diameter", "12"}), HasSubstr("--diameter 12 is not an odd number"));
  EXPECT_THAT(error_of({"--smoothing-size", "8"}), HasSubstr("--smoothing-size 8 is not an odd number"));
  EXPECT_THAT(error_of({"--noise-size", "9"}), HasSubstr("--noise-size 9 is not less than the smoothing size 9"));
  EXPECT_THAT(error_of({"--percentile", "101"}), HasSubstr("--percentile 101"));
  EXPECT_THAT(error_of({"--minmass", "heavy"}), HasSubstr("'heavy' is not a number of 0 or more"));
  const auto nothing = locate({});
  EXPECT_EQ(nothing.status, 2);
  EXPECT_THAT(nothing.err, HasSubstr("nothing to look at"));
}

TEST_F(Locating, AFrameThatIsTooLargeOrHasNoSuchChannelIsReported) {
  const auto large = locate({"--max-pixels", "10000", dir_ / name_of_frame(0)});
  EXPECT_EQ(large.status, 3);
  EXPECT_THAT(large.err, HasSubstr("160x120 pixels exceed the limit of 10000"));
  const auto channel = locate({"--channel", "2", dir_ / name_of_frame(0)});
  EXPECT_EQ(channel.status, 3);
  EXPECT_THAT(channel.err, HasSubstr("there is no channel 2"));
}

TEST(NamedAsImage, GoesByTheEnding) {
  for (const char* name : {"a.png", "/x/b.TIF", "c.1.tiff", "d.pgm"})
    EXPECT_TRUE(daemon::is_named_as_image(name)) << name;
  for (const char* name : {"png", ".png", "/x.png/README", "notes.txt", "a.png.bak", "", "x."})
    EXPECT_FALSE(daemon::is_named_as_image(name)) << name;
}

}  // namespace
}  // namespace pairloom
