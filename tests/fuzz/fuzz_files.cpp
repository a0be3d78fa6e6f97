// What lies on disk beside the index and may be damaged there: code file, digest table, roots; and lists of paths.
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "base/fd.h"
#include "daemon/path_list.h"
#include "index/kept_roots.h"
#include "index/digest_table.h"
#include "search/code_file.h"
#include "search/code_layout.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/temp_dir.h"

namespace pairloom::test {
namespace {

constexpr uint64_t kIndexId = 77, kGeneration = 3;

Fd memory_file(std::span<const std::byte> bytes) {
  Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
  must(fd && write_all(fd.get(), bytes.data(), bytes.size(), "memory").has_value(), "there is memory for the input");
  must(::lseek(fd.get(), 0, SEEK_SET) == 0, "a memory file can be read from its beginning");
  return fd;
}

Bytes content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  return bytes_of(text);
}

// A checksum stands before all that a fuzzer would want to change: made right, so that what is behind it is reached.
Bytes with_right_checksums(std::span<const std::byte> input) {
  Bytes file(input.begin(), input.end());
  for (uint64_t at : {uint64_t{0}, search::kSlotStride}) {
    if (file.size() < at + sizeof(search::HeaderSlot)) break;
    search::HeaderSlot slot;
    std::memcpy(&slot, file.data() + at, sizeof slot);
    slot.checksum = search::checksum_of(slot);
    std::memcpy(file.data() + at, &slot, sizeof slot);
  }
  return file;
}

void read_code_file(std::span<const std::byte> input) {
  for (const bool made_right : {false, true}) {
    const Fd fd = memory_file(made_right ? with_right_checksums(input) : Bytes(input.begin(), input.end()));
    const auto codes = search::CodeFile::open(fd.get(), "codes", Algorithm::kPdq, kIndexId, kGeneration);
    if (!codes) {
      must(!codes.error().message.empty(), "a refusal has a reason");
      continue;
    }
    uint64_t seen = 0;
    for (uint64_t b = 0; b < codes->block_count(); ++b) {
      const search::CodeBlock block = codes->block(b);
      for (uint32_t i = 0; i < block.count; ++i) seen += (block.words[3][i] | block.content_ids[i] | block.flags[i]) != 0;
    }
    must(seen <= codes->size(), "no more codes than there are");
    static_cast<void>(codes->verify());
  }
}

std::vector<Bytes> code_files() {
  const TempDir dir;
  std::vector<Bytes> seeds;
  for (const uint32_t count : {0u, 1u, 70u}) {
    const std::string path = dir / std::to_string(count);
    auto writer = search::CodeFileWriter::open(path, Algorithm::kPdq, kIndexId, kGeneration);
    must(writer.has_value(), "a code file can be made");
    for (uint32_t i = 0; i < count; ++i) must(writer->append(i, {}, 0).has_value(), "and filled");
    must(writer->publish().has_value(), "and published");
    seeds.push_back(content_of(path));
  }
  return seeds;
}

// The token that the index would remember is whatever stands in the file.
uint64_t token_in(std::span<const std::byte> input) {
  uint64_t token = 0;
  if (input.size() >= 32) std::memcpy(&token, &input[24], sizeof token);
  return token;
}

void read_digest_table(std::span<const std::byte> input) {
  static const TempDir dir;
  const std::string path = dir.write("digests", text_of(input));
  auto table = index::DigestTable::open(path, kIndexId, token_in(input));
  if (!table || !*table) return;
  for (uint64_t digest = 0; digest < 8; ++digest) {
    const auto found = (*table)->find({digest << 56 | digest, digest}, [](index::ContentId) -> Result<bool> { return false; });
    must(!found || *found == 0, "nobody was said to be it");
  }
  if (!(*table)->begin_session()) return;
  for (uint64_t digest = 0; digest < 4; ++digest) static_cast<void>((*table)->insert({digest, digest}, 5));
  static_cast<void>((*table)->flush());
  static_cast<void>((*table)->end_session());
}

std::vector<Bytes> digest_tables() {
  const TempDir dir;
  auto table = index::DigestTable::create(dir / "digests", kIndexId, 10);
  must(table && table->begin_session().has_value(), "a digest table can be made");
  for (uint64_t i = 1; i < 10; ++i) must(table->insert({i, ~i}, static_cast<index::ContentId>(i)).has_value(), "and filled");
  must(table->flush().has_value() && table->end_session().has_value(), "and closed");
  return {content_of(dir / "digests")};
}

void read_root_file(std::span<const std::byte> input) {
  static const TempDir dir;
  const std::string index = dir / "index.db";
  dir.write("index.db-roots", text_of(input));
  const auto before = index::kept_roots(index);
  must(before.has_value(), "a damaged line is no error");
  must(index::keep_root(index, "/new").has_value(), "one more can be written");
  const auto after = index::kept_roots(index);
  must(after && !after->empty() && after->back() == "/new", "and is read after all that is damaged");
}

std::vector<Bytes> root_files() {
  return {bytes_of("{\"root\":{\"text\":\"/photos\"}}\n"),
          bytes_of("{\"root\":{\"bytes\":\"L3D/\"}}\nnone\n{\"other\":1}\n{\"roo")};
}

// The first byte says how the list is separated.
void read_path_list(std::span<const std::byte> input) {
  if (input.empty()) return;
  const bool nul = (std::to_integer<unsigned>(input[0]) & 1) != 0;
  const Fd fd = memory_file(input.subspan(1));
  daemon::PathList list(fd.get(), nul);
  daemon::FileBatch batch;
  size_t paths = 0;
  while (true) {
    const auto next = list.next(batch);
    if (!next || *next == daemon::FileSource::Next::kEnd) break;
    must(*next == daemon::FileSource::Next::kBatch, "a file is always readable");
    must(batch.files.size() <= daemon::kBatchFiles, "a batch is bounded");
    paths += batch.files.size() + batch.problems.size();
  }
  must(paths <= input.size(), "no more paths than bytes");
}

std::vector<Bytes> path_lists() {
  return {bytes_of("\nno such/a.jpg\n/no/such\n\n-x\n"), bytes_of(std::string("\1no such/a.jpg\0/no/such\0\0", 25))};
}

}  // namespace

void add_file_targets(std::vector<FuzzTarget>& targets) {
  targets.push_back({"code-file", read_code_file, code_files});
  targets.push_back({"digest-table", read_digest_table, digest_tables});
  targets.push_back({"roots", read_root_file, root_files});
  targets.push_back({"path-list", read_path_list, path_lists});
}

}  // namespace pairloom::test
