// The program as its users meet it: every verb on drawn pictures, every exit code.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <regex>
#include <set>

#include "base/algorithm.h"
#include "base/fd.h"
#include "index/index_writer.h"
#include "tests/process/cli_fixture.h"
#include "tests/support/program.h"
#include "tests/unit/cli/decode.h"

namespace pairloom {
namespace {

namespace fs = std::filesystem;

TEST_F(Cli, ScanListsTheGroupsAndSaysWhatItDid) {
  add_families();
  const auto r = run({"scan", "-o", "null", pictures_});
  EXPECT_EQ(r.status, 0) << r.err;
  EXPECT_EQ(as_sets(test::from_grouped(r.out, '\0')), families());
  EXPECT_TRUE(std::regex_search(
      r.err,
      std::regex("(^|\n)6/6 images finished after [0-9.]+ s \\([0-9.]+ img/s, [0-9]+ workers?, 0 unreadable\\)\n")))
      << r.err;
  EXPECT_EQ(r.err.find('\r'), std::string::npos) << "a progress bar in a pipe";
  EXPECT_EQ(r.err.find('\x1b'), std::string::npos);
}

TEST_F(Cli, ASecondScanOpensNothing) {
  add_families();
  ASSERT_EQ(run({"scan", pictures_}).status, 0);
  const auto r = run({"scan", "-o", "null", pictures_});
  EXPECT_NE(r.err.find("6/6 images finished"), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("(0 img/s"), std::string::npos) << r.err;
  EXPECT_EQ(as_sets(test::from_grouped(r.out, '\0')), families());
}

TEST_F(Cli, HumanMarksCopiesAndSuggestsTheLargest) {
  add_families();
  ASSERT_EQ(run({"index", "add", pictures_}).status, 0);
  const auto r = run({"dups", at("sub")});
  EXPECT_EQ(r.status, 0);
  EXPECT_TRUE(std::regex_search(
      r.out, std::regex("group 1: 3 files, .* reclaimable, distance up to [0-9]+; keep: (oldest|first by path)\n")))
      << r.out;
  EXPECT_TRUE(std::regex_search(r.out, std::regex("\n  = exact +[0-9]+  640x480  jpeg +[0-9]+ kB  /"))) << r.out;
  EXPECT_TRUE(std::regex_search(r.out, std::regex("\n  ~ near +[0-9]+  200x150  jpeg +[0-9.]+ kB  /"))) << r.out;
  EXPECT_EQ(r.out.find("b.png"), std::string::npos) << "limited to groups below sub/";
}

TEST_F(Cli, QuietSaysNothingAndFailIfFoundIsTen) {
  add_families();
  const auto r = run({"scan", "-q", "--fail-if-found", pictures_});
  EXPECT_EQ(r.status, 10);
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(run({"dups", "--fail-if-found", at("loner.jpg")}).status, 0);
}

TEST_F(Cli, PresetsAndDistances) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  const Groups copies = {{at("a.jpg"), at("sub/copy.jpg")}};
  EXPECT_EQ(as_sets(test::from_grouped(run({"dups", "--preset", "exact", "-o", "null"}).out, '\0')), copies);
  EXPECT_EQ(as_sets(test::from_grouped(run({"dups", "--exact-only", "-o", "null"}).out, '\0')), copies);
  EXPECT_EQ(as_sets(test::from_grouped(run({"dups", "--distance", "31", "-o", "null"}).out, '\0')), families());
  EXPECT_EQ(
      as_sets(test::from_grouped(run({"dups", "--limit", "1", "--sort", "path", "-o", "fdupes"}).out, '\n')).size(),
      1u);
  const auto none = run({"dups", "--algorithm", "dhash"});
  EXPECT_EQ(none.status, 2);
  EXPECT_NE(none.err.find("pairloom index update --features dhash"), std::string::npos) << none.err;
}

// Beyond the stored radius everything is computed; the answer must be that of comparing every two codes.
TEST_F(Cli, AnyDistanceIsExact) {
  for (uint64_t seed = 1; seed <= 12; ++seed)
    for (int variant = 0; variant < 4; ++variant)
      add(std::to_string(seed) + "-" + std::to_string(variant) + ".jpg",
          jpeg(seed, 320 - 70 * variant, 240 - 50 * variant, 90 - 25 * variant));
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  const auto exported = run({"index", "export", "--codes"});
  std::vector<std::string> paths;
  std::vector<Code> codes;
  for (const auto& record : records(exported.out))
    if (record["type"] == "image") {
      paths.push_back(test::from_json_path(record["path"]));
      codes.push_back(code_from_hex(record["codes"]["pdq"].get<std::string>(), 256).value());
    }
  ASSERT_EQ(paths.size(), 48u);
  for (const int distance : {0, 4, 10, 31, 48, 100, 120}) {
    std::vector<size_t> root(paths.size());
    std::iota(root.begin(), root.end(), size_t{0});
    const auto find = [&](size_t i) {
      while (root[i] != i) i = root[i];
      return i;
    };
    for (size_t i = 0; i < paths.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        if (hamming_distance(codes[i], codes[j]) <= distance) root[find(i)] = find(j);
    std::map<size_t, std::set<std::string>> components;
    for (size_t i = 0; i < paths.size(); ++i) components[find(i)].insert(paths[i]);
    Groups want;
    for (const auto& [at, members] : components)
      if (members.size() > 1) want.insert(members);
    const auto r = run({"dups", "--linkage", "single", "--distance", std::to_string(distance), "-o", "null"});
    EXPECT_EQ(as_sets(test::from_grouped(r.out, '\0')), want) << distance;
  }
}

// Equal codes are linked to the earliest only: when that file became another picture, the others still are a group.
TEST_F(Cli, EqualPicturesStayTogetherWhenTheFirstOfThemGoes) {
  for (const char* name : {"1.png", "2.png", "3.png"}) add(name, png(5, name));
  add("near.jpg", jpeg(5, 240, 180, 60));
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  add("1.png", png(77));
  fs::last_write_time(at("1.png"), fs::file_time_type::clock::now() + std::chrono::hours(1));
  ASSERT_EQ(run({"index", "update", "-q"}).status, 0);
  const Groups want = {{at("2.png"), at("3.png"), at("near.jpg")}};
  for (const char* distance : {"31", "40"})
    EXPECT_EQ(as_sets(test::from_grouped(run({"dups", "--distance", distance, "-o", "null"}).out, '\0')), want)
        << distance;
  ASSERT_EQ(run({"index", "prune"}).status, 0);
  EXPECT_EQ(as_sets(test::from_grouped(run({"dups", "-o", "null"}).out, '\0')), want);
}

TEST_F(Cli, UnreadableInputsAreListedAndExitThree) {
  add_families();
  add("broken.jpg", jpeg(4).substr(0, 300));
  const auto r = run({"scan", "-o", "jsonl", pictures_});
  EXPECT_EQ(r.status, 3);
  EXPECT_NE(r.err.find("warning: " + at("broken.jpg") + ": "), std::string::npos) << r.err;
  EXPECT_NE(r.err.find("6/7 images finished"), std::string::npos) << r.err;
  const auto all = records(r.out);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const json& record) {
    return record["type"] == "error" && test::from_json_path(record["path"]) == at("broken.jpg");
  }));
  const auto failures = records(run({"index", "failures", "-o", "jsonl"}).out);
  ASSERT_EQ(failures.size(), 1u);
  EXPECT_EQ(test::from_json_path(failures[0]["path"]), at("broken.jpg"));
  EXPECT_EQ(run({"index", "failures", "-o", "null"}).out, at("broken.jpg") + '\0');
  EXPECT_EQ(run({"scan", dir_ / "nowhere"}).status, 3);
}

TEST_F(Cli, MatchFindsIndexedAndForeignImages) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  const auto same = test::from_grouped(run({"match", at("a.jpg"), "-o", "fdupes"}).out, '\n').at(0);
  EXPECT_EQ(std::set<std::string>(same.begin(), same.end()),
            (std::set<std::string>{at("a.jpg"), at("sub/copy.jpg"), at("a-small.jpg")}));
  EXPECT_EQ(same.back(), at("a-small.jpg")) << "nearest first";
  const auto others = test::from_grouped(run({"match", "--exclude-self", at("a.jpg"), "-o", "fdupes"}).out, '\n').at(0);
  EXPECT_EQ(others, (std::vector<std::string>{at("sub/copy.jpg"), at("a-small.jpg")}));

  const std::string foreign = dir_.write("foreign.png", png(2, "not in the index"));
  const auto found = records(run({"match", foreign, "-o", "jsonl"}).out);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0]["schema"], "pairloom.match/1");
  EXPECT_EQ(found[1]["match"], "near");

  const std::string unknown = dir_.write("unknown.png", png(99));
  EXPECT_EQ(run({"match", unknown}).status, 1);
  EXPECT_EQ(run({"match", "-k", "2", unknown, "-o", "null"}).status, 0);
  EXPECT_EQ(test::from_grouped(run({"match", "-k", "2", unknown, "-o", "null"}).out, '\0').at(0).size(), 2u);
  EXPECT_EQ(run({"match", at("notes.txt")}).status, 3);
  EXPECT_EQ(run({"match", dir_ / "missing.jpg"}).status, 3);
}

TEST_F(Cli, CmpAnswersByExitCode) {
  add_families();
  ::setenv("PAIRLOOM_INDEX", "/nowhere/index.db", 1);  // it needs none
  EXPECT_EQ(run({"cmp", at("a.jpg"), at("a-small.jpg")}).status, 0);
  EXPECT_EQ(run({"cmp", at("a.jpg"), at("b.jpg")}).status, 1);
  EXPECT_EQ(run({"cmp", at("a.jpg"), at("notes.txt")}).status, 3);
  EXPECT_EQ(run({"cmp", "--preset", "exact", at("a.jpg"), at("a-small.jpg")}).status, 1);
  EXPECT_EQ(run({"cmp", "--preset", "exact", at("a.jpg"), at("sub/copy.jpg")}).status, 0);
  EXPECT_EQ(run({"cmp", at("a.jpg"), at("sub/copy.jpg")}).out, "identical files: distance 0 of 256 (pdq)\n");
  EXPECT_TRUE(std::regex_match(run({"cmp", at("a.jpg"), at("b.jpg")}).out,
                               std::regex("different pictures: distance [0-9]+ of 256 \\(pdq\\)\n")));
  for (const auto& a : algorithms())
    EXPECT_EQ(run({"cmp", "--algorithm", std::string(a.name), at("b.jpg"), at("b.png")}).status, 0) << a.name;
}

TEST_F(Cli, IndexTroublesAreExitFour) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"dups"}, {"index", "info"}, {"index", "update"}, {"index", "prune"}, {"status"}, {"match", "/x"}}) {
    const auto r = run(words);
    EXPECT_EQ(r.status, 4) << words.back() << r.err;
    EXPECT_EQ(r.out, "");
  }
  EXPECT_FALSE(fs::exists(index_)) << "reading must not make an index";
  dir_.write("index.db", std::string(10'000, 'x'));
  EXPECT_EQ(run({"dups"}).status, 4);
  EXPECT_EQ(run({"scan", pictures_}).status, 4);
}

TEST_F(Cli, ANewerIndexIsRefused) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  {
    // user_version is a big-endian number at offset 60 of an SQLite file (sqlite.org/fileformat.html).
    std::fstream file(index_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);
    file.write("\x00\x00\x7f\xff", 4);
  }
  for (const auto& words : std::vector<std::vector<std::string>>{{"dups"}, {"scan", pictures_}}) {
    const auto r = run(words);
    EXPECT_EQ(r.status, 4) << r.err;
    EXPECT_NE(r.err.find("newer"), std::string::npos) << r.err;
  }
}

TEST_F(Cli, AWriterAtWorkIsExitFiveButDoesNotStopReaders) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  const auto writer = index::IndexWriter::open(index_, "the test");
  ASSERT_TRUE(writer);
  const auto r = run({"scan", pictures_});
  EXPECT_EQ(r.status, 5);
  EXPECT_NE(r.err.find("the test"), std::string::npos) << r.err;
  EXPECT_EQ(as_sets(test::from_grouped(run({"dups", "-o", "null"}).out, '\0')), families());
}

TEST_F(Cli, InterruptedRunsExit130) {
  const std::string fifo = dir_ / "list";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  test::Running scan({PAIRLOOM_PROGRAM, "scan", "--files-from", fifo});
  const Fd list(::open(fifo.c_str(), O_WRONLY | O_CLOEXEC));  // returns when the program has opened its end
  ASSERT_TRUE(list);
  scan.kill(SIGINT);
  EXPECT_EQ(scan.wait(), 130);
}

TEST_F(Cli, AReaderThatGoesAwayEndsQuietly) {
  for (int i = 0; i < 400; ++i)
    add(std::string(180, 'n') + std::to_string(i) + ".jpg", i == 0 ? jpeg(1, 64, 48) : jpeg(1, 64, 48));
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  const auto r = shell("\"$1\" dups -o fdupes | head -n 1");
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.err, "");
  EXPECT_EQ(r.out.substr(0, pictures_.size()), pictures_);
}

TEST_F(Cli, AFullDiskIsReported) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  for (const char* words : {"dups", "index export", "index info", "status", "--help"}) {
    const auto r = shell("\"$1\" " + std::string(words) + " > /dev/full");
    EXPECT_EQ(r.status, 7) << words;
    EXPECT_NE(r.err.find("No space left"), std::string::npos) << words << r.err;
  }
}

TEST_F(Cli, ColoursAreForTerminalsOrWhenAskedFor) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", pictures_}).status, 0);
  EXPECT_EQ(run({"dups"}).out.find('\x1b'), std::string::npos);
  EXPECT_NE(run({"dups", "--color", "always"}).out.find('\x1b'), std::string::npos);
  EXPECT_EQ(run({"dups", "--color", "always", "-o", "fdupes"}).out.find('\x1b'), std::string::npos);
}

TEST_F(Cli, SelectionOptionsChooseFiles) {
  add_families();
  add(".hidden/h.jpg", jpeg(2));
  const auto indexed = [&](std::vector<std::string> options) {
    fs::remove(index_);
    for (const auto& entry : fs::directory_iterator(dir_.path()))
      if (entry.path().filename().string().starts_with("index.db")) fs::remove(entry.path());
    options.insert(options.begin(), {"index", "add", "-q"});
    options.push_back(pictures_);
    EXPECT_EQ(run(options).status, 0);
    std::set<std::string> names;
    for (const auto& record : records(run({"index", "export"}).out))
      if (record["type"] == "image") names.insert(test::from_json_path(record["path"]).substr(pictures_.size() + 1));
    return names;
  };
  using Names = std::set<std::string>;
  EXPECT_EQ(indexed({"--include", "*.png"}), (Names{"b.png"}));
  EXPECT_EQ(indexed({"--exclude", "a*", "--exclude", "sub"}), (Names{"b.jpg", "b.png", "loner.jpg"}));
  EXPECT_EQ(indexed({"--max-depth", "0", "--exclude", "*.jpg"}), (Names{"b.png"}));
  EXPECT_EQ(indexed({"--hidden", "--include", "h.jpg"}), (Names{".hidden/h.jpg"}));
}

TEST_F(Cli, LowInformationImagesStandApart) {
  const cv::Mat flat(240, 320, CV_8UC3, cv::Scalar(128, 128, 128));
  add("flat.png", std::string(text_of(test::encode_png(flat))));
  add("flat.jpg", std::string(text_of(test::encode_jpeg(flat))));
  add("b.jpg", jpeg(2));
  const auto r = run({"scan", pictures_});
  EXPECT_EQ(r.status, 0);
  EXPECT_EQ(r.out, "no duplicates found\n");
  EXPECT_NE(r.err.find("2 low-information images"), std::string::npos) << r.err;
  const auto listed = test::from_grouped(run({"dups", "--low-information", "-o", "null"}).out, '\0');
  EXPECT_EQ(as_sets(listed), (Groups{{at("flat.jpg"), at("flat.png")}}));
}

TEST_F(Cli, UpkeepVerbs) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", "--features", "pdq,dhash", pictures_}).status, 0);
  auto info = records(run({"index", "info", "-o", "jsonl"}).out).at(0);
  EXPECT_EQ(info["files"], 6);
  EXPECT_EQ(info["algorithms"]["dhash"]["codes"], 5);
  EXPECT_EQ(run({"index", "verify"}).status, 0);
  EXPECT_EQ(run({"dups", "--algorithm", "dhash", "--preset", "related", "-o", "null"}).status, 0);

  fs::remove(at("loner.jpg"));
  EXPECT_EQ(run({"index", "update", "-q"}).status, 0);
  EXPECT_EQ(run({"index", "prune", "-n"}).out.substr(0, 25), "would forget 1 gone files");
  EXPECT_EQ(run({"index", "prune"}).out.substr(0, 19), "forgot 1 gone files");
  EXPECT_EQ(run({"index", "prune"}).out.substr(0, 19), "forgot 0 gone files");
  info = records(run({"index", "info", "-o", "jsonl"}).out).at(0);
  EXPECT_EQ(info["files"], 5);
  EXPECT_EQ(info["gone"], 0);
  EXPECT_EQ(run({"index", "verify"}).status, 0);
  EXPECT_NE(run({"index", "info"}).out.find("pdq"), std::string::npos);
}

TEST_F(Cli, StatusTellsRunsAndWorkers) {
  add_families();
  ASSERT_EQ(run({"index", "add", "-q", "-j", "2", pictures_}).status, 0);
  ASSERT_EQ(run({"index", "update", "-q"}).status, 0);
  const auto all = records(run({"status", "-o", "jsonl"}).out);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1]["kind"], "update");
  EXPECT_EQ(all[1]["unchanged"], 6);
  EXPECT_EQ(all[2]["indexed"], 6);
  uint64_t tasks = 0;
  for (const auto& worker : all[2]["workers"]) tasks += worker["tasks"].get<uint64_t>();
  EXPECT_GE(tasks, 6u);
  EXPECT_NE(run({"status"}).out.find("index add -q -j 2 "), std::string::npos);
}

TEST_F(Cli, DoctorFindsItsPartsAndSaysHowToMend) {
  const auto r = run({"doctor", "-o", "jsonl"});
  EXPECT_EQ(r.status, 0) << r.out;
  std::map<std::string, json> findings;
  for (const auto& finding : records(r.out)) findings[finding["subject"]] = finding;
  EXPECT_EQ(findings.at("worker")["state"], "ok");
  EXPECT_EQ(findings.at("decoder jpeg")["state"], "ok");
  EXPECT_EQ(findings.at("index")["fix"], "pairloom scan DIR");
  EXPECT_FALSE(fs::exists(index_));
}

TEST_F(Cli, UsageErrorsAreTwoAndTouchNothing) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{},
                                             {"scan"},
                                             {"scna"},
                                             {"scan", "--distance", "129", pictures_},
                                             {"scan", "--algorithm", "dhash", "--distance", "40", pictures_},
                                             {"scan", "-0", pictures_},
                                             {"scan", "--files-from", "-", pictures_}}) {
    const auto r = run(words);
    EXPECT_EQ(r.status, 2) << r.err;
    EXPECT_EQ(r.out, "");
    EXPECT_NE(r.err, "");
  }
  EXPECT_FALSE(fs::exists(index_));
}

}  // namespace
}  // namespace pairloom
