// What an open IndexReader holds. Private to index_reader.cpp and reader_codes.cpp. Runs in: cli, supervisor.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "index/index_reader.h"
#include "index/sqlite.h"

namespace pairloom::index {

// Rows are read a page at a time, each page in a read transaction of its own: a slow visitor holds up no checkpoint.
constexpr size_t kReaderPageRows = 4096;

// Several statements that must see the same state of the index. Keep it short: until it ends the log cannot be cut.
class ReadTransaction {
 public:
  static Result<ReadTransaction> begin(Database& database) {
    PAIRLOOM_TRY(database.run("BEGIN"));
    return ReadTransaction(&database);
  }
  ReadTransaction(ReadTransaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  ReadTransaction& operator=(ReadTransaction&&) = delete;
  ~ReadTransaction() {
    if (database_ != nullptr)
      static_cast<void>(database_->run("COMMIT"));  // there is nothing to commit, nothing can fail
  }

 private:
  explicit ReadTransaction(Database* database) : database_(database) {}
  Database* database_;
};

struct IndexReader::State {
  State(std::string index_path, auto&& own_or_lent)
      : path(std::move(index_path)), connection(std::forward<decltype(own_or_lent)>(own_or_lent)) {}

  std::string path;
  OwnOrLent connection;
  Database& db = *connection;

  // The directories that follow `after` in path order, one page.
  Result<> next_directories(const std::string& after, std::vector<KnownDirectory>& page,
                            size_t most = kReaderPageRows);
  // The live files of a directory (`in` is its path) whose names follow `after`, one page.
  Result<std::vector<FileRow>> files_after(DirectoryId directory, const std::string& in, const std::string& after);
  Result<> visit_files_in(const KnownDirectory& directory, const std::function<Result<>(const FileRow&)>& visit);

  Result<search::CodeFile> codes_from_table(Algorithm algorithm);
  Result<> check_code_version(Algorithm algorithm);
  // Contents whose stored pairs do not count as they are: those without a live file, and those whose code was replaced
  // and whose pairs the writer has not sorted out yet. By id.
  Result<std::vector<ContentId>> absent_in_pairs(Algorithm algorithm);
  // Their pairs, handed to present contents with the same code. By (a, b), each once.
  Result<std::vector<PairRow>> pairs_of_stand_ins(Algorithm algorithm, uint32_t max_distance,
                                                  const std::vector<ContentId>& absent);
  // One page of pairs after `last`, by (a, b).
  Result<> next_pairs(Algorithm algorithm, uint32_t max_distance, PairRow last, std::vector<PairRow>& page);
};

// Ids of a query's first column.
Result<std::vector<ContentId>> content_ids(Result<Query> started);

}  // namespace pairloom::index
