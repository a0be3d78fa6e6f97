#include "index/index_reader.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "index/schema.h"
#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Reader : public IndexTest {
 protected:
  // /a: 1, 1 (a copy), 2; /b: 3 of low information, one failure, one that is not an image, one that is gone.
  Reader() {
    auto writer = open_writer();
    const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
    const DirectoryId a = value(writer.directory("/a", 1)).id, b = value(writer.directory("/b", 1)).id;
    value(writer.put(run, image(b, "flat", 3)));
    FileResult flat = image(b, "flat", 3);
    flat.identity.inode += 1;
    value(writer.put(run, flat));
    FileResult low = image(b, "low", 4);
    low.image.quality = 49;
    value(writer.put(run, low));
    value(writer.put(run, image(a, "z", 1)));
    value(writer.put(run, image(a, "y", 1)));
    FileResult x = image(a, "x", 2);
    x.image = {.format = ImageFormat::kPng,
               .width_px = 3,
               .height_px = 4,
               .orientation = 6,
               .quality = 90,
               .reduction = 8,
               .animated = true,
               .has_alpha = true,
               .damaged = true};
    x.message = "premature end";
    x.accuracy = Accuracy::kFull;
    value(writer.put(run, x));
    value(writer.put(run, failure(b, "bad", Outcome::kCorrupt, "no data")));
    value(writer.put(run, failure(b, "text", Outcome::kNotImage, "")));
    value(writer.put(run, image(b, "gone", 5)));
    value(writer.mark_gone(run, b, "gone"));
    value(writer.commit());
  }

  ContentId content_of(const std::string& path) { return value(reader().find_file(path))->content; }
  IndexReader& reader() {
    if (!reader_) reader_.emplace(open_reader());
    return *reader_;
  }

  std::optional<IndexReader> reader_;
};

TEST_F(Reader, VisitsLiveFilesInPathOrder) {
  EXPECT_THAT(live_paths(reader()), ElementsAre("/a/x", "/a/y", "/a/z", "/b/bad", "/b/flat", "/b/low", "/b/text"));
}

TEST_F(Reader, CountsWithoutReadingEverything) {
  const IndexInfo info = value(reader().info());
  EXPECT_EQ(info.files, 5u);
  EXPECT_EQ(info.contents, 4u);
  EXPECT_EQ(info.not_images, 1u);
  EXPECT_EQ(info.failures, 1u);
  EXPECT_EQ(info.gone, 1u);
  EXPECT_EQ(info.directories, 3u);  // with "/"
  EXPECT_GT(info.database_bytes, 0u);
  EXPECT_EQ(info.schema_version, static_cast<uint32_t>(kSchemaVersion));
  ASSERT_EQ(info.algorithms.size(), 1u);
  EXPECT_EQ(info.algorithms[0].algorithm, Algorithm::kPdq);
  EXPECT_EQ(info.algorithms[0].codes, 5u);
}

TEST_F(Reader, GivesContentsBack) {
  const auto row = value(reader().content(content_of("/a/x")));
  ASSERT_TRUE(row);
  EXPECT_EQ(row->digest, (Digest{.lo = 2, .hi = ~uint64_t{2}}));
  EXPECT_EQ(row->size_bytes, identity_of(2).size_bytes);
  EXPECT_EQ(row->image.format, ImageFormat::kPng);
  EXPECT_EQ(row->image.width_px, 3u);
  EXPECT_EQ(row->image.height_px, 4u);
  EXPECT_EQ(row->image.orientation, 6);
  EXPECT_EQ(row->image.quality, 90);
  EXPECT_EQ(row->image.reduction, 8);
  EXPECT_TRUE(row->image.animated && row->image.has_alpha && row->image.damaged);
  EXPECT_EQ(row->warning, "premature end");
  EXPECT_EQ(row->accuracy, Accuracy::kFull);
  EXPECT_FALSE(value(reader().content(999)));
}

TEST_F(Reader, FindsContentsByDigestAndCodes) {
  const ContentId x = content_of("/a/x");
  EXPECT_EQ(value(reader().content_by_digest({.lo = 2, .hi = ~uint64_t{2}}, identity_of(2).size_bytes)), x);
  EXPECT_FALSE(value(reader().content_by_digest({.lo = 2, .hi = ~uint64_t{2}}, 1)));
  EXPECT_EQ(value(reader().code(x, Algorithm::kPdq)), code_of(2));
  EXPECT_FALSE(value(reader().code(x, Algorithm::kDhash)));
}

TEST_F(Reader, FindsCopies) {
  EXPECT_THAT(value(reader().contents_with_copies()), ElementsAre(content_of("/a/y")));
  const auto files = value(reader().files_of(content_of("/a/y")));
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, "/a/y");
  EXPECT_EQ(files[1].path, "/a/z");
}

TEST_F(Reader, ListsLowInformation) {
  std::vector<ContentId> low;
  value(reader().visit_low_information(Algorithm::kPdq, [&](ContentId id) -> Result<> {
    low.push_back(id);
    return {};
  }));
  EXPECT_THAT(low, ElementsAre(content_of("/b/low")));
}

TEST_F(Reader, FindsNoFileAtOddPaths) {
  for (const char* odd : {"", "/", "x", "/a/", "/a", "a/x", "/a/x/"})
    EXPECT_FALSE(value(reader().find_file(odd))) << odd;
}

TEST_F(Reader, StopsWhenTheVisitorSaysSo) {
  int seen = 0;
  const auto stopped = reader().visit_files(
      [&](const FileRow&) -> Result<> { return ++seen == 2 ? fail(Errc::kInterrupted, "enough") : Result<>{}; });
  EXPECT_EQ(stopped.error().code, Errc::kInterrupted);
  EXPECT_EQ(seen, 2);
}

TEST_F(Reader, MayAskInsideAVisit) {
  value(reader().visit_files([&](const FileRow& file) -> Result<> {
    PAIRLOOM_TRY(reader().files_of(file.content));
    return reader().visit_files([](const FileRow&) -> Result<> { return {}; });
  }));
}

TEST_F(Reader, ASnapshotDoesNotChangeMeanwhile) {
  const ContentId content = content_of("/a/x");
  value(reader().in_one_snapshot([&]() -> Result<> {
    EXPECT_EQ(value(reader().files_of(content)).size(), 1u);
    auto writer = open_writer();
    value(writer.mark_gone(value(writer.begin_run(RunKind::kAdd, "")), value(writer.directory("/a", 1)).id, "x"));
    value(writer.commit());
    EXPECT_EQ(value(reader().files_of(content)).size(), 1u);
    return {};
  }));
  EXPECT_THAT(value(reader().files_of(content)), IsEmpty());
}

TEST_F(Reader, PagesDoNotShow) {
  {
    auto writer = open_writer();
    const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
    for (int d = 0; d < 3; ++d) {
      const DirectoryId id = value(writer.directory("/many/" + std::to_string(d), 1)).id;
      for (uint64_t i = 0; i < 4096; ++i) value(writer.put(run, image(id, std::to_string(i), i)));
    }
    value(writer.commit());
  }
  EXPECT_EQ(live_paths(reader()).size(), 7u + 3 * 4096);
  std::vector<std::string> pulled, visited;
  FileCursor at;
  for (auto page = value(reader().next_files(at)); !page.empty(); page = value(reader().next_files(at)))
    for (const FileRow& file : page) {
      EXPECT_TRUE(file.path.starts_with(at.directory_path));
      pulled.push_back(file.path);
    }
  value(reader().visit_files([&](const FileRow& file) -> Result<> {
    visited.push_back(file.path);
    return {};
  }));
  EXPECT_EQ(pulled, visited);
  EXPECT_THAT(problems(), IsEmpty());
}

// A user who may only read: root ignores permissions, so a child drops them first.
TEST_F(Reader, WorksForAUserWhoMayOnlyRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs to be root to become somebody else";
  std::filesystem::permissions(directory_, std::filesystem::perms(0755));
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
    auto reader = IndexReader::open(path());
    if (!reader) {
      std::fprintf(stderr, "%s\n", reader.error().message.c_str());
      ::_exit(1);
    }
    const auto info = reader->info();
    ::_exit(info && info->files == 5 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace pairloom::index
