// Thin owners of SQLite's handles: a Database with its prepared statements, and a Query, one execution of one of them.
// All results are Result; the messages name the index file and say what to do. Runs in: supervisor, cli.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace pairloom::index {

// SQL that is known when the program is compiled: neither a file name nor a user's argument can become part of it.
struct Sql {
  const char* text;
  consteval Sql(const char* literal) : text(literal) {}  // NOLINT(google-explicit-constructor): query("SELECT ...")
};

// How bytes are bound; both must stay alive until the query is done.
struct Blob {
  std::string_view bytes;
};
struct Text {
  std::string_view utf8;
};

// Rows in memory that statements can read as a table (Database::add_table_of): storing many with one statement takes half
// as long as a statement for each. Nothing may change while a statement reads them.
class RowSource {
 public:
  using Value = std::variant<std::nullptr_t, int64_t, Blob, Text>;
  virtual ~RowSource() = default;
  virtual std::string columns() const = 0;  // names, separated by commas
  virtual size_t row_count() const = 0;
  virtual Value value(size_t row, int column) const = 0;
};

// One execution of a prepared statement. It resets the statement when it goes out of scope, so that an early return
// never leaves a read transaction open. Must not outlive its Database.
class Query {
 public:
  Query(Query&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)), path_(other.path_) {}
  Query& operator=(Query&&) = delete;
  ~Query();

  // True: there is a row. False: the statement is done.
  Result<bool> next();
  // Calls visit() for every row that is left; it reads the columns of this query.
  template <class Visit>
  Result<> each(Visit visit) {
    while (true) {
      PAIRLOOM_ASSIGN(const bool more, next());
      if (!more) return {};
      visit();
    }
  }

  // Columns of the current row, from 0.
  bool is_null(int column) const;
  int64_t integer(int column) const;  // 0 for NULL
  double real(int column) const;
  std::string_view bytes(int column) const;  // of a BLOB or a text; valid until next()
  template <class T>
  T as(int column) const {  // integers are stored as their 64 bits, enums as their number
    return static_cast<T>(integer(column));
  }

 private:
  friend class Database;
  Query(sqlite3_stmt* statement, const std::string* path) : statement_(statement), path_(path) {}

  sqlite3_stmt* statement_;
  const std::string* path_;
};

class Database {
 public:
  enum class Mode { kReadOnly, kCreate };  // kCreate: read and write, made if missing
  // Only opens: nothing has been read yet, so that garbage shows at the first query. Sets what every connection of
  // pairloom has: busy timeout, trusted_schema=OFF, cell_size_check=ON, a bounded cache. Foreign keys
  // are declared, and checked by `index verify`; enforced, they would cost a tenth of every insertion.
  static Result<Database> open(const std::string& path, Mode mode);

  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  // Starts a statement with its parameters. Statements are prepared once and kept; the same one cannot run twice at a
  // time.
  template <class... Args>
  Result<Query> query(Sql sql, const Args&... args) {
    PAIRLOOM_ASSIGN(sqlite3_stmt * statement, prepared(sql));
    Query query(statement, &path());
    int number = 0;
    int worst = 0;
    ((worst = std::max(worst, bind(statement, ++number, args))), ...);
    if (worst != 0) return tl::unexpected(error());
    return query;
  }
  // The same, to its end.
  template <class... Args>
  Result<> run(Sql sql, const Args&... args) {
    PAIRLOOM_ASSIGN(Query started, query(sql, args...));
    return started.each([] {});
  }
  // The first column of the first row; empty when there is no row or it is NULL.
  template <class... Args>
  Result<std::optional<int64_t>> integer(Sql sql, const Args&... args) {
    PAIRLOOM_ASSIGN(Query started, query(sql, args...));
    PAIRLOOM_ASSIGN(const bool found, started.next());
    if (!found || started.is_null(0)) return std::nullopt;
    return started.integer(0);
  }

  // From now on "SELECT .. FROM name" reads these rows. They must outlive the connection.
  Result<> add_table_of(const char* name, const RowSource& rows);

  // Statements that are not kept: schema, PRAGMAs.
  Result<> execute(const std::string& script);

  // Runs `job`, which may use this database, in a thread of its own, while the caller does something else: no Query may be
  // open. Whatever else is asked of the database waits for its end, and if it has failed, fails likewise, until the caller
  // has taken its result.
  void run_beside(std::function<Result<>()> job);
  bool is_run_beside() const;  // there is a job whose result was not taken
  bool is_busy_beside();       // and it has not ended
  Result<> take_result();      // of the job, when it has ended; success where there is none

  bool in_transaction() const;
  int64_t changes() const;  // rows changed by the last statement
  const std::string& path() const;
  // Leaves the -wal and -shm files in place when closed, so that users who may only read the directory can still open
  // it.
  Result<> keep_wal_files();

 private:
  struct Handle;
  explicit Database(std::unique_ptr<Handle> handle);
  Result<> wait_for_job();
  Result<sqlite3_stmt*> prepared(Sql sql);
  Error error() const;

  static int bind_integer(sqlite3_stmt* statement, int number, int64_t value);
  static int bind(sqlite3_stmt* statement, int number, double value);
  static int bind(sqlite3_stmt* statement, int number, Blob value);
  static int bind(sqlite3_stmt* statement, int number, Text value);
  static int bind(sqlite3_stmt* statement, int number, std::nullptr_t);
  template <class T>
  requires std::is_integral_v<T> || std::is_enum_v<T>
  static int bind(sqlite3_stmt* statement, int number, T value) {
    return bind_integer(statement, number, static_cast<int64_t>(value));
  }
  template <class T>
  static int bind(sqlite3_stmt* statement, int number, const std::optional<T>& value) {
    return value ? bind(statement, number, *value) : bind(statement, number, nullptr);
  }

  std::unique_ptr<Handle> handle_;
};

// A connection of one's own, or one that is lent by somebody who lives longer.
class OwnOrLent {
 public:
  OwnOrLent(Database&& own) : own_(std::move(own)), database_(*own_) {}  // NOLINT(google-explicit-constructor)
  OwnOrLent(Database& lent) : database_(lent) {}                         // NOLINT(google-explicit-constructor)
  OwnOrLent(const OwnOrLent&) = delete;
  OwnOrLent& operator=(const OwnOrLent&) = delete;
  Database& operator*() { return database_; }

 private:
  std::optional<Database> own_;
  Database& database_;
};

}  // namespace pairloom::index
