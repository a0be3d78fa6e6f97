// kill -9 of any process at any moment: after a rerun the index equals that of an undisturbed run, and nothing is left
// behind.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/index_contents.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;

class Kill : public ::testing::Test {
 protected:
  // tools/kill_storm.sh sets these for a long run.
  static int number(const char* name, int default_value) {
    const char* text = std::getenv(name);
    return text ? std::atoi(text) : default_value;
  }
  const int pictures_count_ = number("PAIRLOOM_KILL_FILES", 240);
  const int width_px_ = number("PAIRLOOM_KILL_WIDTH_PX", 320);

  // Programs of our own directory, so that the process table can be searched for leftovers.
  void SetUp() override {
    ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak detector's helper process would be taken for a worker
    fs::create_directory(home_ / "bin");
    fs::copy_file(PAIRLOOM_PROGRAM, home_ / "bin/pairloom");
    fs::copy_file(PAIRLOOM_WORKER, home_ / "bin/pairloom-worker");
    fs::copy_file(PAIRLOOM_OPENER, home_ / "bin/pairloom-opener");
    // Each fourth picture is a lightly re-encoded copy of the one before, so that there are pairs to lose.
    for (int i = 0; i < pictures_count_; ++i) {
      const auto seed = static_cast<uint64_t>(i % 4 == 3 ? i - 1 : i);
      const auto bytes = test::encode_jpeg(test::draw_picture(seed, width_px_, width_px_ * 3 / 4), {.quality = i % 4 == 3 ? 70 : 92});
      pictures_.write(std::to_string(i % 97) + "/" + std::to_string(i) + ".jpg",
                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }

  std::vector<std::string> command(const std::string& index) const {
    return {home_ / "bin/pairloom", "--index", index, "--jobs", "2", "index", "add", pictures_.path()};
  }

  test::TempDir pictures_, home_;
};

TEST_F(Kill, AnyProcessAtAnyMomentLosesNothing) {
  const std::string calm = home_ / "calm.db", stormy = home_ / "stormy.db";
  const auto start = std::chrono::steady_clock::now();
  const auto undisturbed = test::run_program(command(calm));
  const auto calm_ms = static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count());
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.err;
  const test::IndexContents expected = test::contents_of(calm);
  ASSERT_EQ(expected.files.size(), static_cast<size_t>(pictures_count_));
  ASSERT_GE(expected.pairs.size(), static_cast<size_t>(pictures_count_ / 4));

  const int wanted_workers = number("PAIRLOOM_KILL_WORKERS", 34), wanted_supervisors = number("PAIRLOOM_KILL_SUPERVISORS", 16);
  // In proportion to what this build takes on this machine: where a worker hardly gets to its first file between two
  // kills, the same file is hit again and again, and is given up after eight kills, as it should be.
  const int pause_ms = number("PAIRLOOM_KILL_PAUSE_MS", std::max(120, calm_ms / 4));
  std::mt19937 random(20);
  int worker_kills = 0, supervisor_kills = 0, completed = 0;
  const auto left = [&] { return wanted_workers - worker_kills + wanted_supervisors - supervisor_kills; };
  while (left() > 0) {
    test::Running run(command(stormy));
    bool supervisor_killed = false;
    while (!supervisor_killed && left() > 0 &&
           !run.ends_within_ms(static_cast<int>(random() % static_cast<unsigned>(pause_ms)))) {
      const auto workers = test::children_of(run.pid());  // and openers
      if (static_cast<int>(random() % static_cast<unsigned>(left())) < wanted_supervisors - supervisor_kills) {
        run.kill(SIGKILL);
        supervisor_killed = true;
        ++supervisor_kills;
      } else if (!workers.empty()) {
        ::kill(workers[random() % workers.size()], SIGKILL);
        ++worker_kills;
      }
    }
    const int status = run.wait();
    if (supervisor_killed) continue;
    ASSERT_EQ(status, 0);
    ++completed;
    EXPECT_EQ(test::contents_of(stormy), expected);
    if (left() == 0) break;
    for (const auto& entry : fs::directory_iterator(home_.path()))  // the next round starts from nothing
      if (entry.path().filename().string().starts_with("stormy.db")) fs::remove(entry.path());
  }
  ASSERT_EQ(test::run_program(command(stormy)).status, 0);
  EXPECT_EQ(test::contents_of(stormy), expected);
  EXPECT_EQ(test::problems_of(stormy), "");
  std::printf("%d workers and openers and %d supervisors killed, %d runs completed\n", worker_kills, supervisor_kills,
              completed);

  // A worker dies with its supervisor, as soon as the signal is delivered.
  for (const pid_t worker : test::processes_from(home_.path())) EXPECT_TRUE(test::ends_within_ms(worker, 60'000));
  EXPECT_TRUE(test::processes_from(home_.path()).empty());
  for (const auto& entry : fs::directory_iterator("/dev/shm"))
    EXPECT_EQ(entry.path().filename().string().find("pairloom"), std::string::npos) << entry.path();
}

}  // namespace
}  // namespace pairloom
