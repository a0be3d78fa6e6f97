#include "search/code_file.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <iterator>
#include <thread>

#include "test_codes.h"

namespace pairloom::search {
namespace {

constexpr uint64_t kIndexId = 0x1122334455667788;
constexpr uint64_t kGeneration = 3;
constexpr uint64_t kHeader = 8192;    // docs/code_file.md
constexpr uint64_t kBlock64 = 53312;  // bytes of a block of 64-bit codes
constexpr uint64_t kBlock256 = 151616;

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::string garbled(std::string bytes, size_t offset) {
  bytes[offset] = static_cast<char>(bytes[offset] ^ 0x55);
  return bytes;
}

class CodeFileTest : public testing::TestWithParam<Algorithm> {
 protected:
  Result<CodeFile> open() const { return CodeFile::open(path_, GetParam(), kIndexId, kGeneration); }
  Result<CodeFileWriter> open_writer() const { return CodeFileWriter::open(path_, GetParam(), kIndexId, kGeneration); }

  // Appends and publishes entries [from, to).
  void write(const std::vector<Entry>& entries, size_t from, size_t to) const {
    auto writer = open_writer();
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_EQ(writer->size(), from);
    append(*writer, entries, from, to);
    ASSERT_TRUE(writer->publish());
  }
  static void append(CodeFileWriter& writer, const std::vector<Entry>& entries, size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      ASSERT_TRUE(writer.append(entries[i].content_id, entries[i].code, entries[i].flags));
    }
  }
  static void expect_holds(const CodeFile& file, const std::vector<Entry>& entries, size_t count) {
    ASSERT_EQ(file.size(), count);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(file.code(i), entries[i].code) << i;
      ASSERT_EQ(file.content_id(i), entries[i].content_id) << i;
      ASSERT_EQ(file.flags(i), entries[i].flags) << i;
    }
    EXPECT_TRUE(file.verify());
  }
  void expect_error(Errc code) const {
    const auto file = open();
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().code, code) << file.error().message;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.file("codes");
};

INSTANTIATE_TEST_SUITE_P(Bits, CodeFileTest, testing::Values(Algorithm::kDhash, Algorithm::kPdq),
                         [](const auto& p) { return std::string(pairloom::info(p.param).name); });

TEST_P(CodeFileTest, MissingFileIsMissing) {
  expect_error(Errc::kIndexMissing);
}

TEST_P(CodeFileTest, WriterMakesAnEmptyFile) {
  ASSERT_TRUE(open_writer());
  const auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->size(), 0u);
  EXPECT_EQ(file->block_count(), 0u);
  EXPECT_TRUE(file->verify());
  EXPECT_EQ(std::filesystem::file_size(path_), kHeader);
}

TEST_P(CodeFileTest, HoldsWhatWasAppendedAroundBlockBoundaries) {
  const auto entries = clustered_entries(50 * kBlockCodes, GetParam(), 1);  // more than 2 MiB
  size_t written = 0;
  for (const size_t until :
       {size_t{1}, size_t{2}, size_t{4095}, size_t{4096}, size_t{4097}, size_t{8192}, size_t{12287}, entries.size()}) {
    write(entries, written, until);
    written = until;
    const auto file = open();
    ASSERT_TRUE(file) << file.error().message;
    expect_holds(*file, entries, until);
  }
}

TEST_P(CodeFileTest, BlocksAreWordMajorAndAligned) {
  const auto entries = clustered_entries(kBlockCodes + 5, GetParam(), 2);
  write(entries, 0, entries.size());
  const auto file = open();
  ASSERT_TRUE(file);
  EXPECT_EQ(file->bits(), bits_of(GetParam()));
  ASSERT_EQ(file->block_count(), 2u);
  for (uint64_t b = 0; b < 2; ++b) {
    const CodeBlock block = file->block(b);
    EXPECT_EQ(block.first_position, b * kBlockCodes);
    EXPECT_EQ(block.count, b == 0 ? kBlockCodes : 5);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.content_ids) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(block.flags) % 64, 0u);
    for (int w = 0; w < file->bits() / 64; ++w) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block.words[w]) % 64, 0u);
      EXPECT_EQ(block.words[w][4], entries[block.first_position + 4].code.words[static_cast<size_t>(w)]);
    }
  }
  EXPECT_EQ(std::filesystem::file_size(path_), kHeader + 2 * (file->bits() == 64 ? kBlock64 : kBlock256));
}

TEST_P(CodeFileTest, AppendedIsInvisibleUntilPublished) {
  const auto entries = clustered_entries(2 * kBlockCodes, GetParam(), 3);
  write(entries, 0, 1000);
  {
    auto writer = open_writer();
    ASSERT_TRUE(writer);
    append(*writer, entries, 1000, 5000);
    EXPECT_EQ(writer->size(), 5000u);
    expect_holds(*open(), entries, 1000);
  }  // died before publish(): the full block was written, the header not
  expect_holds(*open(), entries, 1000);
  // The next writer starts there and may append something else.
  const auto others = clustered_entries(2 * kBlockCodes, GetParam(), 4);
  std::vector<Entry> expected(entries.begin(), entries.begin() + 1000);
  expected.insert(expected.end(), others.begin(), others.end());
  write(expected, 1000, 7000);
  expect_holds(*open(), expected, 7000);
}

TEST_P(CodeFileTest, PublishWithoutAppendChangesNothing) {
  write(clustered_entries(10, GetParam(), 5), 0, 10);
  const std::string before = read_bytes(path_);
  auto writer = open_writer();
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->publish());
  EXPECT_EQ(read_bytes(path_), before);
}

TEST_P(CodeFileTest, ReaderKeepsItsPrefixWhileTheWriterAppends) {
  const auto entries = clustered_entries(4 * kBlockCodes, GetParam(), 6);
  write(entries, 0, 100);
  std::atomic<bool> done = false;
  std::thread appender([&] {
    auto writer = open_writer();
    for (size_t at = 100; at < entries.size(); at += 109) {
      append(*writer, entries, at, std::min(at + 109, entries.size()));
      if (!writer->publish()) break;
    }
    done = true;
  });
  uint64_t last_size = 100;
  for (bool finished = false; !finished;) {
    finished = done;
    const auto file = open();
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_GE(file->size(), last_size);
    last_size = file->size();
    expect_holds(*file, entries, last_size);
  }
  appender.join();
  EXPECT_EQ(last_size, entries.size());
}

TEST_P(CodeFileTest, OtherIndexGenerationOrAlgorithmIsRefusedAndReplaced) {
  const auto entries = clustered_entries(5000, GetParam(), 7);
  write(entries, 0, entries.size());
  const auto mapped = open();
  ASSERT_TRUE(mapped);
  const Algorithm other = GetParam() == Algorithm::kPdq ? Algorithm::kPhash256 : Algorithm::kPhash;
  EXPECT_EQ(CodeFile::open(path_, GetParam(), kIndexId + 1, kGeneration).error().code, Errc::kIndexCorrupt);
  EXPECT_EQ(CodeFile::open(path_, GetParam(), kIndexId, kGeneration + 1).error().code, Errc::kIndexCorrupt);
  EXPECT_EQ(CodeFile::open(path_, other, kIndexId, kGeneration).error().code, Errc::kIndexCorrupt);

  auto writer = CodeFileWriter::open(path_, GetParam(), kIndexId, kGeneration + 1);
  ASSERT_TRUE(writer);
  EXPECT_EQ(writer->size(), 0u);
  append(*writer, entries, 0, 10);
  ASSERT_TRUE(writer->publish());
  expect_error(Errc::kIndexCorrupt);
  EXPECT_EQ(CodeFile::open(path_, GetParam(), kIndexId, kGeneration + 1)->size(), 10u);
  expect_holds(*mapped, entries, entries.size());  // the reader of the old file keeps it
}

TEST_P(CodeFileTest, WriterReplacesWhatIsNoCodeFileAndItsLeftover) {
  write_bytes(path_, "not a code file");
  write_bytes(path_ + ".new", std::string(100000, 'x'));  // a crash while one was being made
  expect_error(Errc::kIndexCorrupt);
  const auto entries = clustered_entries(10, GetParam(), 8);
  write(entries, 0, 10);
  expect_holds(*open(), entries, 10);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".new"));
}

TEST_P(CodeFileTest, UnusableDirectoryIsAnIoError) {
  const auto writer = CodeFileWriter::open(directory_.file("no/such/codes"), GetParam(), kIndexId, kGeneration);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, Errc::kIo);
}

// A cut or garbled file is either noticed, or was hurt where it does not count.
TEST_P(CodeFileTest, CutAnywhereIsCorruptOrUnharmed) {
  const auto entries = clustered_entries(kBlockCodes + 100, GetParam(), 9);
  write(entries, 0, 200);
  write(entries, 200, entries.size());
  const std::string whole = read_bytes(path_);
  const uint64_t block = (whole.size() - kHeader) / 2;
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{71}, size_t{4096}, size_t{4168}, size_t{8191}, size_t{8192},
                           size_t{kHeader + 1}, kHeader + block - 1, kHeader + block, whole.size() - 1}) {
    write_bytes(path_, whole.substr(0, cut));
    expect_error(Errc::kIndexCorrupt);
  }
  write_bytes(path_, whole + "beyond");
  expect_holds(*open(), entries, entries.size());
}

TEST_P(CodeFileTest, GarbledHeaderFallsBackToThePreviousState) {
  const auto entries = clustered_entries(kBlockCodes + 100, GetParam(), 10);
  write(entries, 0, 200);    // creation is sequence 1; this is 2, in slot 0
  write(entries, 200, 300);  // 3, in slot 1
  const std::string whole = read_bytes(path_);
  for (size_t i = 0; i < 72; ++i) {  // a torn write of the newest slot
    write_bytes(path_, garbled(whole, 4096 + i));
    expect_holds(*open(), entries, 200);
    write_bytes(path_, garbled(whole, i));  // the older slot does not count
    expect_holds(*open(), entries, 300);
    write_bytes(path_, garbled(garbled(whole, i), 4096 + i));
    expect_error(Errc::kIndexCorrupt);
  }
  // A writer goes on from the state that is left.
  write_bytes(path_, garbled(whole, 4096 + 40));
  write(entries, 200, entries.size());
  expect_holds(*open(), entries, entries.size());
}

TEST_P(CodeFileTest, GarbledCodesAreNoticed) {
  const auto entries = clustered_entries(kBlockCodes + 100, GetParam(), 11);
  write(entries, 0, entries.size());
  const std::string whole = read_bytes(path_);
  const uint64_t block = (whole.size() - kHeader) / 2;
  const uint64_t ids = block - 64 - 5 * kBlockCodes;
  const uint64_t flags = block - 64 - kBlockCodes;
  // In a full block: by verify(), which costs a read of the file.
  for (const uint64_t at : {uint64_t{0}, uint64_t{32767}, ids, flags, flags + kBlockCodes - 1, block - 64}) {
    write_bytes(path_, garbled(whole, kHeader + at));
    const auto file = open();
    ASSERT_TRUE(file);
    ASSERT_FALSE(file->verify());
    EXPECT_EQ(file->verify().error().code, Errc::kIndexCorrupt);
  }
  // In the last block, where a crash could leave damage: by open().
  for (const uint64_t at : {uint64_t{0}, uint64_t{99 * 8}, ids + 99 * 4, flags + 99}) {
    write_bytes(path_, garbled(whole, kHeader + block + at));
    expect_error(Errc::kIndexCorrupt);
    EXPECT_EQ(open_writer()->size(), 0u);
  }
  // Beyond what is published nothing counts.
  for (const uint64_t at : {uint64_t{100 * 8}, ids + 100 * 4, flags + 100, block - 64}) {
    write_bytes(path_, garbled(whole, kHeader + block + at));
    expect_holds(*open(), entries, entries.size());
  }
}

// Of /proc/self/status, in kB.
uint64_t resident_file_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssFile:")) return std::stoull(line.substr(8));
  return 0;
}

TEST_P(CodeFileTest, ReleasedPagesAreNoMemoryOfThisProcessAndComeBack) {
  const auto entries = clustered_entries(50 * kBlockCodes, GetParam(), 13);
  write(entries, 0, entries.size());
  const auto file = open();
  ASSERT_TRUE(file);
  expect_holds(*file, entries, entries.size());  // lets go of what it checks
  uint64_t sum = 0;
  for (uint64_t position = 0; position < file->size(); ++position)
    sum += file->code(position).words[0] + file->content_id(position) + file->flags(position);
  EXPECT_NE(sum, 0u);
  const uint64_t all_looked_at = resident_file_kb();
  file->release_pages();
  EXPECT_LT(resident_file_kb() + file->block_count() * kBlock64 / 1024 / 2, all_looked_at);
  expect_holds(*file, entries, entries.size());
  const CodeFile memory = in_memory(entries, GetParam());
  memory.release_pages();
  expect_holds(memory, entries, entries.size());
}

TEST_P(CodeFileTest, InMemoryHoldsTheSame) {
  const auto entries = clustered_entries(5 * kBlockCodes + 1, GetParam(), 12);
  expect_holds(in_memory(entries, GetParam()), entries, entries.size());
  const CodeFile empty = in_memory({}, GetParam());
  EXPECT_EQ(empty.size(), 0u);
  EXPECT_EQ(empty.block_count(), 0u);
  EXPECT_EQ(empty.bits(), bits_of(GetParam()));
}

}  // namespace
}  // namespace pairloom::search
