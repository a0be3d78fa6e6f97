// Codes in the table and in the code file: the file follows, catches up, and is made again.
#include <gmock/gmock.h>

#include <set>

#include "index_fixture.h"

namespace pairloom::index {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Codes : public IndexTest {
 protected:
  // Puts images with the given seeds, named by them, and commits.
  void add(IndexWriter& writer, std::vector<uint64_t> seeds) {
    const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
    const DirectoryId directory = value(writer.directory("/a", 1)).id;
    for (const uint64_t seed : seeds) value(writer.put(run, image(directory, std::to_string(seed), seed)));
    value(writer.commit());
  }
  search::CodeFile file_of(const IndexWriter& writer) {
    return value(search::CodeFile::open(code_path(), Algorithm::kPdq, writer.index_id(), writer.generation()));
  }
  // The codes as the reader hands them out, by content.
  std::vector<std::pair<uint32_t, Code>> codes_of_reader() {
    auto reader = open_reader();
    const auto codes = value(reader.codes(Algorithm::kPdq));
    std::vector<std::pair<uint32_t, Code>> all;
    for (uint64_t i = 0; i < codes.size(); ++i) all.emplace_back(codes.content_id(i), codes.code(i));
    std::sort(all.begin(), all.end());
    return all;
  }
  void expect_seeds(std::vector<uint64_t> seeds) {
    std::multiset<Code> expected, found;
    for (const uint64_t seed : seeds) expected.insert(code_of(seed));
    for (const auto& [id, code] : codes_of_reader()) found.insert(code);
    EXPECT_EQ(found, expected);
  }
  // One more decode of a seed's file, by another code and accuracy.
  static FileResult again(DirectoryId directory, uint64_t seed, uint64_t code_seed, Accuracy accuracy) {
    FileResult result = image(directory, std::to_string(seed), seed);
    result.codes[0].code = code_of(code_seed);
    result.accuracy = accuracy;
    return result;
  }
};

TEST_F(Codes, FileHoldsWhatIsCommittedAndNothingElse) {
  auto writer = open_writer();
  add(writer, {1, 2, 3});
  const auto file = file_of(writer);
  ASSERT_EQ(file.size(), 3u);
  EXPECT_EQ(file.code(1), code_of(2));
  EXPECT_EQ(file.content_id(1), 2u);
  const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
  value(writer.put(run, image(value(writer.directory("/a", 1)).id, "4", 4)));
  EXPECT_EQ(file_of(writer).size(), 3u);
  value(writer.commit());
  EXPECT_EQ(file_of(writer).size(), 4u);
  EXPECT_EQ(file.size(), 3u);  // an open view stays as it was
}

TEST_F(Codes, EachAlgorithmHasItsFile) {
  auto writer = open_writer();
  const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
  FileResult result = image(value(writer.directory("/a", 1)).id, "1", 1);
  result.codes.push_back({Algorithm::kDhash, Code{{0x0123456789ABCDEF}}});
  value(writer.put(run, result));
  value(writer.commit());
  EXPECT_TRUE(std::filesystem::exists(code_path("pdq")));
  EXPECT_TRUE(std::filesystem::exists(code_path("dhash")));
  EXPECT_FALSE(std::filesystem::exists(code_path("phash")));
  EXPECT_EQ(value(open_reader().codes(Algorithm::kDhash)).code(0), (Code{{0x0123456789ABCDEF}}));
  EXPECT_EQ(value(open_reader().codes(Algorithm::kPhash)).size(), 0u);
  EXPECT_EQ(sql_value("SELECT hex(code) FROM code WHERE algorithm = 2"), "0123456789ABCDEF");
}

TEST_F(Codes, LowInformationIsFlagged) {
  auto writer = open_writer();
  const RunId run = value(writer.begin_run(RunKind::kAdd, ""));
  const DirectoryId directory = value(writer.directory("/a", 1)).id;
  for (const uint8_t quality : {uint8_t{49}, uint8_t{50}}) {
    FileResult result = image(directory, std::to_string(quality), quality);
    result.image.quality = quality;
    result.codes.push_back({Algorithm::kDhash, Code{{quality}}});
    value(writer.put(run, result));
  }
  value(writer.commit());
  EXPECT_EQ(file_of(writer).flags(0), search::kLowInformation);
  EXPECT_EQ(file_of(writer).flags(1), 0);
  EXPECT_EQ(value(open_reader().codes(Algorithm::kDhash)).flags(0), 0);  // dhash has no quality measure
}

// --- when the file is not what the table says

class DamagedCodeFile : public Codes, public testing::WithParamInterface<const char*> {
 protected:
  void damage() {
    const std::string how = GetParam();
    if (how == "deleted") std::filesystem::remove(code_path());
    if (how == "emptied") std::filesystem::resize_file(code_path(), 0);
    if (how == "truncated") std::filesystem::resize_file(code_path(), std::filesystem::file_size(code_path()) / 2);
    if (how == "garbage") std::ofstream(code_path()) << std::string(20'000, 'x');
    if (how == "of another index") {
      auto other = search::CodeFileWriter::open(code_path(), Algorithm::kPdq, 1234, 1);
      value(std::move(other));
    }
    if (how == "behind")
      std::filesystem::copy_file(code_path() + ".old", code_path(), std::filesystem::copy_options::overwrite_existing);
  }
};

TEST_P(DamagedCodeFile, ReaderFallsBackAndWriterMakesItAgain) {
  {
    auto writer = open_writer();
    add(writer, {1, 2, 3});
    std::filesystem::copy_file(code_path(), code_path() + ".old");
    add(writer, {4, 5});
  }
  damage();
  expect_seeds({1, 2, 3, 4, 5});
  EXPECT_FALSE(problems().empty());
  {
    auto writer = open_writer();
    EXPECT_EQ(file_of(writer).size(), 5u);
    EXPECT_THAT(problems(), IsEmpty());
    add(writer, {6});
  }
  expect_seeds({1, 2, 3, 4, 5, 6});
  EXPECT_THAT(problems(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Ways, DamagedCodeFile,
                         testing::Values("deleted", "emptied", "truncated", "garbage", "of another index", "behind"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, ' ');
                           return name;
                         });

TEST_F(Codes, FileThatIsAheadOfARestoredDatabaseIsMadeAgain) {
  {
    auto writer = open_writer();
    add(writer, {1, 2});
  }
  std::filesystem::copy_file(path(), path() + ".backup");
  {
    auto writer = open_writer();
    add(writer, {3, 4});
  }
  std::filesystem::rename(path() + ".backup", path());
  std::filesystem::remove(path() + "-wal");
  std::filesystem::remove(path() + "-shm");
  auto writer = open_writer();
  EXPECT_EQ(file_of(writer).size(), 2u);
  EXPECT_THAT(problems(), IsEmpty());
}

// --- adding and replacing codes of known contents

TEST_F(Codes, MissingCodesAreAddedToAKnownContent) {
  auto writer = open_writer();
  add(writer, {1, 2});
  const uint64_t generation = writer.generation();
  const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
  FileResult result = image(value(writer.directory("/a", 1)).id, "1", 1);
  result.codes = {{Algorithm::kDhash, Code{{7}}}};
  result.image.quality = 0;  // PDQ was not asked for this time
  value(writer.put(run, result));
  value(writer.commit());
  EXPECT_EQ(writer.generation(), generation);
  EXPECT_EQ(value(open_reader().code(1, Algorithm::kDhash)), (Code{{7}}));
  EXPECT_EQ(value(open_reader().content(1))->image.quality, 100);
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Codes, LowerOrEqualAccuracyChangesNothing) {
  auto writer = open_writer();
  add(writer, {1});
  const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
  const DirectoryId directory = value(writer.directory("/a", 1)).id;
  value(writer.put(run, again(directory, 1, 77, Accuracy::kDefault)));
  value(writer.put(run, again(directory, 1, 78, Accuracy::kFast)));
  value(writer.finish_run(run, {}, {}));
  expect_seeds({1});
}

TEST_F(Codes, HigherAccuracyReplacesCodesInANewGeneration) {
  auto writer = open_writer();
  add(writer, {1, 2, 3});
  const uint64_t generation = writer.generation();
  const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
  const DirectoryId directory = value(writer.directory("/a", 1)).id;
  value(writer.put(run, again(directory, 1, 77, Accuracy::kFull)));
  value(writer.put(run, again(directory, 3, 78, Accuracy::kFull)));
  value(writer.commit());
  EXPECT_EQ(writer.generation(), generation + 1);
  expect_seeds({2, 77, 78});  // the reader already sees the new codes, out of the table
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_TRUE(value(writer.known_file(directory, "1", true))->coverage.has(set_of(Algorithm::kPdq), Accuracy::kFull));

  value(writer.finish_run(run, {}, {}));
  EXPECT_EQ(writer.generation(), generation + 1);
  EXPECT_EQ(file_of(writer).size(), 3u);  // dense again
  expect_seeds({2, 77, 78});
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(Codes, SameCodeAtHigherAccuracyKeepsTheGeneration) {
  auto writer = open_writer();
  add(writer, {1, 2});
  const uint64_t generation = writer.generation();
  const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
  const DirectoryId directory = value(writer.directory("/a", 1)).id;
  value(writer.put(run, again(directory, 1, 1, Accuracy::kFull)));
  value(writer.finish_run(run, {}, {}));
  EXPECT_EQ(writer.generation(), generation);
  EXPECT_TRUE(value(writer.known_file(directory, "1", true))->coverage.has(set_of(Algorithm::kPdq), Accuracy::kFull));
}

TEST_F(Codes, ReplacementsThatWereNotFinishedAreFinishedAtOpening) {
  {
    auto writer = open_writer();
    add(writer, {1, 2, 3});
    const RunId run = value(writer.begin_run(RunKind::kUpdate, ""));
    const DirectoryId directory = value(writer.directory("/a", 1)).id;
    value(writer.put(run, again(directory, 3, 77, Accuracy::kFull)));
    value(writer.put(run, again(directory, 1, 78, Accuracy::kFull)));
    value(writer.commit());
    value(writer.put(run, again(directory, 2, 79, Accuracy::kFull)));
  }  // dies with one replacement not committed
  auto writer = open_writer();
  EXPECT_EQ(file_of(writer).size(), 3u);
  expect_seeds({2, 77, 78});
  EXPECT_THAT(problems(), IsEmpty());
  add(writer, {4});
  expect_seeds({2, 77, 78, 4});
}

TEST_F(Codes, OutdatedCodesAreForgottenAndAskedForAgain) {
  {
    auto writer = open_writer();
    add(writer, {1, 2});
  }
  sql("UPDATE algorithm SET version = 0 WHERE id = 1");
  const auto refused = open_reader().codes(Algorithm::kPdq);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kRefused);
  {
    auto writer = open_writer();
    EXPECT_TRUE(value(writer.some_content_lacks(set_of(Algorithm::kPdq), Accuracy::kFast)));
    expect_seeds({});
    EXPECT_THAT(problems(), IsEmpty());
    add(writer, {1});
  }
  expect_seeds({1});
  sql("UPDATE algorithm SET version = 99 WHERE id = 1");
  EXPECT_EQ(IndexWriter::open(path(), "test").error().code, Errc::kIndexTooNew);
  EXPECT_EQ(open_reader().codes(Algorithm::kPdq).error().code, Errc::kIndexTooNew);
}

}  // namespace
}  // namespace pairloom::index
