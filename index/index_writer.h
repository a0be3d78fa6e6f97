// IndexWriter: the only thing that writes an index. Runs in: supervisor (one at a time, enforced by a lock file).
// Every change is in a transaction; commit() makes the batch durable (synchronous=FULL) and then publishes the new
// codes to the code files. A crash at any moment leaves the last commit; whatever lies behind it (code files) catches
// up at open(). After an error of any method that changes something, everything since the last commit is taken back,
// and the writer can be used on: kIo for disk full and I/O errors, kInvalidArgument for rows that cannot be (no such
// directory).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "index/rows.h"

namespace pairloom::index {

class IndexReader;
class PairingStore;

class IndexWriter {
 public:
  // Creates the index (and its directory) when missing; migrates an older schema; refuses a newer one (kIndexTooNew), a
  // damaged one (kIndexCorrupt) and one that has a writer already (kIndexLocked; the message names that process:
  // program, pid, since when). `program` is what the next refused writer will read: "pairloom scan".
  static Result<IndexWriter> open(const std::string& path, const std::string& program);

  IndexWriter(IndexWriter&&) noexcept;
  IndexWriter& operator=(IndexWriter&&) noexcept;
  ~IndexWriter();  // rolls back what was not committed, releases the lock

  const std::string& path() const;

  // --- runs
  Result<RunId> begin_run(RunKind kind, const std::string& arguments);
  Result<> finish_run(RunId run, const RunTotals& totals, std::span<const WorkerTotals> workers);  // commits

  // --- roots and directories
  Result<> note_root(const std::string& path, uint64_t filesystem);  // absolute path the user asked for
  Result<std::vector<RootRow>> roots();                              // by path
  // The row of a directory, made if needed, with its parents up to "/" (their file system is 0 = unknown until they are
  // asked for themselves). A changed filesystem id is only stored by set_filesystem.
  Result<KnownDirectory> directory(const std::string& path, uint64_t filesystem_if_new);
  Result<> set_filesystem(DirectoryId directory, uint64_t filesystem);
  Result<std::optional<KnownDirectory>> find_directory(const std::string& path);
  // Known directories directly below `parent` (path order). Streams.
  Result<std::vector<KnownDirectory>> child_directories(DirectoryId parent);

  // Whether there is any file, not gone, in the directory or below.
  Result<bool> has_live_files_below(DirectoryId directory);

  // --- the incremental check
  // True if some live content lacks one of these codes or was made with a lower accuracy.
  Result<bool> some_content_lacks(AlgorithmSet algorithms, Accuracy accuracy);
  // All live files of a directory in byte order of names (one range SELECT). Files that are gone are left out.
  Result<> known_files(DirectoryId directory, bool with_coverage, std::vector<KnownFile>& out);
  // One live file, and the names of all live files, for directories too large to hold.
  Result<std::optional<KnownFile>> known_file(DirectoryId directory, const std::string& name, bool with_coverage);
  Result<> visit_known_names(DirectoryId directory, const std::function<Result<>(const std::string& name)>& visit);
  // False in a new index: then nothing can have been moved, and find_by_inode need not be asked.
  Result<bool> has_content();
  // An indexed file (live or gone) on that file system with this inode, size and mtime: the same file under another
  // name. Empty when none.
  Result<std::optional<KnownFile>> find_by_inode(uint64_t filesystem, const StatIdentity& identity,
                                                 bool with_coverage);

  // --- results (each becomes durable with the next commit)
  Result<> put(RunId run, FileResult result);
  // A file known by inode under a new name: keeps content `content`.
  Result<> put_moved(RunId run, DirectoryId directory, const std::string& name, const StatIdentity& identity,
                     ContentId content);
  Result<> mark_gone(RunId run, DirectoryId directory, const std::string& name);
  // It and everything below; returns the files marked.
  Result<uint64_t> mark_directory_gone(RunId run, DirectoryId directory);
  // Stores the blame points of a file (KnownFile::attempts) before it is tried again; a row that was not there is made,
  // with outcome kCrashed. Durable at once, so that a supervisor crash does not reset them.
  Result<> put_attempts(RunId run, DirectoryId directory, const std::string& name, const StatIdentity& identity,
                        uint32_t points);

  // Ends the transaction if one is open; then publishes new codes. Cheap when nothing changed.
  Result<> commit();
  // The same in the background, while results are put and files are looked up: any error shows at the next call that needs
  // the database, and takes back what came since, too. commit() waits for it; so does whatever changes something else.
  Result<> begin_commit();
  uint64_t uncommitted_changes() const;  // since the last commit, or the beginning of one
  IndexCounts counts() const;  // with what is not committed yet

  // --- pairing
  // Radius 0, position 0 when never paired. Commits, and brings the code file up to date: pairing starts here.
  // Positions hold while generation() stays the same.
  Result<PairingState> pairing_state(Algorithm algorithm);
  std::string code_file_path(Algorithm algorithm) const;
  uint64_t index_id() const;
  uint64_t generation() const;
  // Idempotent: a pair that is there stays. kInvalidArgument unless a < b and both are contents. That both have a code of
  // the algorithm is the caller's to know, by the code file.
  Result<> put_pairs(Algorithm algorithm, std::span<const PairRow> pairs);
  Result<> set_pairing_state(Algorithm algorithm, uint32_t radius, uint64_t position);  // commits
  // The plans of pairing, and groups; and all that readers are told. By the writer's connection, as making one costs a
  // millisecond: to be used when nothing is uncommitted, and not to outlive the writer.
  PairingStore pairing_store();
  IndexReader reader();
  // From now on pairs are to be stored up to this radius; 0: as far as pairloom does by itself. Those farther apart are
  // deleted; nearer ones that are missing are the next pairing's to find. Remembered until it is called again. Commits.
  Result<> want_pairs(Algorithm algorithm, uint32_t radius);
  Result<AlgorithmSet> wanted_pairings();  // of which a radius was asked for

  // --- features of extractors
  // The row of an extractor, made if needed. Features of an older version of it are forgotten. kRefused when the index
  // holds a newer version, or the same version with other columns. Commits.
  Result<ExtractorId> extractor(const ExtractorRow& extractor);
  // The content of a live indexed file whose stat identity is as stored (but for the device). Empty: there is none.
  Result<std::optional<ContentId>> indexed_content(const std::string& path, const StatIdentity& identity);
  // True if this content has features of all of them.
  Result<bool> has_features(ContentId content, std::span<const ExtractorId> extractors);
  // Stores them, in place of earlier ones. False, and nothing is stored: that content's bytes have another digest.
  Result<bool> put_features(ContentId content, const Digest& digest, std::span<const FeatureRow> features);

  // --- maintenance
  // Forgets gone files, contents without files, their codes and pairs; new generation; rebuilds the code files. Returns
  // what was removed. With `dry_run` only counts.
  struct Pruned {
    uint64_t files = 0, contents = 0, directories = 0;
  };
  Result<Pruned> prune(bool dry_run);

 private:
  struct State;
  explicit IndexWriter(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pairloom::index
