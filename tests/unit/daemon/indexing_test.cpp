// What the indexing job hands out, and in which order.
#include "daemon/indexing.h"

#include <gtest/gtest.h>

#include "tests/unit/index/index_fixture.h"

namespace pairloom::daemon {
namespace {

// One directory of files with the given inodes, named in the order they come.
class OneDirectory final : public FileSource {
 public:
  OneDirectory(std::vector<uint64_t> inodes, bool on_rotating_disk)
      : inodes_(std::move(inodes)), on_rotating_disk_(on_rotating_disk) {}

  Result<Next> next(FileBatch& batch) override {
    batch = FileBatch{};
    if (std::exchange(ended_, true)) return Next::kEnd;
    batch.directory = "/photos";
    batch.filesystem = 1;
    batch.complete = true;
    batch.on_rotating_disk = on_rotating_disk_;
    for (const uint64_t inode : inodes_) {
      FoundFile file;
      file.name = std::string(1, static_cast<char>('a' + batch.files.size()));
      file.identity = {.device = 1, .inode = inode, .size_bytes = 10, .mtime_ns = 1, .ctime_ns = 1};
      batch.files.push_back(file);
    }
    return Next::kBatch;
  }

 private:
  std::vector<uint64_t> inodes_;
  bool on_rotating_disk_, ended_ = false;
};

class IndexingTest : public index::IndexTest {
 protected:
  std::string order_of(std::vector<uint64_t> inodes, bool on_rotating_disk) {
    auto writer = open_writer();
    const auto run = index::value(writer.begin_run(index::RunKind::kAdd, "test"));
    const IndexRequest request;
    OneDirectory source(std::move(inodes), on_rotating_disk);
    auto indexing = index::value(Indexing::create(writer, run, request, source, [](const Problem&) {}));
    std::string names;
    Task task;
    while (true) {
      const auto pulled = index::value(indexing.pull(task));
      if (pulled == Job::Pull::kEnd) return names;
      if (pulled == Job::Pull::kTask) names += indexing.file_of(task).back();
    }
  }
};

TEST_F(IndexingTest, FilesOfARotatingDiskAreReadInTheOrderOfTheirInodes) {
  EXPECT_EQ(order_of({7, 3, 9, 1}, true), "dbac");
}

TEST_F(IndexingTest, OtherFilesAreReadInTheOrderOfTheirNames) {
  EXPECT_EQ(order_of({7, 3, 9, 1}, false), "abcd");
}

}  // namespace
}  // namespace pairloom::daemon
