// kill -9 of workers and openers while they do each of the jobs: the answers are those of an undisturbed run.
// (Indexing, where the supervisor is killed too: kill_test.cpp.)
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

constexpr int kPictures = 30;
// Far from the eight that give a file up, should all of them meet the same one.
constexpr int kMostKillsOfARun = 5;

struct Job {
  const char* name;
  std::vector<std::string> (*arguments)(const test::TempDir& pictures, const std::string& output);
};
void PrintTo(const Job& job, std::ostream* out) {
  *out << job.name;
}

std::string file_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class JobKill : public ::testing::TestWithParam<Job> {
 protected:
  JobKill() {
    for (int i = 0; i < kPictures; ++i) {
      const auto bytes = test::encode_png(test::draw_picture(static_cast<uint64_t>(i), 640, 480));
      pictures_.write(std::to_string(10 + i) + ".png", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  }

  // Standard output goes to a file; the process is pairloom itself.
  std::vector<std::string> command(const std::string& output) const {
    std::vector<std::string> words = {"/bin/sh", "-c", "output=$1; shift; exec \"$@\" > \"$output\"", "sh", output,
                                      PAIRLOOM_PROGRAM, "--jobs", "2"};
    for (const std::string& word : GetParam().arguments(pictures_, output)) words.push_back(word);
    return words;
  }

  test::TempDir pictures_, home_;
};

TEST_P(JobKill, ChangesNothing) {
  const std::string calm = home_ / "calm", stormy = home_ / "stormy";
  ASSERT_EQ(test::Running(command(calm)).wait(), 0);
  const std::string expected = file_bytes(calm);
  ASSERT_FALSE(expected.empty());

  std::mt19937 random(7);
  int killed = 0;
  for (int round = 0; round < 60 && killed < 15; ++round) {
    test::Running run(command(stormy));
    for (int kills = 0; kills < kMostKillsOfARun && !run.ends_within_ms(static_cast<int>(random() % 60));) {
      if (test::kill_a_child(run.pid(), random())) ++kills, ++killed;
    }
    ASSERT_EQ(run.wait(), 0) << "round " << round;
    ASSERT_TRUE(file_bytes(stormy) == expected) << "round " << round << ", see " << stormy;
  }
  EXPECT_GE(killed, 5);
}

std::vector<std::string> match(const test::TempDir& pictures, const std::string&) {
  return {"match", "--method", "orb", pictures / "10.png", pictures.path(), "--geometry", "-o", "csv"};
}
std::vector<std::string> locate(const test::TempDir& pictures, const std::string&) {
  return {"locate", "--diameter", "11", pictures.path()};
}
std::vector<std::string> extract(const test::TempDir& pictures, const std::string&) {
  return {"extract", "--features", "color,lbp,pdq", pictures.path()};
}
// Takes the place of the empty file that the shell made.
std::vector<std::string> transform(const test::TempDir& pictures, const std::string& output) {
  return {"transform", pictures / "10.png", output, "--force", "--format", "pnm", "--map", "rotate", "--angle", "30",
          "--size", "4000x4000"};
}
constexpr Job kJobs[] = {{"match", match}, {"locate", locate}, {"extract", extract}, {"transform", transform}};

INSTANTIATE_TEST_SUITE_P(Jobs, JobKill, ::testing::ValuesIn(kJobs), [](const auto& job) { return job.param.name; });

// What bench prints are times; that both gave the same it checks itself, and ends with 7 if not.
class BenchKill : public ::testing::TestWithParam<const char*> {};

TEST_P(BenchKill, ParallelAnswersStayTheSerialOnes) {
  const test::TempDir home;
  const std::string output = home / "output";
  std::mt19937 random(8);
  test::Running run({"/bin/sh", "-c", "output=$1; shift; exec \"$@\" > \"$output\"", "sh", output, PAIRLOOM_PROGRAM,
                     "--jobs", "2", "bench", "--job", GetParam(), "--sizes", "64,256", "--chunks", "4", "--rounds", "2",
                     "--seconds", "0.2", "-o", "jsonl"});
  int killed = 0;
  for (int kills = 0; kills < kMostKillsOfARun && !run.ends_within_ms(static_cast<int>(20 + random() % 200));) {
    if (test::kill_a_child(run.pid(), random())) ++kills, ++killed;
  }
  EXPECT_EQ(run.wait(), 0);
  EXPECT_GE(killed, 1);
  EXPECT_NE(file_bytes(output).find("\"identical\":true"), std::string::npos) << file_bytes(output);
}

INSTANTIATE_TEST_SUITE_P(Jobs, BenchKill,
                         ::testing::Values("index", "match-orb", "locate", "extract", "transform"),
                         [](const auto& job) {
                           std::string name = job.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace pairloom
