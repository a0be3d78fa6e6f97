// IndexReader: read-only view of an index; never blocks the writer and is never blocked by it. Runs in: cli, supervisor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "index/rows.h"
#include "search/code_file.h"

namespace pairloom::index {

class Database;

class IndexReader {
 public:
  // kIndexMissing, kIndexTooNew, kIndexCorrupt with messages that say what to do.
  static Result<IndexReader> open(const std::string& path);
  IndexReader(const std::string& path, Database& database);  // the writer's own: IndexWriter::reader()
  IndexReader(IndexReader&&) noexcept;
  IndexReader& operator=(IndexReader&&) noexcept;
  ~IndexReader();

  // All that `read` asks is answered from one state of the index, and quicker than one by one. Keep it short: until it ends
  // the log cannot be cut.
  Result<> in_one_snapshot(const std::function<Result<>()>& read);

  Result<IndexInfo> info();
  // Visitors return an error to stop; it is passed on.
  Result<> visit_files(const std::function<Result<>(const FileRow&)>& visit);  // live, path order within directories
  // The same, pulled: the files that follow `at`, a page of one directory, and moves `at` behind them. Empty: no more.
  Result<std::vector<FileRow>> next_files(FileCursor& at);
  Result<std::vector<RootRow>> roots();                                        // by path
  Result<> visit_failures(const std::function<Result<>(const FailureRow&)>& visit);
  Result<> visit_runs(const std::function<Result<>(const RunRow&)>& visit);  // newest first
  Result<std::vector<WorkerTotals>> workers_of(RunId run);

  Result<std::optional<FileRow>> find_file(const std::string& path);  // absolute path
  Result<std::vector<FileRow>> files_of(ContentId content);           // live, by path
  Result<std::optional<ContentRow>> content(ContentId id);
  Result<std::optional<ContentId>> content_by_digest(const Digest& digest, uint64_t size_bytes);
  Result<std::optional<Code>> code(ContentId content, Algorithm algorithm);

  // Contents with at least two live files (byte-identical duplicates), by id.
  Result<std::vector<ContentId>> contents_with_copies();
  // Contents known only from tombstones, by id: no live file.
  Result<std::vector<ContentId>> contents_without_files();
  // Contents of low information for an algorithm (quality below its min_quality) that have a live file, by id.
  Result<> visit_low_information(Algorithm algorithm, const std::function<Result<>(ContentId)>& visit);
  // Stored pairs with both contents live, distance <= max_distance, by (a, b). Equal codes are linked to one of them
  // that carries the pairs with all others (search/hamming_scan.h); where that one has no live file any more, the
  // lowest live one of its equals takes its place, so that no two live contents lose each other.
  Result<> visit_pairs(Algorithm algorithm, uint32_t max_distance,
                       const std::function<Result<>(const PairRow&)>& visit);
  Result<PairingState> pairing_state(Algorithm algorithm);

  // The packed codes, all that are committed; falls back to an in-memory copy made from SQLite when the code file is
  // missing, stale or behind. kIndexTooNew or kRefused when this build's codes of the algorithm are not comparable with
  // them.
  Result<search::CodeFile> codes(Algorithm algorithm);

  // Deep check for `index verify`: integrity_check, foreign keys, counts, pairs against codes, code files against the
  // table. Returns problems, empty = ok.
  Result<std::vector<std::string>> verify();

 private:
  struct State;
  explicit IndexReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::index
