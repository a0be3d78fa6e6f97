// An index that is damaged, in every way a disk can do it: it is set aside and made anew by the next run, nothing of it
// is lost, and no file is touched that was never an index.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "index/index_reader.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/index_contents.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class DamagedIndex : public ::testing::Test {
 protected:
  void SetUp() override {
    for (uint64_t i = 0; i < 12; ++i) add_picture("a/" + std::to_string(i), i / 2, i % 2 == 0 ? 90 : 60);
    for (uint64_t i = 0; i < 4; ++i) add_picture("b/" + std::to_string(i), 100 + i, 90);
    ASSERT_EQ(add("a").status, 0);
    ASSERT_EQ(add("b").status, 0);
    expected_ = test::contents_of(index_);
    ASSERT_THAT(expected_.files, SizeIs(16));
    ASSERT_THAT(expected_.pairs, Not(IsEmpty()));
  }

  void add_picture(const std::string& name, uint64_t seed, int quality) {
    const auto bytes = test::encode_jpeg(test::draw_picture(seed, 320, 240), {.quality = quality});
    dir_.write("pictures/" + name + ".jpg", {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  test::Finished pairloom(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {PAIRLOOM_PROGRAM, "--index", index_});
    return test::run_program(arguments);
  }
  test::Finished add(const std::string& directory) const {
    return pairloom({"index", "add", dir_ / ("pictures/" + directory)});
  }
  std::vector<std::string> set_aside() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(dir_ / "home")) {
      const std::string name = entry.path().filename();
      if (name.find(".set-aside-") != std::string::npos && !name.ends_with("-wal") && !name.ends_with("-shm"))
        found.push_back(entry.path());
    }
    return found;
  }
  void remove_set_aside() const {
    for (const std::string& path : set_aside())
      for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(path + suffix);
  }
  void overwrite(const std::string& path, size_t at, const std::string& bytes) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
  }

  test::TempDir dir_;
  const std::string index_ = dir_.write("home/here", "").substr(0, (dir_ / "home").size()) + "/index.db";
  test::IndexContents expected_;
};

TEST_F(DamagedIndex, IsSetAsideAndMadeAnewByTheNextUpdate) {
  const size_t size = fs::file_size(index_);
  const std::map<std::string, std::function<void()>> damages = {
      {"zeros in the header", [&] { overwrite(index_, 0, std::string(4096, '\0')); }},
      {"garbage in the header", [&] { overwrite(index_, 0, std::string(100, 'G')); }},
      {"zeros behind the header", [&] { overwrite(index_, 4096, std::string(size - 4096, '\0')); }},
      {"zeros in the schema", [&] { overwrite(index_, 100, std::string(3000, '\0')); }},
      {"cut off in a page", [&] { fs::resize_file(index_, 5000); }},
      {"cut off after a page", [&] { fs::resize_file(index_, 4096); }},
      {"a letter", [&] { fs::resize_file(index_, 0), overwrite(index_, 0, "Dear reader, this is no index."); }}};
  for (const auto& [what, damage] : damages) {
    damage();
    const std::string damaged = content_of(index_);
    const auto shown = pairloom({"index", "info"});
    EXPECT_EQ(shown.status, 4) << what << ": " << shown.err;
    EXPECT_EQ(content_of(index_), damaged) << what << ": a reader changes nothing";

    const auto updated = pairloom({"index", "update"});
    EXPECT_EQ(updated.status, 0) << what << ": " << updated.err;
    EXPECT_THAT(updated.err, HasSubstr("is set aside as")) << what;
    EXPECT_EQ(test::contents_of(index_), expected_) << what;
    EXPECT_EQ(test::problems_of(index_), "") << what;
    ASSERT_THAT(set_aside(), SizeIs(1)) << what;
    EXPECT_EQ(content_of(set_aside().front()), damaged) << what << ": nothing of it is lost";
    remove_set_aside();
  }
}

// Page by page: whichever is lost, either the run goes on with a sound index, or makes a new one.
TEST_F(DamagedIndex, WithAnyPageLostEndsInASoundIndex) {
  constexpr size_t kPage = 4096;
  const std::string whole = content_of(index_);
  int renewed = 0;
  for (size_t at = 0; at < whole.size(); at += kPage) {
    fs::remove(index_ + "-wal");
    std::ofstream(index_, std::ios::binary) << whole;
    overwrite(index_, at, std::string(kPage, '\0'));
    const auto updated = pairloom({"index", "update"});
    ASSERT_EQ(updated.status, 0) << "page " << at / kPage << ": " << updated.err;
    renewed += set_aside().empty() ? 0 : 1;
    if (set_aside().empty() && test::problems_of(index_) != "") {
      // A page that no run had to look at: the deep check finds it, and says what to do.
      EXPECT_EQ(pairloom({"index", "verify"}).status, 4) << "page " << at / kPage;
      const auto rebuilt = pairloom({"index", "rebuild"});
      ASSERT_EQ(rebuilt.status, 0) << "page " << at / kPage << ": " << rebuilt.err;
    }
    EXPECT_EQ(test::contents_of(index_), expected_) << "page " << at / kPage;
    ASSERT_EQ(test::problems_of(index_), "") << "page " << at / kPage;
    remove_set_aside();
  }
  EXPECT_GT(renewed, 3);
}

TEST_F(DamagedIndex, AddReadsWhatItIsToldAndUpdateTheRest) {
  overwrite(index_, 0, std::string(4096, '\0'));
  const auto added = add("b");
  EXPECT_EQ(added.status, 0) << added.err;
  EXPECT_THAT(test::contents_of(index_).files, SizeIs(4));
  EXPECT_EQ(pairloom({"index", "update"}).status, 0);
  EXPECT_EQ(test::contents_of(index_), expected_);
}

// A log of another database, as a careless copy leaves it, is not believed.
TEST_F(DamagedIndex, AStrangeLogBesideItIsNotBelieved) {
  ASSERT_EQ(test::run_program({PAIRLOOM_PROGRAM, "--index", dir_ / "home/other.db", "index", "add", dir_ / "pictures/b"})
                .status,
            0);
  fs::copy_file(dir_ / "home/other.db-wal", index_ + "-wal", fs::copy_options::overwrite_existing);
  overwrite(index_ + "-wal", 0, "garbage");
  const auto updated = pairloom({"index", "update"});
  EXPECT_EQ(updated.status, 0) << updated.err;
  EXPECT_EQ(test::contents_of(index_), expected_);
  EXPECT_EQ(test::problems_of(index_), "");
}

TEST_F(DamagedIndex, CanBeMadeAnewOnRequest) {
  const auto rebuilt = pairloom({"index", "rebuild"});
  EXPECT_EQ(rebuilt.status, 0) << rebuilt.err;
  EXPECT_EQ(test::contents_of(index_), expected_);
  ASSERT_THAT(set_aside(), SizeIs(1));
  EXPECT_EQ(test::contents_of(set_aside().front()), expected_) << "it was sound, and still is";
  EXPECT_EQ(pairloom({"index", "rebuild"}).status, 0);
  EXPECT_THAT(set_aside(), SizeIs(2)) << "two in one second do not overwrite each other";
}

// What a person has said is remembered: the distance up to which pairs are stored.
TEST_F(DamagedIndex, ThatIsMadeAnewKeepsTheDistanceThatSomebodyAskedFor) {
  ASSERT_EQ(pairloom({"index", "update", "--features", "dhash"}).status, 0);
  ASSERT_EQ(pairloom({"index", "pair", "--algorithm", "dhash", "--distance", "3"}).status, 0);
  ASSERT_EQ(pairloom({"index", "pair", "--distance", "47"}).status, 0);
  const auto wanted = [&] {
    std::vector<std::string> rows;
    index::IndexReader reader = *index::IndexReader::open(index_);
    for (const Algorithm algorithm : {Algorithm::kPdq, Algorithm::kDhash})
      rows.push_back(std::to_string(reader.pairing_state(algorithm)->wanted));
    return rows;
  };
  ASSERT_THAT(wanted(), ::testing::ElementsAre("47", "3"));
  ASSERT_EQ(pairloom({"index", "rebuild"}).status, 0);
  EXPECT_THAT(wanted(), ::testing::ElementsAre("47", "3"));
}

TEST_F(DamagedIndex, WhatWasNeverAnIndexIsLeftAlone) {
  const std::string picture = dir_ / "pictures/a/0.jpg", before = content_of(picture);
  for (const char* verb : {"add", "update", "rebuild"}) {
    std::vector<std::string> command{PAIRLOOM_PROGRAM, "--index", picture, "index", verb};
    if (verb == std::string("add")) command.push_back(dir_ / "pictures/b");
    const auto refused = test::run_program(command);
    EXPECT_EQ(refused.status, 4) << verb << ": " << refused.err;
    EXPECT_THAT(refused.err, HasSubstr("not a pairloom index")) << verb;
    EXPECT_EQ(content_of(picture), before) << verb;
  }
}

}  // namespace
}  // namespace pairloom
