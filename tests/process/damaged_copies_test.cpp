// Damage is data: a copy that lost its end is indexed, marked, found beside its good original, and never the one to keep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class DamagedCopies : public ::testing::Test {
 protected:
  // A picture with detail everywhere, so that the rest of it is still recognised.
  static test::Bytes jpeg(uint64_t seed, bool progressive = false) {
    return test::encode_jpeg(test::draw_picture(seed, 480, 360), {.progressive = progressive});
  }
  void write(const std::string& name, const test::Bytes& bytes, size_t percent = 100) const {
    dir_.write("p/" + name, {reinterpret_cast<const char*>(bytes.data()), bytes.size() * percent / 100});
  }
  test::Finished pairloom(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {PAIRLOOM_PROGRAM, "--index", dir_ / "i.db"});
    return test::run_program(arguments);
  }
  std::vector<json> groups() const {
    std::vector<json> found;
    std::istringstream lines(pairloom({"dups", "-o", "jsonl"}).out);
    for (std::string line; std::getline(lines, line);)
      if (json record = json::parse(line); record["type"] == "group") found.push_back(std::move(record));
    return found;
  }

  test::TempDir dir_;
};

TEST_F(DamagedCopies, AreFoundBesideTheOriginalAndNeverKept) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const test::Bytes whole = jpeg(seed, seed % 2 == 0);
    const std::string name = std::to_string(seed);
    write(name + " whole.jpg", whole);
    write(name + " 98%.jpg", whole, 98);
    write(name + " 90%.jpg", whole, 90);
    write(name + " 60%.jpg", whole, 60);
  }
  const auto added = pairloom({"index", "add", dir_ / "p"});
  EXPECT_EQ(added.status, 0) << added.err;  // damaged, but no failures
  int beside_their_original = 0;
  for (const json& group : groups()) {
    for (const json& member : group["members"]) {
      const std::string path = member["path"]["text"];
      const bool damaged = path.find('%') != std::string::npos;
      EXPECT_EQ(member["damaged"], damaged) << path;
      EXPECT_FALSE(damaged && member["keep"]) << path;
      beside_their_original += damaged && !group["members"][0]["damaged"];
    }
  }
  EXPECT_GE(beside_their_original, 9) << "of 18; what has lost more shows less";
}

TEST_F(DamagedCopies, AmongThemselvesHaveNoneToKeep) {
  const test::Bytes whole = jpeg(3);
  write("a.jpg", whole, 98);
  write("b.jpg", whole, 97);
  EXPECT_EQ(pairloom({"index", "add", dir_ / "p"}).status, 0);
  const auto found = groups();
  ASSERT_EQ(found.size(), 1u);
  for (const json& member : found[0]["members"]) {
    EXPECT_TRUE(member["damaged"]);
    EXPECT_FALSE(member["keep"]);
  }
}

TEST_F(DamagedCopies, SayInTheIndexWhatTheDecoderSaid) {
  write("cut.jpg", jpeg(4), 50);
  EXPECT_EQ(pairloom({"index", "add", dir_ / "p"}).status, 0);
  const auto asked =
      test::run_program({"/usr/bin/python3", "-c",
                         "import sqlite3, sys\nfor row in sqlite3.connect(sys.argv[1]).execute("
                         "'SELECT damaged, warning FROM v_images'): print(*row)",
                         dir_ / "i.db"});
  EXPECT_THAT(asked.out, ::testing::StartsWith("1 JPEG: ")) << asked.err;
  EXPECT_THAT(asked.out, HasSubstr("end")) << "Premature end of JPEG file";
}

}  // namespace
}  // namespace pairloom
