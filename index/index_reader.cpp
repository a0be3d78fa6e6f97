#include "index/index_reader.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include "base/path.h"
#include "index/digest_table.h"
#include "index/encoding.h"
#include "index/reader_state.h"
#include "index/schema.h"
#include "index/sqlite.h"
#include "index/verify.h"

namespace pairloom::index {
namespace {

std::string name_in(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// The columns inode, size, mtime_ns, ctime_ns, outcome, content from `column` on.
FileRow file_from(const Query& row, int column, std::string path) {
  return {.path = std::move(path),
          .identity = {.device = 0,
                       .inode = row.as<uint64_t>(column),
                       .size_bytes = row.as<uint64_t>(column + 1),
                       .mtime_ns = row.integer(column + 2),
                       .ctime_ns = row.integer(column + 3)},
          .outcome = row.as<Outcome>(column + 4),
          .content = row.as<ContentId>(column + 5)};
}

}  // namespace

Result<std::vector<ContentId>> content_ids(Result<Query> started) {
  PAIRLOOM_ASSIGN(Query row, std::move(started));
  std::vector<ContentId> ids;
  PAIRLOOM_TRY(row.each([&] { ids.push_back(row.as<ContentId>(0)); }));
  return ids;
}

Result<IndexReader> IndexReader::open(const std::string& path) {
  std::error_code error;
  const std::string absolute = std::filesystem::absolute(path, error).string();
  struct stat st {};
  if (path.empty() || error || (::stat(absolute.c_str(), &st) != 0 && (errno == ENOENT || errno == ENOTDIR))) {
    return fail(Errc::kIndexMissing,
                fmt::format("there is no index at '{}'; make one with 'pairloom scan DIRECTORY'", path));
  }
  PAIRLOOM_ASSIGN(Database db, Database::open(absolute, Database::Mode::kReadOnly));
  PAIRLOOM_TRY(check_schema(db));
  return IndexReader(std::make_unique<State>(absolute, std::move(db)));
}

IndexReader::IndexReader(const std::string& path, Database& database)
    : IndexReader(std::make_unique<State>(path, database)) {}

IndexReader::IndexReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexReader::IndexReader(IndexReader&&) noexcept = default;
IndexReader& IndexReader::operator=(IndexReader&&) noexcept = default;
IndexReader::~IndexReader() = default;

Result<> IndexReader::in_one_snapshot(const std::function<Result<>()>& read) {
  PAIRLOOM_ASSIGN(const ReadTransaction snapshot, ReadTransaction::begin(state_->db));
  return read();
}

// --- the whole index

Result<IndexInfo> IndexReader::info() {
  Database& db = state_->db;
  PAIRLOOM_ASSIGN(const ReadTransaction snapshot, ReadTransaction::begin(db));
  IndexInfo info;
  {
    PAIRLOOM_ASSIGN(Query row, db.query("SELECT images, not_images, failures, gone, contents, directories FROM meta"));
    PAIRLOOM_TRY(row.each([&] {
      info.files = row.as<uint64_t>(0);
      info.not_images = row.as<uint64_t>(1);
      info.failures = row.as<uint64_t>(2);
      info.gone = row.as<uint64_t>(3);
      info.contents = row.as<uint64_t>(4);
      info.directories = row.as<uint64_t>(5);
    }));
  }
  PAIRLOOM_ASSIGN(const auto pages, db.integer("PRAGMA page_count"));
  PAIRLOOM_ASSIGN(const auto page_bytes, db.integer("PRAGMA page_size"));
  info.database_bytes = static_cast<uint64_t>(pages.value_or(0) * page_bytes.value_or(0));
  PAIRLOOM_ASSIGN(const auto version, db.integer("PRAGMA user_version"));
  info.schema_version = static_cast<uint32_t>(version.value_or(0));
  for (const AlgorithmInfo& a : algorithms()) {
    PAIRLOOM_ASSIGN(const PairingState pairing, pairing_state(a.id));
    if (pairing.code_count == 0) continue;
    info.algorithms.push_back({.algorithm = a.id, .codes = pairing.code_count, .pairing = pairing});
  }
  return info;
}

Result<std::vector<std::string>> IndexReader::verify() {
  return index::verify(state_->db);
}

Result<std::vector<RootRow>> IndexReader::roots() {
  std::vector<RootRow> roots;
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT path, filesystem FROM root ORDER BY path"));
  PAIRLOOM_TRY(
      row.each([&] { roots.push_back({.path = std::string(row.bytes(0)), .filesystem = row.as<uint64_t>(1)}); }));
  return roots;
}

// --- files

Result<> IndexReader::State::next_directories(const std::string& after, std::vector<KnownDirectory>& page,
                                              size_t most) {
  page.clear();
  PAIRLOOM_ASSIGN(Query row,
                  db.query("SELECT id, path FROM directory WHERE path > ? ORDER BY path LIMIT ?", Blob{after}, most));
  return row.each([&] { page.push_back({.id = row.integer(0), .path = std::string(row.bytes(1)), .filesystem = 0}); });
}

Result<std::vector<FileRow>> IndexReader::State::files_after(DirectoryId directory, const std::string& in,
                                                             const std::string& after) {
  std::vector<FileRow> page;
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT name, inode, size, mtime_ns, ctime_ns, outcome, content FROM file "
                                      "WHERE directory = ? AND name > ? AND gone_run IS NULL ORDER BY name LIMIT ?",
                                      directory, Blob{after}, kReaderPageRows));
  PAIRLOOM_TRY(row.each([&] { page.push_back(file_from(row, 1, join_path(in, row.bytes(0)))); }));
  return page;
}

Result<> IndexReader::State::visit_files_in(const KnownDirectory& directory,
                                            const std::function<Result<>(const FileRow&)>& visit) {
  std::vector<FileRow> page;
  std::string last;  // sorts before every name
  do {
    PAIRLOOM_ASSIGN(page, files_after(directory.id, directory.path, last));
    if (!page.empty()) last = name_in(page.back().path);
    for (const FileRow& file : page) PAIRLOOM_TRY(visit(file));
  } while (page.size() == kReaderPageRows);
  return {};
}

Result<std::vector<FileRow>> IndexReader::next_files(FileCursor& at) {
  std::vector<KnownDirectory> next;
  while (true) {
    if (at.directory != 0) {
      PAIRLOOM_ASSIGN(auto page, state_->files_after(at.directory, at.directory_path, at.name));
      if (!page.empty()) at.name = name_in(page.back().path);
      if (!page.empty()) return page;
    }
    PAIRLOOM_TRY(state_->next_directories(at.directory_path, next, 1));
    if (next.empty()) return std::vector<FileRow>();
    at = {next.front().id, std::move(next.front().path), ""};
  }
}

Result<> IndexReader::visit_files(const std::function<Result<>(const FileRow&)>& visit) {
  std::vector<KnownDirectory> page;
  std::string last;
  do {
    PAIRLOOM_TRY(state_->next_directories(last, page));
    for (const KnownDirectory& directory : page) PAIRLOOM_TRY(state_->visit_files_in(directory, visit));
    if (!page.empty()) last = page.back().path;
  } while (page.size() == kReaderPageRows);
  return {};
}

Result<std::optional<FileRow>> IndexReader::find_file(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size()) return std::nullopt;
  const std::string_view directory = slash == 0 ? std::string_view("/") : std::string_view(path).substr(0, slash);
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT f.inode, f.size, f.mtime_ns, f.ctime_ns, f.outcome, f.content "
                                              "FROM file f JOIN directory d ON d.id = f.directory "
                                              "WHERE d.path = ? AND f.name = ? AND f.gone_run IS NULL",
                                              Blob{directory}, Blob{std::string_view(path).substr(slash + 1)}));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return std::nullopt;
  return file_from(row, 0, path);
}

Result<std::vector<FileRow>> IndexReader::files_of(ContentId content) {
  std::vector<FileRow> files;
  PAIRLOOM_ASSIGN(Query row,
                  state_->db.query("SELECT d.path, f.name, f.inode, f.size, f.mtime_ns, f.ctime_ns, f.outcome, "
                                   "f.content FROM file f JOIN directory d ON d.id = f.directory "
                                   "WHERE f.content = ? AND f.gone_run IS NULL ORDER BY d.path, f.name",
                                   content));
  PAIRLOOM_TRY(row.each([&] { files.push_back(file_from(row, 2, join_path(row.bytes(0), row.bytes(1)))); }));
  return files;
}

Result<> IndexReader::visit_failures(const std::function<Result<>(const FailureRow&)>& visit) {
  std::vector<FailureRow> page;
  DirectoryId last_directory = 0;
  std::string last_name;
  do {
    page.clear();
    {
      PAIRLOOM_ASSIGN(Query row,
                      state_->db.query("SELECT x.directory, x.name, d.path, f.outcome, x.message, f.attempts, "
                                       "x.signal, x.decoder, f.program_version "
                                       "FROM failure x CROSS JOIN file f USING (directory, name) "
                                       "CROSS JOIN directory d ON d.id = x.directory "
                                       "WHERE (x.directory, x.name) > (?, ?) AND f.gone_run IS NULL "
                                       "ORDER BY x.directory, x.name LIMIT ?",
                                       last_directory, Blob{last_name}, kReaderPageRows));
      std::string name;
      PAIRLOOM_TRY(row.each([&] {
        last_directory = row.integer(0);
        name = row.bytes(1);
        page.push_back({.path = join_path(row.bytes(2), name),
                        .outcome = row.as<Outcome>(3),
                        .message = std::string(row.bytes(4)),
                        .attempts = row.as<uint32_t>(5),
                        .signal = row.as<int>(6),
                        .decoder = std::string(row.bytes(7)),
                        .program_version = row.as<uint32_t>(8)});
      }));
      last_name = name;
    }
    for (const FailureRow& failure : page) PAIRLOOM_TRY(visit(failure));
  } while (page.size() == kReaderPageRows);
  return {};
}

// --- runs

Result<> IndexReader::visit_runs(const std::function<Result<>(const RunRow&)>& visit) {
  std::vector<RunRow> page;
  RunId last = std::numeric_limits<RunId>::max();
  do {
    page.clear();
    {
      PAIRLOOM_ASSIGN(Query row,
                      state_->db.query("SELECT id, kind, started_ns, finished_ns, arguments, seen, unchanged, moved, "
                                       "indexed, not_image, failed, gone, bytes_read, worker_deaths, seconds, "
                                       "interrupted FROM run WHERE id < ? ORDER BY id DESC LIMIT ?",
                                       last, kReaderPageRows));
      PAIRLOOM_TRY(row.each([&] {
        page.push_back({.id = row.integer(0),
                        .kind = row.as<RunKind>(1),
                        .started_ns = row.integer(2),
                        .finished_ns = row.integer(3),
                        .arguments = std::string(row.bytes(4)),
                        .totals = {.seen = row.as<uint64_t>(5),
                                   .unchanged = row.as<uint64_t>(6),
                                   .moved = row.as<uint64_t>(7),
                                   .indexed = row.as<uint64_t>(8),
                                   .not_image = row.as<uint64_t>(9),
                                   .failed = row.as<uint64_t>(10),
                                   .gone = row.as<uint64_t>(11),
                                   .bytes_read = row.as<uint64_t>(12),
                                   .worker_deaths = row.as<uint64_t>(13),
                                   .seconds = row.real(14),
                                   .interrupted = row.integer(15) != 0}});
      }));
    }
    if (!page.empty()) last = page.back().id;
    for (const RunRow& run : page) PAIRLOOM_TRY(visit(run));
  } while (page.size() == kReaderPageRows);
  return {};
}

Result<std::vector<WorkerTotals>> IndexReader::workers_of(RunId run) {
  std::vector<WorkerTotals> workers;
  PAIRLOOM_ASSIGN(Query row,
                  state_->db.query("SELECT slot, lives, tasks, bytes_read, stage0_ns, stage1_ns, stage2_ns, stage3_ns, "
                                   "stage4_ns, stage5_ns, stage6_ns, stage7_ns, sandbox FROM run_worker WHERE run = ? "
                                   "ORDER BY slot",
                                   run));
  PAIRLOOM_TRY(row.each([&] {
    WorkerTotals& w = workers.emplace_back();
    w.slot = row.as<uint32_t>(0);
    w.lives = row.as<uint32_t>(1);
    w.tasks = row.as<uint64_t>(2);
    w.bytes_read = row.as<uint64_t>(3);
    for (int stage = 0; stage < 8; ++stage) w.stage_ns[stage] = row.as<uint64_t>(4 + stage);
    w.sandbox_level = row.as<uint32_t>(12);
  }));
  return workers;
}

// --- contents

Result<std::optional<ContentRow>> IndexReader::content(ContentId id) {
  PAIRLOOM_ASSIGN(Query row,
                  state_->db.query("SELECT digest, size, format, width, height, orientation, quality, reduction, "
                                   "animated, alpha, damaged, warning, algorithms, algorithms_default, "
                                   "algorithms_full FROM content WHERE id = ?",
                                   id));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return std::nullopt;
  return ContentRow{
      .id = id,
      .digest = digest_from(row.bytes(0)),
      .size_bytes = row.as<uint64_t>(1),
      .image = {.format = row.as<ImageFormat>(2),
                .width_px = row.as<uint32_t>(3),
                .height_px = row.as<uint32_t>(4),
                .orientation = row.as<uint8_t>(5),
                .quality = row.as<uint8_t>(6),
                .reduction = row.as<uint8_t>(7),
                .animated = row.integer(8) != 0,
                .has_alpha = row.integer(9) != 0,
                .damaged = row.integer(10) != 0},
      .warning = std::string(row.bytes(11)),
      .accuracy = Coverage{row.as<AlgorithmSet>(12), row.as<AlgorithmSet>(13), row.as<AlgorithmSet>(14)}.lowest_accuracy()};
}

Result<std::optional<ContentId>> IndexReader::content_by_digest(const Digest& digest, uint64_t size_bytes) {
  const StoredBytes bytes(digest);
  PAIRLOOM_ASSIGN(auto table, digest_table_of(state_->db));
  if (table) {
    PAIRLOOM_ASSIGN(const ContentId found, table->find(digest, [&](ContentId candidate) -> Result<bool> {
      PAIRLOOM_ASSIGN(const auto is_it,
                      state_->db.integer("SELECT 1 FROM content WHERE id = ? AND digest = ? AND size = ?", candidate,
                                         Blob{bytes.view()}, size_bytes));
      return is_it.has_value();
    }));
    if (found != 0) return found;
  }
  // What a writer has not put into the table yet; all, if there is no table to believe (the next writer makes one).
  PAIRLOOM_ASSIGN(const auto id, state_->db.integer("SELECT id FROM content WHERE id >= ? AND digest = ? AND size = ?",
                                                    table ? table->complete_below() : 0, Blob{bytes.view()}, size_bytes));
  return id ? std::optional(static_cast<ContentId>(*id)) : std::nullopt;
}

Result<std::vector<ContentId>> IndexReader::contents_with_copies() {
  return content_ids(state_->db.query("SELECT id FROM content WHERE live_files >= 2 ORDER BY id"));
}

Result<std::vector<ContentId>> IndexReader::contents_without_files() {
  return content_ids(state_->db.query("SELECT id FROM content WHERE live_files = 0 ORDER BY id"));
}

Result<> IndexReader::visit_low_information(Algorithm algorithm, const std::function<Result<>(ContentId)>& visit) {
  std::vector<ContentId> page;
  do {
    const ContentId last = page.empty() ? 0 : page.back();
    PAIRLOOM_ASSIGN(page,
                    content_ids(state_->db.query("SELECT k.content FROM code k JOIN content c ON c.id = k.content "
                                                 "WHERE k.algorithm = ? AND k.flags = 1 AND k.content > ? "
                                                 "AND c.live_files > 0 ORDER BY k.content LIMIT ?",
                                                 algorithm, last, kReaderPageRows)));
    for (const ContentId id : page) PAIRLOOM_TRY(visit(id));
  } while (page.size() == kReaderPageRows);
  return {};
}

}  // namespace pairloom::index
