// What the index stores, as plain values. Runs in: supervisor (writes), cli (reads).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "base/image.h"

namespace pairloom::index {

using DirectoryId = int64_t;
using ContentId = uint32_t;  // 1..2^32-1; 0 = none
using RunId = int64_t;

// Which codes a content has, which of them were made with at least default, and which with full accuracy.
struct Coverage {
  AlgorithmSet any = 0, at_least_default = 0, full = 0;
  static Coverage of(AlgorithmSet codes, Accuracy accuracy) {
    return {codes, accuracy >= Accuracy::kDefault ? codes : 0, accuracy == Accuracy::kFull ? codes : 0};
  }
  AlgorithmSet made_with(Accuracy at_least) const {
    return at_least == Accuracy::kFull ? full : at_least == Accuracy::kDefault ? at_least_default : any;
  }
  // True if nothing is missing: every wanted code is there and was made with `at_least` this accuracy.
  bool has(AlgorithmSet wanted, Accuracy at_least) const { return (wanted & ~made_with(at_least)) == 0; }
  // Of the codes there are.
  Accuracy lowest_accuracy() const {
    if (any != at_least_default) return Accuracy::kFast;
    return any != full ? Accuracy::kDefault : Accuracy::kFull;
  }
  friend auto operator<=>(const Coverage&, const Coverage&) = default;
};

// A file as the incremental check needs it.
struct KnownFile {
  std::string name;
  StatIdentity identity;  // .device is 0: the directory knows its file system
  Outcome outcome = Outcome::kIndexed;
  ContentId content = 0;
  uint32_t attempts = 0;         // worker lives it has cost, for quarantine
  uint32_t program_version = 0;  // of the pairloom that decided a failure (base/version.h)
  Coverage coverage;             // of its content; filled only when asked for
};

struct KnownDirectory {
  DirectoryId id = 0;
  std::string path;         // absolute, bytes, no trailing slash (but "/")
  uint64_t filesystem = 0;  // statfs f_fsid; 0 = unknown
};

// What a worker said about a file, ready to be stored.
struct FileResult {
  DirectoryId directory = 0;
  std::string name;
  StatIdentity identity;
  Outcome outcome = Outcome::kIndexed;
  std::string message;  // reason of a failure or first decoder warning
  Digest digest;
  ImageInfo image;
  Accuracy accuracy = Accuracy::kDefault;
  std::vector<CodeOf> codes;
  uint32_t worker_slot = 0;
  uint64_t elapsed_ns = 0;
  uint32_t attempts = 0;
  // Of a file that cost workers their lives: the last one's end, and the decoder it was at ("libtiff 4.5.0").
  int signal = 0;
  std::string decoder;
};

enum class RunKind : uint8_t { kAdd = 1, kUpdate = 2, kPrune = 3, kPair = 4 };
struct RunTotals {
  uint64_t seen = 0;       // regular files met
  uint64_t unchanged = 0;  // indexed earlier, same stat identity: not opened
  uint64_t moved = 0;      // recognised by inode: not decoded
  uint64_t indexed = 0;    // decoded and stored
  uint64_t not_image = 0;  // found now or remembered
  uint64_t failed = 0;     // is_failure(outcome), found now or remembered
  uint64_t gone = 0;       // tombstoned
  uint64_t bytes_read = 0;
  uint64_t worker_deaths = 0;
  double seconds = 0;
  bool interrupted = false;

  // What was done to files; not deaths and time, which do not add up where runs share workers.
  void add_files(const RunTotals& more) {
    seen += more.seen;
    unchanged += more.unchanged;
    moved += more.moved;
    indexed += more.indexed;
    not_image += more.not_image;
    failed += more.failed;
    gone += more.gone;
    bytes_read += more.bytes_read;
  }
};
struct WorkerTotals {
  uint32_t slot = 0;
  uint32_t lives = 0;  // processes this slot used
  uint32_t sandbox_level = 0;  // of the last of them (base/sandbox_level.h)
  uint64_t tasks = 0, bytes_read = 0;
  uint64_t stage_ns[8] = {};  // index = shm::Stage
};

// A path the user asked to be indexed, and the file system it was on (f_fsid; 0 = unknown).
struct RootRow {
  std::string path;
  uint64_t filesystem = 0;
};

// What computed stored features, and how to read them (docs/index_schema.md, "Features").
struct ExtractorRow {
  std::string name, parameters;
  uint32_t version = 1;
  std::string element;  // "u8", "i32", "f32", "f64"
  bool one_row = true;
  std::vector<std::string> columns;
  uint64_t row_bytes = 0;
};
using ExtractorId = int64_t;
// One content's values: rows x columns, row-major, little-endian.
struct FeatureRow {
  ExtractorId extractor = 0;
  uint32_t rows = 0;
  std::span<const std::byte> values;
};

// Reading side.
struct FileRow {
  std::string path;  // absolute, bytes
  StatIdentity identity;
  Outcome outcome = Outcome::kIndexed;
  ContentId content = 0;
};
// Where a reader of files stands; as made, before the first.
struct FileCursor {
  DirectoryId directory = 0;
  std::string directory_path, name;
};
struct ContentRow {
  ContentId id = 0;
  Digest digest;
  uint64_t size_bytes = 0;
  ImageInfo image;
  std::string warning;  // decoder's first warning if image.damaged
  Accuracy accuracy = Accuracy::kDefault;
};
struct FailureRow {
  std::string path;
  Outcome outcome;
  std::string message;
  uint32_t attempts = 0;
  int signal = 0;                // that ended the last worker it cost; 0 = none
  std::string decoder;           // in use then; empty = none, or not known
  uint32_t program_version = 0;  // of the pairloom that decided
};
struct RunRow {
  RunId id = 0;
  RunKind kind = RunKind::kAdd;
  int64_t started_ns = 0, finished_ns = 0;  // wall clock; finished 0 = never finished
  std::string arguments;
  RunTotals totals;
};
struct PairRow {
  ContentId a = 0, b = 0;
  uint32_t distance = 0;
};
// Up to where pairs are complete for an algorithm: all pairs of codes at positions < `position` within `radius`.
struct PairingState {
  uint32_t radius = 0;
  uint64_t position = 0;
  uint64_t code_count = 0;
  uint32_t wanted = 0;  // the radius that somebody asked for; 0: nobody did (stored_by_default())
};
// Kept with every change: known without counting.
struct IndexCounts {
  uint64_t files = 0;  // live and indexed; the next ones are disjoint from it
  uint64_t not_images = 0, failures = 0, gone = 0;
  uint64_t contents = 0;  // distinct images among `files`
  uint64_t directories = 0;
};

struct IndexInfo : IndexCounts {
  uint64_t database_bytes = 0;
  uint32_t schema_version = 0;
  struct AlgorithmCount {
    Algorithm algorithm;
    uint64_t codes;
    PairingState pairing;
  };
  std::vector<AlgorithmCount> algorithms;
};

}  // namespace pairloom::index
