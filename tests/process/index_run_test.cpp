// Indexing runs end to end, with the real worker on real files: what is decoded, what is recognised, what is kept.
#include "daemon/index_run.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "base/fd.h"
#include "index/index_reader.h"
#include "index/index_writer.h"
#include "index/pairing_store.h"
#include "jobs/pair_job.h"
#include "tests/support/draw.h"
#include "tests/support/encode.h"
#include "tests/support/temp_dir.h"

namespace pairloom::daemon {
namespace {

namespace fs = std::filesystem;

std::string as_text(const test::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string jpeg(uint64_t seed, int quality = 90) {
  return as_text(test::encode_jpeg(test::draw_picture(seed, 320, 240), {.quality = quality}));
}

class IndexRunTest : public ::testing::Test {
 protected:
  IndexRequest request() const {
    IndexRequest request;
    request.roots = {pictures_.path()};
    request.pool.jobs = 2;
    request.pool.worker_program = PAIRLOOM_WORKER;
    return request;
  }

  index::RunTotals run(const IndexRequest& request) {
    auto index = index::IndexWriter::open(index_path(), "test");
    EXPECT_TRUE(index) << index.error().message;
    problems_.clear();
    RunObserver observer;
    observer.problem = [this](const Problem& problem) { problems_[problem.path] = problem.reason; };
    auto summary = run_index(*index, request, observer);
    EXPECT_TRUE(summary) << summary.error().message;
    missing_roots_ = summary->missing_roots;
    return summary->totals;
  }
  index::RunTotals run() { return run(request()); }

  index::IndexReader reader() const { return index::IndexReader::open(index_path()).value(); }

  std::map<std::string, Outcome> files() const {
    std::map<std::string, Outcome> all;
    EXPECT_TRUE(reader().visit_files([&](const index::FileRow& row) -> Result<> {
      all[row.path] = row.outcome;
      return {};
    }));
    return all;
  }

  uint64_t pair_count(Algorithm algorithm = Algorithm::kPdq) const {
    uint64_t count = 0;
    EXPECT_TRUE(reader().visit_pairs(algorithm, 256, [&](const index::PairRow&) -> Result<> {
      ++count;
      return {};
    }));
    return count;
  }

  std::string index_path() const { return home_ / "index.db"; }

  test::TempDir pictures_, home_;
  std::map<std::string, std::string> problems_;
  std::vector<std::string> missing_roots_;
};

TEST_F(IndexRunTest, FindsANearDuplicateAndAnExactOne) {
  pictures_.write("a.jpg", jpeg(1));
  pictures_.write("a-again.jpg", jpeg(1));
  pictures_.write("a-small.jpg", jpeg(1, 60));
  pictures_.write("other.jpg", jpeg(2));
  const auto totals = run();
  EXPECT_EQ(totals.indexed, 4u);
  EXPECT_EQ(totals.failed, 0u);
  EXPECT_EQ(pair_count(), 1u);
  EXPECT_EQ(reader().contents_with_copies().value().size(), 1u);
}

TEST_F(IndexRunTest, PairingThatWasCutShortGoesOnWhereItWas) {
  for (const auto& [name, seed] : {std::pair("1", 1u), {"2", 1u}, {"3", 2u}, {"4", 2u}})
    pictures_.write(std::string(name) + ".jpg", jpeg(seed, name[0] % 2 == 1 ? 90 : 60));
  auto unpaired = request();
  unpaired.pool.jobs = 1;
  unpaired.pair_algorithms = 0;
  EXPECT_EQ(run(unpaired).indexed, 4u);
  {
    auto index = index::IndexWriter::open(index_path(), "test").value();
    jobs::PairSetup setup;
    setup.index_id = index.index_id();
    setup.generation = index.generation();
    setup.count = 4;
    const auto scan = [](uint64_t first, uint64_t last) {
      return jobs::encode(jobs::PairTask{jobs::PairTask::Kind::kScan, 0, 0, 0, first, last});
    };
    auto store = index.pairing_store();
    ASSERT_TRUE(store.begin_work(Algorithm::kPdq, {jobs::encode(setup), {{scan(0, 2), 0.3, true}, {scan(2, 4), 0.7, false}}}));
  }
  run();
  EXPECT_EQ(pair_count(), 1u) << "only what had not been done is done; what had been is believed to be stored";
  EXPECT_EQ(reader().pairing_state(Algorithm::kPdq).value().position, 4u);
  // What came meanwhile is paired too.
  pictures_.write("5.jpg", jpeg(1, 80));
  run();
  EXPECT_EQ(reader().pairing_state(Algorithm::kPdq).value().position, 5u);
  EXPECT_GT(pair_count(), 1u);
}

TEST_F(IndexRunTest, PlansForAnotherIndexAreLeftAlone) {
  pictures_.write("1.jpg", jpeg(1));
  pictures_.write("2.jpg", jpeg(1, 60));
  auto unpaired = request();
  unpaired.pair_algorithms = 0;
  run(unpaired);
  {
    auto index = index::IndexWriter::open(index_path(), "test").value();
    jobs::PairSetup setup;
    setup.index_id = index.index_id();
    setup.generation = index.generation() + 1;  // positions have changed since
    setup.count = 2;
    auto store = index.pairing_store();
    ASSERT_TRUE(store.begin_work(Algorithm::kPdq, {jobs::encode(setup), {{{}, 1, true}}}));
  }
  run();
  EXPECT_EQ(pair_count(), 1u);
}

TEST_F(IndexRunTest, ADamagedCodeFileIsNoticedAndMadeAnew) {
  constexpr uint64_t kCodes = 5000;  // more than a block: the damage is in one that opening does not look at
  {
    auto index = index::IndexWriter::open(index_path(), "test").value();
    const auto run = index.begin_run(index::RunKind::kAdd, "").value();
    const auto directory = index.directory("/nowhere", 1).value().id;
    for (uint64_t i = 1; i <= kCodes; ++i) {
      index::FileResult result;
      result.directory = directory;
      result.name = std::to_string(i);
      result.identity = {1, i, i, 1, 1};
      result.digest = {i, i};
      result.image = {ImageFormat::kJpeg, 10, 10, 1, 100, 1, false, false, false};
      const uint64_t mixed = i * 0x9E3779B97F4A7C15u;
      result.codes = {{Algorithm::kPdq, Code{{mixed, mixed * mixed, mixed ^ mixed >> 7, ~mixed * 31}}}};
      ASSERT_TRUE(index.put(run, result));
    }
    ASSERT_TRUE(index.finish_run(run, {}, {}));
  }
  {
    std::fstream file(index_path() + "-codes.pdq", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(8192 + 100);
    file.put('\x5a');
    file.put('\xa5');
  }
  {
    auto index = index::IndexWriter::open(index_path(), "test").value();
    const auto summary = run_index(index, request(), {});
    ASSERT_FALSE(summary);
    EXPECT_NE(summary.error().message.find("run this again"), std::string::npos) << summary.error().message;
  }
  run();
  EXPECT_EQ(reader().pairing_state(Algorithm::kPdq).value().position, kCodes);
  EXPECT_TRUE(reader().verify().value().empty());
}

TEST_F(IndexRunTest, NothingChangedMeansNothingIsOpened) {
  for (int i = 0; i < 20; ++i)
    pictures_.write(std::to_string(i % 3) + "/" + std::to_string(i) + ".jpg", jpeg(static_cast<uint64_t>(i)));
  pictures_.write("notes.txt", "no image");
  pictures_.write("broken.png", "\x89PNG\r\n\x1a\n and then nothing");
  EXPECT_EQ(run().indexed, 20u);
  const auto again = run();
  EXPECT_EQ(again.seen, 22u);
  EXPECT_EQ(again.unchanged, 20u);
  EXPECT_EQ(again.not_image, 1u) << "remembered, and still counted";
  EXPECT_EQ(again.failed, 1u);
  EXPECT_EQ(again.bytes_read, 0u);
}

TEST_F(IndexRunTest, EveryOddFileIsAccountedFor) {
  pictures_.write("good.jpg", jpeg(1));
  pictures_.write("empty.jpg", "");
  pictures_.write("text.jpg", "not an image at all");
  pictures_.write("cut.png", as_text(test::encode_png(test::draw_picture(3, 200, 200))).substr(0, 60));
  pictures_.write("fake.heic", std::string("\0\0\0\x18"
                                           "ftypheic\0\0\0\0mif1heic",
                                           24));
  pictures_.write("render.exr", std::string("\x76\x2F\x31\x01\2\0\0\0", 8));
  pictures_.write("new\nline\xff.jpg", jpeg(4));
  ASSERT_EQ(::mkfifo((pictures_ / "pipe.jpg").c_str(), 0600), 0);
  fs::create_directory(pictures_ / "directory.jpg");
  const auto totals = run();
  EXPECT_EQ(totals.seen, 7u);
  EXPECT_EQ(totals.indexed, 2u);
  EXPECT_EQ(totals.not_image, 2u);
  EXPECT_EQ(totals.failed, 3u);
  const auto all = files();
  EXPECT_EQ(all.at(pictures_ / "cut.png"), Outcome::kCorrupt);
  EXPECT_EQ(all.at(pictures_ / "fake.heic"), Outcome::kCorrupt);
  EXPECT_THAT(problems_.at(pictures_ / "fake.heic"), ::testing::HasSubstr("HEIF"));
  EXPECT_EQ(all.at(pictures_ / "render.exr"), Outcome::kUnsupported);
  EXPECT_THAT(problems_.at(pictures_ / "render.exr"), ::testing::HasSubstr("OpenEXR"));
  EXPECT_EQ(all.at(pictures_ / "new\nline\xff.jpg"), Outcome::kIndexed);
}

// In the real sandbox: no decoder may start a thread, open a file or load a library there. JPEG XL's library is loaded by
// workers that are started for it, and that is no death.
TEST_F(IndexRunTest, EveryFormatIsReadByWorkersInTheirSandbox) {
  const cv::Mat image = test::draw_picture(5, 640, 480);
  const std::pair<const char*, test::Bytes> kFiles[] = {{"a.jpg", test::encode_jpeg(image)},
                                                        {"a.png", test::encode_png(image)},
                                                        {"a.webp", test::encode_webp(image)},
                                                        {"a.tif", test::encode_tiff(image)},
                                                        {"a.gif", test::encode_gif(image)},
                                                        {"a.bmp", test::encode_bmp(image)},
                                                        {"a.ppm", test::encode_pnm(image, 6)},
                                                        {"a.heic", test::encode_heif(image)},
                                                        {"a.avif", test::encode_heif(image, {.av1 = true})},
                                                        {"a.jxl", test::encode_jxl(image)},
                                                        {"b.jxl", test::encode_jxl(image, {.lossless = true})},
                                                        {"a.jp2", test::encode_jp2(image)},
                                                        {"a.dng", test::encode_dng(image)},
                                                        {"b.dng", test::encode_dng(image, {.preview_width = 400,
                                                                                           .preview_height = 300})},
                                                        {"a.psd", test::encode_psd(image)},
                                                        {"a.ico", test::encode_ico(image)}};
  for (const auto& [name, bytes] : kFiles) pictures_.write(name, as_text(bytes));
  const auto totals = run();
  EXPECT_EQ(totals.indexed, std::size(kFiles));
  EXPECT_EQ(totals.worker_deaths, 0u);
  for (const auto& [path, reason] : problems_) ADD_FAILURE() << path << ": " << reason;
  const auto all = files();
  for (const auto& [name, bytes] : kFiles) EXPECT_EQ(all.at(pictures_ / name), Outcome::kIndexed) << name;
}

TEST_F(IndexRunTest, MovedAndRenamedFilesAreNotReadAgain) {
  pictures_.write("a/one.jpg", jpeg(1));
  pictures_.write("a/two.jpg", jpeg(2));
  pictures_.write("b/three.jpg", jpeg(3));
  run();
  fs::rename(pictures_ / "a/one.jpg", pictures_ / "b/uno.jpg");
  fs::rename(pictures_ / "b/three.jpg", pictures_ / "b/tres.jpg");
  fs::rename(pictures_ / "a", pictures_ / "z");
  const auto totals = run();
  EXPECT_EQ(totals.moved, 3u);
  EXPECT_EQ(totals.bytes_read, 0u);
  EXPECT_EQ(totals.gone, 3u);
  EXPECT_THAT(files(), ::testing::ElementsAre(::testing::Pair(pictures_ / "b/tres.jpg", Outcome::kIndexed),
                                              ::testing::Pair(pictures_ / "b/uno.jpg", Outcome::kIndexed),
                                              ::testing::Pair(pictures_ / "z/two.jpg", Outcome::kIndexed)));
}

TEST_F(IndexRunTest, DeletedFilesAndDirectoriesAreGoneAndComeBack) {
  pictures_.write("stay.jpg", jpeg(1));
  const std::string gone = pictures_.write("gone.jpg", jpeg(2));
  pictures_.write("dir/deep/er/x.jpg", jpeg(3));
  run();
  fs::remove(gone);
  fs::rename(pictures_ / "dir", home_ / "dir");
  EXPECT_EQ(run().gone, 2u);
  EXPECT_EQ(files().size(), 1u);
  fs::rename(home_ / "dir", pictures_ / "dir");
  const auto back = run();
  EXPECT_EQ(back.bytes_read, 0u);
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(IndexRunTest, AChangedFileIsReadAgain) {
  pictures_.write("a.jpg", jpeg(1));
  run();
  pictures_.write("a.jpg", jpeg(2));
  EXPECT_EQ(run().indexed, 1u);
}

TEST_F(IndexRunTest, AMissingRootIsNoDeletion) {
  pictures_.write("a.jpg", jpeg(1));
  run();
  fs::rename(pictures_.path(), pictures_.path() + ".away");
  const auto totals = run();
  fs::rename(pictures_.path() + ".away", pictures_.path());
  EXPECT_EQ(totals.gone, 0u);
  EXPECT_THAT(missing_roots_, ::testing::ElementsAre(pictures_.path()));
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(IndexRunTest, AnotherFileSystemInPlaceOfTheOldOneIsNoDeletion) {
  const std::string mount_point = pictures_ / "disk";
  fs::create_directory(mount_point);
  const auto mount = [&] { return ::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, nullptr) == 0; };
  if (!mount()) GTEST_SKIP() << "needs the right to mount a file system";
  pictures_.write("here.jpg", jpeg(1));
  pictures_.write("disk/there.jpg", jpeg(2));
  run();
  EXPECT_EQ(files().size(), 2u);
  ASSERT_EQ(::umount(mount_point.c_str()), 0);
  EXPECT_EQ(run().gone, 0u) << "the mount point is empty now, but it is another file system";
  EXPECT_EQ(files().size(), 2u);
  fs::remove(mount_point);
  EXPECT_EQ(run().gone, 0u) << "and not there at all now";
  EXPECT_EQ(files().size(), 2u);
}

TEST_F(IndexRunTest, ExcludingFilesLaterForgetsNothing) {
  pictures_.write("a.jpg", jpeg(1));
  pictures_.write("b.png", as_text(test::encode_png(test::draw_picture(2, 200, 150))));
  pictures_.write("sub/c.jpg", jpeg(3));
  run();
  IndexRequest narrow = request();
  narrow.walk.exclude = {"*.png", "sub"};
  EXPECT_EQ(run(narrow).gone, 0u);
  EXPECT_EQ(files().size(), 3u);
}

TEST_F(IndexRunTest, MoreAlgorithmsLaterReadWhatLacksThemOnce) {
  pictures_.write("a.jpg", jpeg(1));
  pictures_.write("b.jpg", jpeg(1, 50));
  run();
  IndexRequest more = request();
  more.setup.algorithms = set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash);
  more.pair_algorithms = more.setup.algorithms;
  EXPECT_EQ(run(more).indexed, 2u);
  EXPECT_EQ(pair_count(Algorithm::kDhash), 1u);
  EXPECT_EQ(run(more).unchanged, 2u);
  EXPECT_EQ(run().unchanged, 2u) << "asking for fewer does not lose any";
}

TEST_F(IndexRunTest, PairsComeOutTheSameInOneRunAndInMany) {
  for (uint64_t i = 0; i < 30; ++i)
    pictures_.write(std::to_string(i) + ".jpg", jpeg(i / 3, 90 - static_cast<int>(i % 3) * 15));
  run();
  const uint64_t at_once = pair_count();
  EXPECT_GE(at_once, 20u);
  for (const auto& entry : fs::directory_iterator(home_.path())) fs::remove(entry.path());
  for (uint64_t last = 5; last <= 30; last += 5) {
    IndexRequest part = request();
    part.roots.clear();
    for (uint64_t i = 0; i < last; ++i) part.roots.push_back(pictures_ / (std::to_string(i) + ".jpg"));
    run(part);
  }
  EXPECT_EQ(pair_count(), at_once);
}

TEST_F(IndexRunTest, PathListsIndexWhatTheyName) {
  const std::string a = pictures_.write("a.jpg", jpeg(1));
  pictures_.write("b.jpg", jpeg(2));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  Fd reader_end(ends[0]), writer_end(ends[1]);
  ASSERT_TRUE(write_all(writer_end.get(), a.c_str(), a.size() + 1, "pipe"));
  writer_end.reset();
  IndexRequest list = request();
  list.roots.clear();
  list.files_from_fd = reader_end.get();
  list.files_from_nul = true;
  EXPECT_EQ(run(list).indexed, 1u);
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(IndexRunTest, ASecondWriterIsToldWhoTheFirstIs) {
  auto first = index::IndexWriter::open(index_path(), "pairloom scan").value();
  const auto second = index::IndexWriter::open(index_path(), "test");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kIndexLocked);
  EXPECT_THAT(second.error().message, ::testing::AllOf(::testing::HasSubstr("pairloom scan"),
                                                       ::testing::HasSubstr(std::to_string(::getpid()))));
}

TEST_F(IndexRunTest, ExtractFilesAnswersInTheOrderOfTheQuestion) {
  const std::string a = pictures_.write("a.jpg", jpeg(1)), b = pictures_.write("b.jpg", jpeg(2));
  const auto results = extract_files({b, pictures_ / "missing.jpg", a}, {}, request().pool);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->size(), 3u);
  EXPECT_EQ((*results)[0].outcome, Outcome::kIndexed);
  EXPECT_EQ((*results)[1].outcome, Outcome::kUnreadable);
  EXPECT_EQ((*results)[2].outcome, Outcome::kIndexed);
  EXPECT_NE((*results)[0].digest, (*results)[2].digest);
}

}  // namespace
}  // namespace pairloom::daemon
