#include "index/index_writer.h"

#include <gmock/gmock.h>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Writer : public IndexTest {
 protected:
  Writer() : writer(open_writer()), run(value(writer.begin_run(RunKind::kAdd, "/photos"))) {
    photos = value(writer.directory("/photos", 42)).id;
  }

  std::vector<std::string> known_names(DirectoryId directory) {
    std::vector<KnownFile> files;
    value(writer.known_files(directory, false, files));
    std::vector<std::string> names;
    for (const KnownFile& file : files) names.push_back(file.name);
    return names;
  }
  KnownFile known(const std::string& name) {
    const auto file = value(writer.known_file(photos, name, true));
    if (!file) throw std::runtime_error("'" + name + "' is not known");
    return *file;
  }

  IndexWriter writer;
  RunId run;
  DirectoryId photos;
};

// --- directories

TEST_F(Writer, DirectoriesFormATreeUpToTheRoot) {
  const auto deep = value(writer.directory("/photos/2024/may", 42));
  EXPECT_EQ(deep.path, "/photos/2024/may");
  EXPECT_EQ(value(writer.directory("/photos/2024/may", 99)).filesystem, 42u);  // only set_filesystem changes it
  value(writer.directory("/photos/2023", 42));
  const auto children = value(writer.child_directories(photos));
  ASSERT_EQ(children.size(), 2u);
  EXPECT_EQ(children[0].path, "/photos/2023");
  EXPECT_EQ(children[1].path, "/photos/2024");
  EXPECT_EQ(children[1].filesystem, 0u);  // only known as a parent so far
  EXPECT_EQ(value(writer.directory("/photos/2024", 43)).filesystem, 43u);
  EXPECT_FALSE(value(writer.find_directory("/photos/2025")));
  value(writer.set_filesystem(deep.id, 44));
  EXPECT_EQ(value(writer.find_directory("/photos/2024/may"))->filesystem, 44u);
}

TEST_F(Writer, ALaterRootAboveFindsTheDirectoriesBelow) {
  const auto top = value(writer.directory("/", 41));
  const auto children = value(writer.child_directories(top.id));
  ASSERT_EQ(children.size(), 1u);
  EXPECT_EQ(children[0].id, photos);
}

TEST_F(Writer, RefusesPathsThatAreNotAbsoluteDirectories) {
  for (const char* path : {"", "photos", "/photos/", "//photos", "/a//b"}) {
    EXPECT_EQ(writer.directory(path, 1).error().code, Errc::kInvalidArgument) << path;
  }
}

TEST_F(Writer, RemembersRoots) {
  value(writer.note_root("/photos", 42));
  value(writer.note_root("/archive", 7));
  value(writer.note_root("/photos", 43));
  const auto roots = value(writer.roots());
  ASSERT_EQ(roots.size(), 2u);
  EXPECT_EQ(roots[0].path, "/archive");
  EXPECT_EQ(roots[1].filesystem, 43u);
}

// --- the incremental check

TEST_F(Writer, KnowsFilesInByteOrderOfNames) {
  for (const char* name : {"b", "a", "\xFF", "B", "a\n"}) value(writer.put(run, image(photos, name, 1)));
  EXPECT_THAT(known_names(photos), ElementsAre("B", "a", "a\n", "b", "\xFF"));
}

TEST_F(Writer, GivesBackWhatItWasGiven) {
  FileResult result = image(photos, "a.jpg", 5);
  result.identity.inode = ~uint64_t{0};
  result.codes.push_back({Algorithm::kDhash, code_of(9)});
  result.codes[1].code.words = {code_of(9).words[0]};
  value(writer.put(run, result));
  const KnownFile file = known("a.jpg");
  EXPECT_EQ(file.identity.inode, ~uint64_t{0});
  EXPECT_EQ(file.identity.size_bytes, result.identity.size_bytes);
  EXPECT_EQ(file.identity.mtime_ns, result.identity.mtime_ns);
  EXPECT_EQ(file.identity.ctime_ns, result.identity.ctime_ns);
  EXPECT_EQ(file.outcome, Outcome::kIndexed);
  EXPECT_EQ(file.coverage.any, set_of(Algorithm::kPdq) | set_of(Algorithm::kDhash));
  EXPECT_EQ(file.coverage.lowest_accuracy(), Accuracy::kDefault);
  EXPECT_TRUE(file.coverage.has(set_of(Algorithm::kPdq), Accuracy::kDefault));
  EXPECT_FALSE(file.coverage.has(set_of(Algorithm::kPdq), Accuracy::kFull));
  EXPECT_FALSE(file.coverage.has(set_of(Algorithm::kPhash), Accuracy::kFast));
}

TEST_F(Writer, HostileNamesComeBackByteForByte) {
  const std::vector<std::string> names = {
      " ", "-rf", "a\nb", "quote'\"", "\x01\x1b[31m", "\xC3\x28\xFF", "\xF0\x9F\x98\x80", std::string(255, 'n')};
  uint64_t seed = 0;
  for (const std::string& name : names) value(writer.put(run, image(photos, name, ++seed)));
  value(writer.commit());
  auto reader = open_reader();
  for (const std::string& name : names) {
    EXPECT_EQ(known(name).name, name);
    EXPECT_TRUE(value(reader.find_file("/photos/" + name)).has_value());
  }
  EXPECT_EQ(live_paths(reader).size(), names.size());
}

TEST_F(Writer, RefusesNamesThatCannotBe) {
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("a\0b", 3)}) {
    EXPECT_EQ(writer.put(run, image(photos, name, 1)).error().code, Errc::kInvalidArgument);
  }
}

TEST_F(Writer, VisitsNamesOfHugeDirectoriesWhileTheyChange) {
  for (uint64_t i = 0; i < 10'000; ++i) value(writer.put(run, image(photos, std::to_string(i), i)));
  uint64_t seen = 0;
  value(writer.visit_known_names(photos, [&](const std::string& name) {
    ++seen;
    return writer.mark_gone(run, photos, name);
  }));
  EXPECT_EQ(seen, 10'000u);
  EXPECT_THAT(known_names(photos), IsEmpty());
}

TEST_F(Writer, VisitorsErrorIsPassedOn) {
  value(writer.put(run, image(photos, "a", 1)));
  const auto stopped =
      writer.visit_known_names(photos, [](const std::string&) { return fail(Errc::kInterrupted, "enough"); });
  EXPECT_EQ(stopped.error().code, Errc::kInterrupted);
}

TEST_F(Writer, SaysWhenLiveContentLacksCodes) {
  const AlgorithmSet pdq = set_of(Algorithm::kPdq), both = pdq | set_of(Algorithm::kDhash);
  EXPECT_FALSE(value(writer.some_content_lacks(both, Accuracy::kFull)));  // there is no content
  FileResult result = image(photos, "a", 1);
  result.codes.push_back({Algorithm::kDhash, Code{{1}}});
  value(writer.put(run, result));
  EXPECT_FALSE(value(writer.some_content_lacks(both, Accuracy::kDefault)));
  EXPECT_TRUE(value(writer.some_content_lacks(pdq, Accuracy::kFull)));
  value(writer.put(run, image(photos, "b", 2)));
  EXPECT_TRUE(value(writer.some_content_lacks(both, Accuracy::kDefault)));
  EXPECT_FALSE(value(writer.some_content_lacks(pdq, Accuracy::kFast)));
  value(writer.mark_gone(run, photos, "b"));  // only a tombstone lacks it now
  EXPECT_FALSE(value(writer.some_content_lacks(both, Accuracy::kDefault)));
}

// --- moves

TEST_F(Writer, RecognisesAMovedFileByInode) {
  value(writer.put(run, image(photos, "old", 1)));
  StatIdentity moved = identity_of(1);
  moved.ctime_ns = 99;  // a rename changes it
  const auto found = value(writer.find_by_inode(42, moved, true));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "old");
  EXPECT_TRUE(found->coverage.has(set_of(Algorithm::kPdq), Accuracy::kDefault));
  value(writer.mark_gone(run, photos, "old"));
  EXPECT_TRUE(value(writer.find_by_inode(42, moved, false)));  // a tombstone is as good

  value(writer.put_moved(run, photos, "new", moved, found->content));
  EXPECT_EQ(known("new").content, found->content);
  EXPECT_THAT(known_names(photos), ElementsAre("new"));
  value(writer.commit());
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, DoesNotConfuseOtherFilesWithAMovedOne) {
  value(writer.put(run, image(photos, "a", 1)));
  value(writer.put(run, failure(photos, "b", Outcome::kCorrupt, "broken")));
  StatIdentity same = identity_of(1);
  EXPECT_FALSE(value(writer.find_by_inode(43, same, false)));  // another file system
  EXPECT_FALSE(value(writer.find_by_inode(0, same, false)));   // an unknown one
  same.mtime_ns += 1;
  EXPECT_FALSE(value(writer.find_by_inode(42, same, false)));
  value(writer.mark_gone(run, photos, "a"));
  value(writer.put(run, failure(photos, "a", Outcome::kCorrupt, "broken")));
  EXPECT_FALSE(value(writer.find_by_inode(42, identity_of(1), false)));  // only indexed files
}

TEST_F(Writer, RefusesAMoveOfUnknownContent) {
  EXPECT_EQ(writer.put_moved(run, photos, "new", identity_of(1), 77).error().code, Errc::kInvalidArgument);
}

// --- contents

TEST_F(Writer, EqualDigestsShareOneContent) {
  value(writer.put(run, image(photos, "a", 1)));
  value(writer.put(run, image(photos, "copy of a", 1)));
  value(writer.put(run, image(photos, "b", 2)));
  value(writer.commit());
  EXPECT_EQ(known("a").content, known("copy of a").content);
  EXPECT_NE(known("a").content, known("b").content);
  EXPECT_THAT(sql("SELECT live_files FROM content ORDER BY id"), ElementsAre("2", "1"));
  EXPECT_EQ(sql_value("SELECT count(*) FROM code"), "2");
}

TEST_F(Writer, EqualDigestsOfOtherSizesAreOtherContents) {
  FileResult result = image(photos, "a", 1);
  value(writer.put(run, result));
  result.name = "b";
  result.identity.size_bytes += 1;
  value(writer.put(run, result));
  EXPECT_NE(known("a").content, known("b").content);
}

TEST_F(Writer, AChangedFileGetsItsNewContent) {
  value(writer.put(run, image(photos, "a", 1)));
  const ContentId before = known("a").content;
  value(writer.put(run, image(photos, "a", 2)));
  EXPECT_NE(known("a").content, before);
  value(writer.commit());
  EXPECT_EQ(sql_value("SELECT live_files FROM content WHERE id = " + std::to_string(before)), "0");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, RefusesADirectoryThatIsNot) {
  EXPECT_EQ(writer.put(run, image(12345, "a", 1)).error().code, Errc::kInvalidArgument);
}

// --- tombstones

TEST_F(Writer, GoneFilesAreKeptButNotShown) {
  value(writer.put(run, image(photos, "a", 1)));
  value(writer.put(run, image(photos, "b", 2)));
  const ContentId content = known("a").content;
  value(writer.mark_gone(run, photos, "a"));
  value(writer.mark_gone(run, photos, "a"));        // twice is once
  value(writer.mark_gone(run, photos, "unknown"));  // and nothing is nothing
  value(writer.commit());
  EXPECT_THAT(known_names(photos), ElementsAre("b"));
  EXPECT_FALSE(value(writer.known_file(photos, "a", false)));
  auto reader = open_reader();
  EXPECT_THAT(live_paths(reader), ElementsAre("/photos/b"));
  EXPECT_THAT(value(reader.files_of(content)), IsEmpty());
  EXPECT_FALSE(value(reader.find_file("/photos/a")));
  EXPECT_TRUE(value(reader.content(content)));
  EXPECT_THAT(value(reader.contents_without_files()), ElementsAre(content));
  EXPECT_EQ(value(reader.info()).gone, 1u);

  value(writer.put(run, image(photos, "a", 1)));  // it comes back
  value(writer.commit());
  EXPECT_EQ(known("a").content, content);
  EXPECT_EQ(value(reader.info()).gone, 0u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, MarksEverythingBelowADirectory) {
  const auto below = value(writer.directory("/photos/2024/may", 42)).id;
  const auto beside = value(writer.directory("/photos-2", 42)).id;
  value(writer.put(run, image(photos, "a", 1)));
  value(writer.put(run, image(below, "b", 2)));
  value(writer.put(run, failure(below, "c", Outcome::kCorrupt, "broken")));
  value(writer.put(run, image(beside, "d", 1)));
  EXPECT_EQ(value(writer.mark_directory_gone(run, photos)), 3u);
  EXPECT_EQ(value(writer.mark_directory_gone(run, photos)), 0u);
  value(writer.commit());
  auto reader = open_reader();
  EXPECT_THAT(live_paths(reader), ElementsAre("/photos-2/d"));
  const IndexInfo info = value(reader.info());
  EXPECT_EQ(info.files, 1u);
  EXPECT_EQ(info.contents, 1u);
  EXPECT_EQ(info.failures, 0u);
  EXPECT_EQ(info.gone, 3u);
  EXPECT_THAT(problems(), IsEmpty());
}

// --- failures and attempts

TEST_F(Writer, EveryOutcomeIsStoredWithItsReason) {
  for (uint8_t o = 1; o < kOutcomeCount; ++o) {
    value(writer.put(run, failure(photos, std::to_string(o), static_cast<Outcome>(o), "because " + std::to_string(o))));
    EXPECT_EQ(known(std::to_string(o)).outcome, static_cast<Outcome>(o));
    EXPECT_NE(known(std::to_string(o)).program_version, 0u);
  }
  value(writer.commit());
  auto reader = open_reader();
  std::vector<std::string> reasons;
  value(reader.visit_failures([&](const FailureRow& row) -> Result<> {
    reasons.push_back(row.path + ": " + row.message);
    return {};
  }));
  EXPECT_EQ(reasons.size(), 7u);  // not being an image is no failure
  EXPECT_EQ(reasons[0], "/photos/2: because 2");
  const IndexInfo info = value(reader.info());
  EXPECT_EQ(info.not_images, 1u);
  EXPECT_EQ(info.failures, 7u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, SuccessClearsTheFailure) {
  FileResult failed = failure(photos, "a", Outcome::kTimedOut, "too slow");
  failed.attempts = 2;
  value(writer.put(run, failed));
  EXPECT_EQ(known("a").attempts, 2u);
  value(writer.put(run, image(photos, "a", 1)));
  EXPECT_EQ(known("a").attempts, 0u);
  value(writer.commit());
  EXPECT_EQ(sql_value("SELECT count(*) FROM failure"), "0");
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, MessagesThatAreNotTextAreMadeText) {
  value(writer.put(run, failure(photos, "a", Outcome::kCorrupt, "bad marker \xFF")));
  value(writer.commit());
  EXPECT_EQ(sql_value("SELECT message FROM failure"), "bad marker \\xff");
}

TEST_F(Writer, AttemptsOutliveACrashOfTheWriter) {
  value(writer.put(run, image(photos, "pending", 9)));
  value(writer.put_attempts(run, photos, "poison", identity_of(3), 2));
  EXPECT_EQ(writer.uncommitted_changes(), 0u);  // durable, and what was pending with it
  EXPECT_EQ(sql_value("SELECT attempts FROM file WHERE name = CAST('poison' AS BLOB)"), "2");
  const KnownFile poison = known("poison");
  EXPECT_EQ(poison.outcome, Outcome::kCrashed);
  EXPECT_EQ(poison.identity.inode, identity_of(3).inode);
}

TEST_F(Writer, AttemptsOfKnownBytesChangeNothingElse) {
  value(writer.put(run, image(photos, "a", 1)));
  value(writer.put_attempts(run, photos, "a", identity_of(1), 1));
  EXPECT_EQ(known("a").outcome, Outcome::kIndexed);
  EXPECT_EQ(known("a").attempts, 1u);
  value(writer.put_attempts(run, photos, "a", identity_of(2), 3));  // the file has changed: nothing is known of it
  EXPECT_EQ(known("a").outcome, Outcome::kCrashed);
  EXPECT_EQ(known("a").content, 0u);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, AFailureKeepsTheAttemptsOfTheSameBytes) {
  value(writer.put_attempts(run, photos, "a", identity_of(1), 3));
  value(writer.put(run, failure(photos, "a", Outcome::kCorrupt, "x")));  // identity_of(1)
  EXPECT_EQ(known("a").attempts, 3u);
}

// --- transactions

TEST_F(Writer, NothingIsVisibleBeforeCommitAndEverythingAfter) {
  value(writer.commit());
  auto reader = open_reader();
  value(writer.put(run, image(photos, "a", 1)));
  EXPECT_EQ(writer.uncommitted_changes(), 1u);
  EXPECT_THAT(live_paths(reader), IsEmpty());  // not blocked either
  value(writer.commit());
  EXPECT_EQ(writer.uncommitted_changes(), 0u);
  EXPECT_THAT(live_paths(reader), ElementsAre("/photos/a"));
}

TEST_F(Writer, ReaderInTheMiddleDoesNotHoldUpCommits) {
  for (uint64_t i = 0; i < 5000; ++i) value(writer.put(run, image(photos, std::to_string(10'000 + i), i)));
  value(writer.commit());
  auto reader = open_reader();
  uint64_t seen = 0;
  value(reader.visit_files([&](const FileRow&) -> Result<> {
    if (++seen % 1000 == 1) {
      PAIRLOOM_TRY(writer.put(run, image(photos, "later" + std::to_string(seen), seen)));
      PAIRLOOM_TRY(writer.commit());
    }
    return {};
  }));
  EXPECT_GE(seen, 5000u);
}

TEST_F(Writer, AnErrorTakesBackTheWholeBatchAndLeavesTheWriterUsable) {
  value(writer.put(run, image(photos, "kept", 1)));
  value(writer.commit());
  value(writer.put(run, image(photos, "lost", 2)));
  EXPECT_FALSE(writer.put(run, image(photos, "", 3)));
  EXPECT_EQ(writer.uncommitted_changes(), 0u);
  EXPECT_THAT(known_names(photos), ElementsAre("kept"));
  value(writer.put(run, image(photos, "next", 4)));
  value(writer.commit());
  EXPECT_THAT(known_names(photos), ElementsAre("kept", "next"));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Writer, ClosingRollsBack) {
  value(writer.commit());
  value(writer.put(run, image(photos, "a", 1)));
  IndexWriter closed = std::move(writer);
  { const IndexWriter gone = std::move(closed); }
  auto reader = open_reader();
  EXPECT_THAT(live_paths(reader), IsEmpty());
}

TEST_F(Writer, RunsAndTheirWorkersAreRecorded) {
  const RunTotals totals{.seen = 10, .indexed = 8, .bytes_read = 123, .seconds = 1.5, .interrupted = true};
  WorkerTotals worker{.slot = 3, .lives = 2, .sandbox_level = 31, .tasks = 8, .bytes_read = 123};
  worker.stage_ns[7] = 55;
  value(writer.finish_run(run, totals, std::vector{worker}));
  const RunId second = value(writer.begin_run(RunKind::kUpdate, "arguments \xFF"));
  auto reader = open_reader();
  std::vector<RunRow> runs;
  value(reader.visit_runs([&](const RunRow& row) -> Result<> {
    runs.push_back(row);
    return {};
  }));
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].id, second);
  EXPECT_EQ(runs[0].finished_ns, 0);
  EXPECT_EQ(runs[0].arguments, "arguments \\xff");
  EXPECT_EQ(runs[1].arguments, "/photos");
  EXPECT_GE(runs[1].finished_ns, runs[1].started_ns);
  EXPECT_EQ(runs[1].totals.indexed, 8u);
  EXPECT_TRUE(runs[1].totals.interrupted);
  const auto workers = value(reader.workers_of(run));
  ASSERT_EQ(workers.size(), 1u);
  EXPECT_EQ(workers[0].slot, 3u);
  EXPECT_EQ(workers[0].stage_ns[7], 55u);
  EXPECT_EQ(workers[0].sandbox_level, 31u);
  EXPECT_THAT(writer.finish_run(999, totals, {}).error().message, HasSubstr("no run 999"));
}

}  // namespace
}  // namespace pairloom::index
