// What an open IndexWriter holds, and the steps its methods are made of. Private to index/writer_*.cpp and
// index_writer.cpp. Runs in: supervisor.
//
// Transactions: the first change begins one, commit() ends it. Any error in a change rolls back to the last commit and
// reloads what is cached here, so that the writer stays usable.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "index/digest_table.h"
#include "index/index_writer.h"
#include "index/new_images.h"
#include "index/row_table.h"
#include "index/sqlite.h"
#include "index/writer_lock.h"
#include "search/code_file.h"

namespace pairloom::index {

// Rows a visitor or a long statement handles at a time: bounds memory and keeps read transactions short.
constexpr size_t kPageRows = 4096;
// Codes of an algorithm that are kept at hand for the code file: more than come between two commits.
constexpr size_t kMaxLatestCodes = 65536;

// New images go to SQLite when they are so many, or when it is asked something they could change. While it is still busy
// with those before, more of them gather.
constexpr size_t kMinNewImages = 256, kMaxNewImages = 2048;

constexpr size_t kMaxCheckedDirectories = 4096;

// A row of `file` as it was before a change.
struct StoredFile {
  Outcome outcome;
  ContentId content;  // 0 = none
  StatIdentity identity;
  uint32_t attempts;
  bool live;
};

// A row of `file` to be written.
struct NewFile {
  DirectoryId directory;
  std::string_view name;
  const StatIdentity& identity;
  Outcome outcome;
  ContentId content = 0;
  uint32_t attempts = 0;
  bool content_counted = false;  // the content was made for this file: its live_files counts it already
};

// Pairs that one statement is about to store.
constexpr RowTable<PairRow>::Column kPairColumns[] = {
    {"a", [](const PairRow& pair) { return number(pair.a); }},
    {"b", [](const PairRow& pair) { return number(pair.b); }},
    {"distance", [](const PairRow& pair) { return number(pair.distance); }},
};

struct IndexWriter::State {
  State(std::string index_path, WriterLock writer_lock, Database database)
      : path(std::move(index_path)), lock(std::move(writer_lock)), db(std::move(database)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (digests) static_cast<void>(digests->end_session());  // if it fails, the table is made again one day
  }

  std::string path;
  WriterLock lock;  // released after the database is closed
  NewImages new_images;  // of the open transaction, not in the database yet
  RowTable<PairRow> new_pairs{kPairColumns};
  Database db;
  std::optional<Database> committed_db;  // reads what is committed, while `db` is busy; opened when first needed
  int64_t committed_contents = 1;        // ids below this one are

  // The row of `meta`, as of the current transaction.
  struct Meta {
    uint64_t index_id = 0, generation = 0;
    int64_t next_content = 1;
    int64_t images = 0, not_images = 0, failures = 0, gone = 0, contents = 0, directories = 0;
    uint64_t digest_token = 0;
  } meta;
  std::optional<DigestTable> digests;  // opened when first needed
  std::map<Coverage, int64_t> coverage;  // table `coverage`, as of the current transaction
  bool coverage_changed = false;
  bool has_vacancies = false;
  uint64_t changes = 0;
  bool loaded = false;  // false after a rollback whose reload failed
  std::unordered_set<DirectoryId> checked_directories;  // there are these

  // A row of `code`.
  struct CodeRow {
    uint64_t position;
    ContentId content;
    Code code;
    uint8_t flags;
  };
  // The codes of one algorithm.
  struct Codes {
    uint64_t next_position = 0;
    std::vector<CodeRow> latest;  // those that are not in the code file yet, as far as they are not too many
    std::optional<search::CodeFileWriter> file;
    uint64_t file_generation = 0;
  };
  std::array<Codes, 32> codes;  // by algorithm number
  Codes& codes_of(Algorithm a) { return codes[static_cast<size_t>(a)]; }
  using Positions = std::array<uint64_t, 32>;  // the next ones, by algorithm number

  // What a commit writes of all that is kept here, as of its beginning.
  struct Totals {
    Meta meta;
    std::optional<std::map<Coverage, int64_t>> coverage;  // if it has changed
    Positions positions;
  };
  std::optional<Totals> committing;  // of a commit that was begun and is not finished

  tl::unexpected<Error> damaged(std::string_view how) const;  // the error for what cannot be

  // --- transactions (index_writer.cpp)
  Result<> load();
  Result<> keep_roots();  // writes down those of an index that has no file of them yet
  Result<> load_coverage();
  Result<> begin();
  Result<> begin_in_database();  // touches nothing else
  Result<> commit();        // SQLite only; publish_codes() follows
  Result<> begin_commit();  // finish_beside() ends it
  Positions positions() const;
  Totals take_totals();
  Result<> write_commit(const Totals& totals);  // touches nothing but the database
  void roll_back();
  // Something may be done beside, in another thread: new images are inserted, or a commit is written. Waits for its end,
  // and does what is left of it.
  Result<> finish_beside();
  // The same, but if it was a commit, its codes are the caller's to publish. When it has failed, all is rolled back.
  Result<std::optional<Totals>> take_from_beside();
  // What is not in the database yet goes there: to be called before it is asked about files, contents or codes; or about
  // the files of one directory.
  Result<> settle_new_images();
  Result<> settle_new_images_in(DirectoryId directory);
  // Runs a change in the open transaction; rolls all of it back when it fails.
  template <class Body>
  auto change(Body body) -> decltype(body()) {
    return change_beside_new_images([&]() -> decltype(body()) {
      if (auto stored = store_new_images(); !stored) return tl::unexpected(std::move(stored).error());
      return body();
    });
  }
  // The same, of a change that has nothing to do with them.
  template <class Body>
  auto change_beside_new_images(Body body) -> decltype(body()) {
    if (auto begun = begin(); !begun) return tl::unexpected(std::move(begun).error());
    return keep_or_roll_back(body);
  }
  // The same; `body` begins the transaction when it needs it.
  template <class Body>
  auto keep_or_roll_back(Body body) -> decltype(body()) {
    auto done = body();
    if (!done) {
      roll_back();
    } else {
      ++changes;
    }
    return done;
  }

  // --- files (writer_results.cpp)
  Result<std::optional<StoredFile>> stored_file(DirectoryId directory, std::string_view name);
  Result<> store_file(RunId run, const NewFile& file, const std::optional<StoredFile>& before);
  Result<> update_file(RunId run, const NewFile& file, const StoredFile& before);
  Result<bool> insert_file(RunId run, const NewFile& file);  // false: there is one of that name; nothing was done
  Result<> count_content(const NewFile& file);
  static Result<> check_name(std::string_view name);  // kInvalidArgument: no file can have it
  Result<> check_directory(DirectoryId directory);  // kInvalidArgument: there is none
  void note_directory(DirectoryId directory);       // there is
  Result<> store_failure(const FileResult& failed);
  Result<bool> mark_gone(RunId run, DirectoryId directory, std::string_view name);  // false: was not live
  Result<> add_live_files(ContentId content, int difference);
  int64_t& count_of(Outcome outcome, bool live);

  // --- contents and codes (writer_contents.cpp)
  Result<> add_new_image(RunId run, FileResult result);
  Result<> store_new_images();     // all of them, now
  Result<> send_off_new_images();  // beside
  Result<> insert_new_images();    // those sent off; touches nothing but them and the database
  Result<> finish_new_images();    // those inserted
  Result<> update_files_that_were_there();  // of these
  // A committed content has other bytes than the result's. False: ask `db`.
  Result<bool> is_surely_another(ContentId committed, const FileResult& result);
  // The content of these bytes, with the codes of the result; 0: there is none.
  Result<ContentId> known_content(const FileResult& result);
  // `live`: it has a live file, and so counts in `coverage`.
  Result<> improve_content(ContentId id, const FileResult& result, const Coverage& stored, bool live);
  void count_coverage(const Coverage& of, int difference);
  Result<> recount_coverage();
  CodeRow number_code(ContentId content, const CodeOf& code, const ImageInfo& image);  // the next one
  Result<> insert_code(ContentId content, const CodeOf& code, const ImageInfo& image);
  Result<> replace_code(ContentId content, const CodeOf& code, const ImageInfo& image);

  // --- pairs (writer_pairs.cpp)
  // Forgets pairing that was begun.
  Result<> forget_plan(Algorithm algorithm);
  // Forgets all pairs, what was made of them, and how far they were complete; not which are wanted.
  Result<> forget_pairs(Algorithm algorithm);

  // --- the digest table (writer_digests.cpp)
  std::string digest_table_path() const { return path + "-digests"; }
  Result<> open_digests();  // ready for insertions
  Result<> drop_digests();  // it is made again when it is needed

  // --- codes and code files (writer_codes.cpp)
  std::string code_file_path(Algorithm algorithm) const;
  // Forgets the codes of an algorithm that this build computes differently.
  Result<> drop_outdated_codes();
  // Takes a code away: its position becomes a vacancy, and with the first vacancy a new generation begins.
  Result<> vacate(Algorithm algorithm, uint64_t position, ContentId content);
  void begin_generation();
  // Closes all vacancies: pairs of vacated contents go or pass to equals, positions become dense again.
  Result<> settle();
  Result<> settle_pairs(Algorithm algorithm);
  Result<> fill_vacancies(Algorithm algorithm);
  Result<> move_codes_down(Algorithm algorithm, uint64_t end, uint64_t source_end);
  // Brings every code file up to what is committed: the codes at all positions before these. Nothing while there are vacancies.
  Result<> publish_codes(const Positions& committed);
  Result<> publish_codes_of(Algorithm algorithm, uint64_t committed);
  Result<> append_stored_codes(Algorithm algorithm, uint64_t committed);  // from the table
};

}  // namespace pairloom::index
