// CodeFile: the codes of one algorithm, packed for scanning and mapped into memory: `<index>-codes.<algorithm>`. SQLite
// holds the truth (table `code`); this file is rebuilt from it whenever it is missing, stale or damaged. Append-only: a
// code's position never changes within a generation. Format, byte by byte: docs/code_file.md.
// Runs in: supervisor (appends), worker and cli (map read-only). No SQLite, no OpenCV.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/algorithm.h"
#include "base/result.h"

namespace pairloom::search {

// Codes lie in blocks of this many, each block word-major (all first words, then all second words, ...), so that a scan
// that decides by the first 128 bits never touches the rest.
constexpr uint64_t kBlockCodes = 4096;

enum CodeFlags : uint8_t {
  kLowInformation = 1,  // flat, black ...: left out of pairing and of `match` unless asked for
};

// One block as the kernels see it. Arrays are 64-byte aligned; entries at and beyond `count` hold anything.
struct CodeBlock {
  uint64_t first_position;
  uint32_t count;            // 1..kBlockCodes
  const uint64_t* words[4];  // words[w][i]; only bits/64 of them
  const uint32_t* content_ids;
  const uint8_t* flags;
};

// A read-only view of a published prefix. Appends by the writer after open() are not seen and do no harm.
class CodeFile {
 public:
  // kIndexCorrupt when header, size or the checksum of the last block disagree (the caller rebuilds or falls back to
  // SQLite); kIndexMissing when there is no such file. `index_id` and `generation` must be those the index states.
  static Result<CodeFile> open(const std::string& path, Algorithm algorithm, uint64_t index_id, uint64_t generation);
  // The same for a descriptor; `name` is for messages.
  static Result<CodeFile> open(int fd, const std::string& name, Algorithm algorithm, uint64_t index_id,
                               uint64_t generation);

  uint64_t size() const;  // number of codes
  uint64_t block_count() const;
  CodeBlock block(uint64_t number) const;
  Code code(uint64_t position) const;
  uint32_t content_id(uint64_t position) const;
  uint8_t flags(uint64_t position) const;
  int bits() const;

  // Lets go of the pages that were looked at so far: they count as this process's memory. Nothing is lost, they stay
  // where the system keeps files, and come back when they are looked at again.
  void release_pages() const;

  // Reads everything and checks it against the checksums of the blocks: kIndexCorrupt names the first damaged block. An
  // in-memory CodeFile has none and is always right.
  Result<> verify() const;

  CodeFile(CodeFile&&) noexcept;
  CodeFile& operator=(CodeFile&&) noexcept;
  ~CodeFile();

 private:
  struct Mapping;
  explicit CodeFile(std::unique_ptr<Mapping> mapping);
  std::unique_ptr<Mapping> mapping_;
  friend class CodeFileBuilder;
};

// Makes a CodeFile in memory: for readers that find no usable file, and for tests.
class CodeFileBuilder {
 public:
  explicit CodeFileBuilder(Algorithm algorithm);
  // kIo when there is no memory; what was appended stays.
  Result<> append(uint32_t content_id, const Code& code, uint8_t flags);
  CodeFile finish() &&;

  CodeFileBuilder(CodeFileBuilder&&) noexcept;
  CodeFileBuilder& operator=(CodeFileBuilder&&) noexcept;
  ~CodeFileBuilder();

 private:
  std::unique_ptr<CodeFile::Mapping> mapping_;
};

// The single appender. Codes become visible to later open()s at publish(), which is crash-safe: data is written and
// synced before the header that counts it. A crash in between leaves the previous state.
class CodeFileWriter {
 public:
  // Opens for appending; when the file is missing, damaged or of another index/generation an empty one takes its place
  // (size() == 0 then tells the caller to append everything again; readers of the old one keep it). kIo otherwise.
  static Result<CodeFileWriter> open(const std::string& path, Algorithm algorithm, uint64_t index_id,
                                     uint64_t generation);

  uint64_t size() const;  // published + appended
  // kIo: nothing was appended.
  Result<> append(uint32_t content_id, const Code& code, uint8_t flags);
  // Does nothing when nothing was appended. kIo: not published, and this writer publishes no more (after a failed sync
  // it is unknown what reached the disk); the next open() starts from the last published state.
  Result<> publish();

  CodeFileWriter(CodeFileWriter&&) noexcept;
  CodeFileWriter& operator=(CodeFileWriter&&) noexcept;
  ~CodeFileWriter();

 private:
  struct State;
  explicit CodeFileWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::search
