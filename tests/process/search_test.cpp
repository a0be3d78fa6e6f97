// The verbs that search, on pictures that are turned, decided about, moved and taken over from another index.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <opencv2/core.hpp>
#include <set>

#include "base/algorithm.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/program.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/cli/decode.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::Finished;

std::string jpeg_of(const cv::Mat& picture, int quality = 90) {
  test::JpegOptions options;
  options.quality = quality;
  const auto bytes = test::encode_jpeg(picture, options);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string jpeg(uint64_t seed, int quality = 90) {
  return jpeg_of(test::draw_picture(seed, 320, 240), quality);
}

std::vector<json> records(const std::string& jsonl) {
  std::vector<json> all;
  for (const auto& group : test::from_grouped(jsonl, '\n'))
    for (const auto& line : group) all.push_back(json::parse(line));
  return all;
}

using Groups = std::set<std::set<std::string>>;

class SearchVerbs : public ::testing::Test {
 protected:
  void SetUp() override { ::setenv("PAIRLOOM_INDEX", index_.c_str(), 1); }

  Finished run(std::vector<std::string> arguments, const std::string& input = "") const {
    arguments.insert(arguments.begin(), PAIRLOOM_PROGRAM);
    return test::run_program(arguments, input);
  }
  std::string add(std::string_view name, const std::string& bytes) const {
    return dir_.write("p/" + std::string(name), bytes);
  }
  std::string at(std::string_view name) const { return pictures_ + "/" + std::string(name); }
  void index() const {
    const auto r = run({"index", "add", pictures_});
    ASSERT_EQ(r.status, 0) << r.err;
  }
  Groups groups(std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"dups", "-o", "null"});
    const auto r = run(options);
    EXPECT_EQ(r.status, 0) << r.err;
    Groups sets;
    for (const auto& group : test::from_grouped(r.out, '\0')) {
      std::set<std::string> names;
      for (const auto& path : group) names.insert(path.substr(pictures_.size() + 1));
      sets.insert(names);
    }
    return sets;
  }

  test::TempDir dir_;
  std::string pictures_ = dir_ / "p", index_ = dir_ / "index.db";
};

TEST_F(SearchVerbs, MatchFindsTurnedCopiesAndSaysHow) {
  const cv::Mat picture = test::draw_picture(1, 320, 240);
  cv::Mat turned, mirrored;
  cv::rotate(picture, turned, cv::ROTATE_90_CLOCKWISE);
  cv::flip(picture, mirrored, 1);
  add("turned.jpg", jpeg_of(turned, 80));
  add("mirrored.jpg", jpeg_of(mirrored, 80));
  add("other.jpg", jpeg(2));
  const std::string query = dir_.write("query.jpg", jpeg_of(picture));
  index();
  EXPECT_EQ(run({"match", query}).status, 1) << "not found as it is";
  for (const std::string algorithm : {"pdq", "dhash", "phash", "phash256", "dhash-tutorial"}) {
    ASSERT_EQ(run({"index", "update", "--features", algorithm}).status, 0);
    const auto r = run({"match", "--invariant", "flip,rot90", "--algorithm", algorithm, "-o", "jsonl", query});
    ASSERT_EQ(r.status, 0) << algorithm << r.err;
    std::map<std::string, std::string> turns;
    for (const auto& record : records(r.out))
      if (record.at("type") == "match") turns[test::from_json_path(record.at("path"))] = record.at("turn");
    EXPECT_EQ(turns[at("turned.jpg")], "rotate-90") << algorithm;
    EXPECT_EQ(turns[at("mirrored.jpg")], "flip-horizontal") << algorithm;
    if (algorithm == "pdq") {
      EXPECT_EQ(turns.size(), 2u);
    }
  }
  EXPECT_EQ(run({"match", "--invariant", "rot180", query}).status, 1);
  EXPECT_EQ(run({"match", "--invariant", "spin", query}).status, 2);
  EXPECT_EQ(run({"cmp", query, at("turned.jpg")}).status, 1);
  const auto same = run({"cmp", "--invariant", "rot90", query, at("turned.jpg")});
  EXPECT_EQ(same.status, 0);
  EXPECT_NE(same.out.find("after rotate-90"), std::string::npos) << same.out;
}

TEST_F(SearchVerbs, DupsFindsTurnedCopies) {
  const cv::Mat picture = test::draw_picture(1, 320, 240);
  cv::Mat turned, back, mirrored;
  cv::rotate(picture, turned, cv::ROTATE_90_CLOCKWISE);
  cv::rotate(picture, back, cv::ROTATE_90_COUNTERCLOCKWISE);
  cv::flip(picture, mirrored, 0);
  add("a.jpg", jpeg_of(picture));
  add("turned.jpg", jpeg_of(turned));
  add("back.jpg", jpeg_of(back));
  add("mirrored.jpg", jpeg_of(mirrored));
  add("other.jpg", jpeg(2));
  index();
  EXPECT_TRUE(groups().empty());
  EXPECT_EQ(groups({"--invariant", "flip,rot90"}), (Groups{{"a.jpg", "turned.jpg", "back.jpg", "mirrored.jpg"}}));
  const auto r = run({"dups", "--invariant", "flip", "--algorithm", "dhash"});
  EXPECT_EQ(r.status, 2) << r.err;
}

// What is stored and what is computed when asked for must be the same pairs, wherever the line between them is.
TEST_F(SearchVerbs, HowFarPairsAreKeptDoesNotShowInTheGroups) {
  for (uint64_t seed = 1; seed <= 6; ++seed)
    for (const int quality : {92, 30, 4}) add(std::to_string(seed) + "-" + std::to_string(quality) + ".jpg", jpeg(seed, quality));
  ASSERT_EQ(run({"index", "add", "--features", "pdq,dhash", at("1-92.jpg"), pictures_}).status, 0);
  const std::vector<std::string> algorithms = {"pdq", "dhash"}, distances = {"0", "2", "8", "20", "31"};
  const auto all = [&] {
    std::map<std::string, Groups> found;
    for (const auto& algorithm : algorithms)
      for (const auto& distance : distances)
        found[algorithm + distance] = groups({"--algorithm", algorithm, "--distance", distance});
    return found;
  };
  const auto expected = all();
  ASSERT_GT(expected.at("pdq31").size(), expected.at("pdq0").size());
  const auto kept_up_to = [&](const std::string& algorithm) {
    const json about = json::parse(run({"index", "info", "-o", "jsonl"}).out);
    return std::to_string(about.at("algorithms").at(algorithm).at("paired_radius").get<int>());
  };
  for (const auto& algorithm : algorithms) {
    const std::string before = kept_up_to(algorithm);
    for (const std::string distance : {"2", "31", "8", "20"}) {
      const auto r = run({"index", "pair", "--algorithm", algorithm, "--distance", distance});
      ASSERT_EQ(r.status, 0) << r.err;
      EXPECT_EQ(kept_up_to(algorithm), distance);
      EXPECT_EQ(all(), expected) << algorithm << " " << distance;
    }
    EXPECT_EQ(run({"index", "pair", "--algorithm", algorithm, "--distance", "20"}).err.find("0 new pairs"), 0u)
        << "what is there is not looked for again";
    add("new-" + algorithm + ".jpg", jpeg(1, 60));
    ASSERT_EQ(run({"index", "update"}).status, 0);
    EXPECT_EQ(kept_up_to(algorithm), "20") << "remembered for what comes";
    EXPECT_NE(run({"index", "info"}).out.find("paired up to distance 20\n"), std::string::npos) << "new codes too";
    fs::remove(at("new-" + algorithm + ".jpg"));
    ASSERT_EQ(run({"index", "update"}).status, 0);
    ASSERT_EQ(run({"index", "pair", "--algorithm", algorithm, "--default"}).status, 0);
    EXPECT_EQ(kept_up_to(algorithm), before);
    EXPECT_EQ(all(), expected) << algorithm;
  }
  EXPECT_EQ(run({"index", "verify"}).status, 0);
  EXPECT_EQ(run({"index", "pair", "--algorithm", "phash"}).status, 2) << "there are no such codes";
  EXPECT_EQ(run({"index", "pair", "--distance", "200"}).status, 2);
  EXPECT_EQ(run({"index", "pair", "--distance", "20", "--default"}).status, 2);
  EXPECT_EQ(run({"--index", dir_ / "none.db", "index", "pair"}).status, 4);
  EXPECT_FALSE(fs::exists(dir_ / "none.db"));
}

TEST_F(SearchVerbs, ManyQueriesAndCodes) {
  add("a.jpg", jpeg(1));
  add("b.jpg", jpeg(2));
  index();
  const std::string like_a = dir_.write("like a.jpg", jpeg(1, 60)), nothing = dir_.write("n.jpg", jpeg(9));
  const std::string broken = dir_.write("broken.jpg", "\xFF\xD8\xFF nothing");
  const auto r = run({"match", "-o", "null", "--files-from", "-"}, like_a + "\n" + nothing + "\n" + at("b.jpg") + "\n");
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(r.out, at("a.jpg") + '\0' + '\0' + '\0' + at("b.jpg") + '\0' + '\0');
  const auto some = run({"match", "-o", "jsonl", like_a, broken, at("b.jpg")});
  EXPECT_EQ(some.status, 3) << "one of them could not be used";
  int headers = 0, errors = 0, matches = 0;
  std::string code;
  for (const auto& record : records(some.out)) {
    headers += record.at("type") == "header";
    errors += record.at("type") == "error";
    matches += record.at("type") == "match";
    if (record.at("type") == "header") code = record.at("code");
  }
  EXPECT_EQ(headers, 2);
  EXPECT_EQ(errors, 1);
  EXPECT_EQ(matches, 2);
  const auto by_code = run({"match", "--code", code, "-o", "null"});
  EXPECT_EQ(by_code.status, 0) << by_code.err;
  EXPECT_EQ(by_code.out, at("b.jpg") + '\0');
  EXPECT_EQ(run({"match", "--code", "12"}).status, 2);
  EXPECT_EQ(run({"match", "--code", code, "--invariant", "flip"}).status, 2);
  EXPECT_EQ(run({"match"}).status, 2);
}

TEST_F(SearchVerbs, WhatIsNoDuplicateIsNeverShownAgainUntilSomethingNewComes) {
  add("a.jpg", jpeg(1));
  add("b.jpg", jpeg(1, 60));
  index();
  ASSERT_EQ(groups(), (Groups{{"a.jpg", "b.jpg"}}));
  ASSERT_EQ(run({"decide", "not-dup", at("a.jpg"), at("b.jpg")}).status, 0);
  EXPECT_TRUE(groups().empty());
  // Moved, and indexed anew from nothing.
  fs::create_directories(at("deep/er"));
  fs::rename(at("b.jpg"), at("deep/er/c.jpg"));
  for (const auto& entry : fs::directory_iterator(dir_.path()))
    if (entry.path().filename().string().starts_with("index.db") && entry.path().extension() != ".db-decisions") fs::remove(entry.path());
  index();
  EXPECT_TRUE(groups().empty());
  add("new.jpg", jpeg(1, 75));
  index();
  EXPECT_EQ(groups(), (Groups{{"a.jpg", "deep/er/c.jpg", "new.jpg"}}));
  ASSERT_EQ(run({"decide", "--reset", at("a.jpg"), at("deep/er/c.jpg")}).status, 0);
  fs::remove(at("new.jpg"));
  index();
  EXPECT_EQ(groups(), (Groups{{"a.jpg", "deep/er/c.jpg"}}));
}

TEST_F(SearchVerbs, WhatIsKeptIsNotShownUntilACopyComes) {
  add("a.jpg", jpeg(1));
  add("b.jpg", jpeg(1, 60));
  add("x.jpg", jpeg(2));
  add("y.jpg", jpeg(2));
  index();
  std::string id;
  for (const auto& record : records(run({"dups", "-o", "jsonl", at("a.jpg")}).out))
    if (record.at("type") == "group") id = record.at("id");
  ASSERT_EQ(run({"decide", "keep", id}).status, 0);
  EXPECT_EQ(groups(), (Groups{{"x.jpg", "y.jpg"}}));
  EXPECT_EQ(groups({"--decided"}).size(), 2u);
  ASSERT_EQ(run({"decide", "keep", at("x.jpg")}).status, 0) << "both have the same bytes: both stay";
  EXPECT_TRUE(groups().empty());
  add("z.jpg", jpeg(2));
  index();
  EXPECT_EQ(groups(), (Groups{{"x.jpg", "y.jpg", "z.jpg"}}));
  // The text goes to another index, and everything can be taken back.
  const auto text = run({"decide", "--list", "-o", "jsonl"});
  ASSERT_EQ(run({"decide", "--reset", "--all"}).status, 0);
  EXPECT_EQ(groups().size(), 2u);
  ASSERT_EQ(run({"decide", "--from", "-"}, text.out).status, 0);
  EXPECT_EQ(groups(), (Groups{{"x.jpg", "y.jpg", "z.jpg"}}));
  EXPECT_EQ(run({"decide", "not-dup", at("x.jpg"), at("y.jpg")}).status, 2) << "the same bytes";
  EXPECT_EQ(run({"decide", "keep", at("nowhere.jpg")}).status, 2);
  EXPECT_EQ(run({"decide", "--reset"}).status, 2);
}

TEST_F(SearchVerbs, GroupsByPlaceAndTime) {
  add("1/a.jpg", jpeg(1));
  add("1/b.jpg", jpeg(1, 60));
  add("1/c.jpg", jpeg(2));
  add("2/c.jpg", jpeg(2, 60));
  index();
  const std::set<std::string> burst = {"1/a.jpg", "1/b.jpg"}, across = {"1/c.jpg", "2/c.jpg"};
  EXPECT_EQ(groups(), (Groups{burst, across}));
  EXPECT_EQ(groups({"--same-dir", "hide"}), Groups{across});
  EXPECT_EQ(groups({"--same-dir", "only"}), Groups{burst});
  EXPECT_EQ(groups({"--isolate", at("1"), at("2")}), Groups{across});
  EXPECT_EQ(groups({"--roots", "within", at("1"), at("2")}), Groups{burst});
  EXPECT_EQ(groups({"--reference", at("2")}), Groups{across});
  EXPECT_EQ(groups({"--since", "1d"}).size(), 2u);
  EXPECT_TRUE(groups({"--since", "2999-01-01"}).empty());
  EXPECT_EQ(run({"dups", "--since", "soon"}).status, 2);
  for (const auto& record : records(run({"dups", "-o", "jsonl", "--reference", at("2")}).out))
    if (record.at("type") == "group") {
      EXPECT_EQ(record.at("keep_reason"), "originals");
      EXPECT_EQ(test::from_json_path(record.at("members")[0].at("path")), at("2/c.jpg"));
    }
  add("3/c.jpg", jpeg(2, 75));
  index();
  EXPECT_EQ(groups({"--new-only"}), (Groups{{"1/c.jpg", "2/c.jpg", "3/c.jpg"}}));
}

TEST_F(SearchVerbs, ExportAndImportAreARoundTripOfHostileNames) {
  add("plain.jpg", jpeg(1));
  add("with\nnewline, \"quotes\".jpg", jpeg(1, 60));
  add("not \xff utf-8.jpg", jpeg(2));
  add("sub/copy of it.jpg", jpeg(2));
  index();
  const Groups expected = groups();
  ASSERT_EQ(expected.size(), 2u);
  const auto exported = run({"index", "export", "--codes"});
  const std::string arrays = dir_ / "arrays", csv = run({"index", "export", "--codes", "-o", "csv"}).out;
  ASSERT_EQ(run({"index", "export", "-o", "npy", "--to", arrays}).status, 0);
  EXPECT_EQ(fs::file_size(arrays + "/pdq.npy"), 128u + 4 * 32);
  const std::string as_csv = dir_.write("images.csv", csv);
  for (const std::string& source : {std::string("-"), as_csv, arrays}) {
    ::setenv("PAIRLOOM_INDEX", (dir_ / "copy.db").c_str(), 1);
    for (const auto& entry : fs::directory_iterator(dir_.path()))
      if (entry.path().filename().string().starts_with("copy.db")) fs::remove(entry.path());
    const auto r = run({"index", "import", source}, source == "-" ? exported.out : "");
    ASSERT_EQ(r.status, 0) << r.err;
    EXPECT_EQ(groups(), expected) << source;
    const auto again = records(run({"index", "export", "--codes"}).out), first = records(exported.out);
    ASSERT_EQ(again.size(), first.size());
    for (size_t i = 1; i < first.size(); ++i) EXPECT_EQ(again[i], first[i]) << source;
    const auto update = run({"index", "add", pictures_});
    EXPECT_NE(update.err.find("(0 img/s"), std::string::npos) << "files were opened: " << update.err;
    EXPECT_EQ(run({"index", "verify"}).status, 0);
  }
  EXPECT_EQ(run({"index", "import", dir_.write("nonsense", "nonsense\n")}).status, 2);
  const auto bad = run({"index", "import", "-"}, "{\"type\":\"image\",\"path\":{\"text\":\"relative\"}}\n");
  EXPECT_EQ(bad.status, 2);
  EXPECT_NE(bad.err.find("line 1"), std::string::npos) << bad.err;
}

}  // namespace
}  // namespace pairloom
