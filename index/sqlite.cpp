#include "index/sqlite.h"

#include <sqlite3.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <unordered_map>

#include <fmt/format.h>

#include "index/side_thread.h"

namespace pairloom::index {
namespace {

constexpr int kBusyTimeoutMs = 5000;

std::string errno_text(int errnum) {
  return std::generic_category().message(errnum);
}

// What to tell the user about a failed call. Reads the connection's state: call it before anything else happens there.
Error describe(sqlite3* db, const std::string& path) {
  const int code = sqlite3_errcode(db);
  const std::string text = sqlite3_errmsg(db);
  const int errnum = sqlite3_system_errno(db);
  switch (code) {
    case SQLITE_FULL:
      return {Errc::kIo,
              fmt::format("the disk is full: cannot write index '{}'; free some space on its file system and "
                          "start again, what was committed is safe",
                          path)};
    case SQLITE_CORRUPT:
      return {Errc::kIndexCorrupt,
              fmt::format("index '{}' is damaged ({}); 'pairloom index rebuild' sets it aside and makes a new one from "
                          "the images",
                          path, text)};
    case SQLITE_NOTADB:
      return {Errc::kIndexCorrupt,
              fmt::format("'{}' is not a pairloom index, or its beginning is destroyed ({}); name another file, or, if it "
                          "was one, 'pairloom index update' makes it anew",
                          path, text)};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {
          Errc::kIndexLocked,
          fmt::format("index '{}' is locked by another program for more than {} s (an open transaction in an sqlite3 "
                      "shell?); end it and start again",
                      path, kBusyTimeoutMs / 1000)};
    case SQLITE_CONSTRAINT:
      return {Errc::kInvalidArgument, fmt::format("index '{}' refuses the row: {}", path, text)};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Errc::kIo, fmt::format("cannot write index '{}': {}", path, text)};
    case SQLITE_CANTOPEN:
      return {Errc::kIo, fmt::format("cannot open index '{}': {}", path, errnum != 0 ? errno_text(errnum) : text)};
    case SQLITE_IOERR:
      if (errnum == ENOSPC || errnum == EDQUOT) {
        return {Errc::kIo,
                fmt::format("the disk is full: cannot write index '{}': {}; free some space and start again, what "
                            "was committed is safe",
                            path, errno_text(errnum))};
      }
      return {Errc::kIo, fmt::format("cannot read or write index '{}': {} (SQLite error {}){}{}", path, text,
                                     sqlite3_extended_errcode(db), errnum != 0 ? ": " : "",
                                     errnum != 0 ? errno_text(errnum) : "")};
    default:
      return {Errc::kIo, fmt::format("index '{}': {} (SQLite error {})", path, text, sqlite3_extended_errcode(db))};
  }
}

// --- a RowSource as an eponymous virtual table (https://www.sqlite.org/vtab.html)

struct RowTable : sqlite3_vtab {
  const RowSource* rows;
};
struct RowCursor : sqlite3_vtab_cursor {
  size_t row;
};

int connect_rows(sqlite3* db, void* rows, int, const char* const*, sqlite3_vtab** table, char**) {
  const auto* source = static_cast<const RowSource*>(rows);
  const std::string declaration = fmt::format("CREATE TABLE rows ({})", source->columns());
  if (const int code = sqlite3_declare_vtab(db, declaration.c_str()); code != SQLITE_OK) return code;
  auto made = std::make_unique<RowTable>();
  made->rows = source;
  *table = made.release();
  return SQLITE_OK;
}
int disconnect_rows(sqlite3_vtab* table) {
  delete static_cast<RowTable*>(table);
  return SQLITE_OK;
}
int plan_rows(sqlite3_vtab* table, sqlite3_index_info* plan) {
  plan->estimatedRows = static_cast<sqlite3_int64>(static_cast<RowTable*>(table)->rows->row_count());
  plan->estimatedCost = static_cast<double>(plan->estimatedRows);
  return SQLITE_OK;
}
int open_rows(sqlite3_vtab*, sqlite3_vtab_cursor** cursor) {
  *cursor = std::make_unique<RowCursor>().release();
  return SQLITE_OK;
}
int close_rows(sqlite3_vtab_cursor* cursor) {
  delete static_cast<RowCursor*>(cursor);
  return SQLITE_OK;
}
int first_row(sqlite3_vtab_cursor* cursor, int, const char*, int, sqlite3_value**) {
  static_cast<RowCursor*>(cursor)->row = 0;
  return SQLITE_OK;
}
int next_row(sqlite3_vtab_cursor* cursor) {
  ++static_cast<RowCursor*>(cursor)->row;
  return SQLITE_OK;
}
const RowSource& rows_of(sqlite3_vtab_cursor* cursor) {
  return *static_cast<RowTable*>(cursor->pVtab)->rows;
}
int past_last_row(sqlite3_vtab_cursor* cursor) {
  return static_cast<RowCursor*>(cursor)->row >= rows_of(cursor).row_count() ? 1 : 0;
}
int column_of_row(sqlite3_vtab_cursor* cursor, sqlite3_context* out, int column) {
  const RowSource::Value value = rows_of(cursor).value(static_cast<RowCursor*>(cursor)->row, column);
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    sqlite3_result_int64(out, *integer);
  } else if (const auto* blob = std::get_if<Blob>(&value)) {
    sqlite3_result_blob64(out, blob->bytes.empty() ? "" : blob->bytes.data(), blob->bytes.size(), SQLITE_STATIC);
  } else if (const auto* text = std::get_if<Text>(&value)) {
    sqlite3_result_text64(out, text->utf8.empty() ? "" : text->utf8.data(), text->utf8.size(), SQLITE_STATIC, SQLITE_UTF8);
  } else {
    sqlite3_result_null(out);
  }
  return SQLITE_OK;
}
int number_of_row(sqlite3_vtab_cursor* cursor, sqlite3_int64* number) {
  *number = static_cast<sqlite3_int64>(static_cast<RowCursor*>(cursor)->row);
  return SQLITE_OK;
}

const sqlite3_module kRowModule = [] {
  sqlite3_module module{};
  module.xConnect = connect_rows;
  module.xBestIndex = plan_rows;
  module.xDisconnect = disconnect_rows;
  module.xOpen = open_rows;
  module.xClose = close_rows;
  module.xFilter = first_row;
  module.xNext = next_row;
  module.xEof = past_last_row;
  module.xColumn = column_of_row;
  module.xRowid = number_of_row;
  return module;
}();

}  // namespace

struct Database::Handle {
  explicit Handle(std::string file) : path(std::move(file)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    static_cast<void>(side.result());
    for (const auto& [text, statement] : statements) sqlite3_finalize(statement);
    sqlite3_close(db);
  }

  std::string path;
  sqlite3* db = nullptr;
  std::unordered_map<const char*, sqlite3_stmt*> statements;  // by the literal's address: Sql is always static
  SideThread side;  // SQLite does not mind which thread uses a connection, as long as it is one at a time
};

// --- Query

Query::~Query() {
  if (statement_ != nullptr) sqlite3_reset(statement_);
}

Result<bool> Query::next() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return tl::unexpected(describe(sqlite3_db_handle(statement_), *path_));
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}
int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Query::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Query::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? std::string_view()
                         : std::string_view(static_cast<const char*>(data), static_cast<size_t>(size));
}

// --- Database

Result<Database> Database::open(const std::string& path, Mode mode) {
  static const int without_statistics = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);  // a lock at every malloc
  static_cast<void>(without_statistics);
  auto handle = std::make_unique<Handle>(path);
  const int flags =
      (mode == Mode::kCreate ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &handle->db, flags, nullptr) != SQLITE_OK) {
    if (handle->db == nullptr) return fail(Errc::kIo, "cannot open index '" + path + "': out of memory");
    return tl::unexpected(describe(handle->db, path));
  }
  sqlite3_busy_timeout(handle->db, kBusyTimeoutMs);
  sqlite3_db_config(handle->db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(handle->db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, nullptr);
  Database database(std::move(handle));
  PAIRLOOM_TRY(database.execute("PRAGMA cell_size_check = ON; PRAGMA cache_size = -1024;"));
  return database;
}

void Database::run_beside(std::function<Result<>()> job) {
  assert(!is_run_beside());
  assert(std::ranges::none_of(handle_->statements, [](const auto& kept) { return sqlite3_stmt_busy(kept.second) != 0; }));
  handle_->side.begin(std::move(job));
}
bool Database::is_run_beside() const {
  return handle_->side.has_job();
}
bool Database::is_busy_beside() {
  return handle_->side.is_busy();
}
Result<> Database::take_result() {
  return handle_->side.take_result();
}
Result<> Database::wait_for_job() {
  return handle_->side.is_this_thread() ? Result<>{} : handle_->side.result();
}

Result<sqlite3_stmt*> Database::prepared(Sql sql) {
  PAIRLOOM_TRY(wait_for_job());
  sqlite3_stmt*& statement = handle_->statements[sql.text];
  if (statement == nullptr &&
      sqlite3_prepare_v3(handle_->db, sql.text, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return tl::unexpected(error());
  }
  assert(!sqlite3_stmt_busy(statement));
  return statement;
}

Result<> Database::execute(const std::string& script) {
  PAIRLOOM_TRY(wait_for_job());
  if (sqlite3_exec(handle_->db, script.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return tl::unexpected(error());
  return {};
}

Result<> Database::add_table_of(const char* name, const RowSource& rows) {
  // SQLite hands the pointer back as it came; it is only read through.
  void* source = const_cast<RowSource*>(&rows);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  if (sqlite3_create_module(handle_->db, name, &kRowModule, source) != SQLITE_OK) return tl::unexpected(error());
  return {};
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(handle_->db) == 0;
}
int64_t Database::changes() const {
  return sqlite3_changes64(handle_->db);
}
const std::string& Database::path() const {
  return handle_->path;
}

Result<> Database::keep_wal_files() {
  int on = 1;
  if (sqlite3_file_control(handle_->db, nullptr, SQLITE_FCNTL_PERSIST_WAL, &on) != SQLITE_OK)
    return tl::unexpected(error());
  return {};
}

Error Database::error() const {
  return describe(handle_->db, handle_->path);
}

int Database::bind_integer(sqlite3_stmt* statement, int number, int64_t value) {
  return sqlite3_bind_int64(statement, number, value);
}
int Database::bind(sqlite3_stmt* statement, int number, double value) {
  return sqlite3_bind_double(statement, number, value);
}
int Database::bind(sqlite3_stmt* statement, int number, Blob value) {
  // An empty view may hold a null pointer, which SQLite would take for NULL.
  const char* data = value.bytes.empty() ? "" : value.bytes.data();
  return sqlite3_bind_blob64(statement, number, data, value.bytes.size(), SQLITE_STATIC);
}
int Database::bind(sqlite3_stmt* statement, int number, Text value) {
  const char* data = value.utf8.empty() ? "" : value.utf8.data();
  return sqlite3_bind_text64(statement, number, data, value.utf8.size(), SQLITE_STATIC, SQLITE_UTF8);
}
int Database::bind(sqlite3_stmt* statement, int number, std::nullptr_t) {
  return sqlite3_bind_null(statement, number);
}

Database::Database(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

}  // namespace pairloom::index
