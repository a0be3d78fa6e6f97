#include "index/index_writer.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/version.h"
#include "index/schema.h"
#include "index/writer_state.h"

namespace pairloom::index {
namespace {

// WAL needs memory that all processes of an index share, which network file systems do not give.
Result<> refuse_network_file_system(const std::filesystem::path& directory, const std::string& index_path) {
  struct statfs fs {};
  if (::statfs(directory.c_str(), &fs) != 0) return {};  // opening the database says more
  constexpr long kCifs = 0xFF534D42, kSmb2 = 0xFE534D42;
  const long type = static_cast<long>(fs.f_type) & 0xFFFFFFFF;
  if (type != NFS_SUPER_MAGIC && type != SMB_SUPER_MAGIC && type != kCifs && type != kSmb2) return {};
  return fail(Errc::kRefused,
              fmt::format("index '{}' would lie on a network file system, where SQLite's write-ahead log does "
                          "not work; name a file on a local disk",
                          index_path));
}

Result<std::string> prepare_path(const std::string& path) {
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (path.empty() || error) return fail(Errc::kInvalidArgument, fmt::format("'{}' is not a path for an index", path));
  const std::filesystem::path directory = absolute.parent_path();
  std::filesystem::create_directories(directory, error);
  if (error)
    return fail(Errc::kIo, fmt::format("cannot create directory '{}': {}", directory.string(), error.message()));
  PAIRLOOM_TRY(refuse_network_file_system(directory, absolute.string()));
  return absolute.string();
}

// synchronous=FULL: what commit() said is stored survives a power cut. The log is copied into the database every 32 MB
// (the default is 4 MB) and cut back to that after a burst.
Result<> set_up_connection(Database& db) {
  PAIRLOOM_ASSIGN(Query mode, db.query("PRAGMA journal_mode = WAL"));
  PAIRLOOM_ASSIGN(const bool answered, mode.next());
  if (!answered || mode.bytes(0) != "wal") {
    return fail(Errc::kIo,
                fmt::format("index '{}': the file system does not support SQLite's write-ahead log; name a file "
                            "on a local disk",
                            db.path()));
  }
  PAIRLOOM_TRY(
      db.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -2048; PRAGMA wal_autocheckpoint = 8192;"
                 "PRAGMA journal_size_limit = 33554432;"));
  return db.keep_wal_files();
}

}  // namespace

// --- transactions

Result<> IndexWriter::State::load() {
  loaded = false;
  checked_directories.clear();
  new_images.clear();
  {
    PAIRLOOM_ASSIGN(Query row,
                    db.query("SELECT index_id, generation, next_content, images, not_images, failures, gone, "
                             "contents, directories, digest_token FROM meta"));
    PAIRLOOM_ASSIGN(const bool found, row.next());
    if (!found) return fail(Errc::kIndexCorrupt, fmt::format("index '{}' is damaged: its table 'meta' is empty", path));
    meta = {.index_id = row.as<uint64_t>(0),
            .generation = row.as<uint64_t>(1),
            .next_content = row.integer(2),
            .images = row.integer(3),
            .not_images = row.integer(4),
            .failures = row.integer(5),
            .gone = row.integer(6),
            .contents = row.integer(7),
            .directories = row.integer(8),
            .digest_token = row.as<uint64_t>(9)};
    committed_contents = meta.next_content;
  }
  PAIRLOOM_TRY(load_coverage());
  PAIRLOOM_ASSIGN(const auto vacancies, db.integer("SELECT EXISTS (SELECT 1 FROM vacancy)"));
  has_vacancies = vacancies.value_or(0) != 0;
  for (const AlgorithmInfo& algorithm : algorithms()) {
    PAIRLOOM_ASSIGN(const auto next, db.integer("SELECT next_position FROM algorithm WHERE id = ?", algorithm.id));
    Codes& c = codes_of(algorithm.id);
    c.next_position = static_cast<uint64_t>(next.value_or(0));
    c.latest.clear();
  }
  loaded = true;
  return {};
}

Result<> IndexWriter::State::load_coverage() {
  coverage.clear();
  coverage_changed = false;
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT algorithms, algorithms_default, algorithms_full, contents FROM coverage"));
  return row.each([&] {
    coverage[{row.as<AlgorithmSet>(0), row.as<AlgorithmSet>(1), row.as<AlgorithmSet>(2)}] = row.integer(3);
  });
}

Result<> IndexWriter::State::begin() {
  if (!loaded) PAIRLOOM_TRY(load());
  if (committing) PAIRLOOM_TRY(finish_beside());
  return db.is_run_beside() ? Result<>{} : begin_in_database();  // what is done beside is part of a transaction
}

Result<> IndexWriter::State::begin_in_database() {
  return db.in_transaction() ? Result<>{} : db.run("BEGIN IMMEDIATE");
}

IndexWriter::State::Positions IndexWriter::State::positions() const {
  Positions next;
  std::ranges::transform(codes, next.begin(), &Codes::next_position);
  return next;
}

IndexWriter::State::Totals IndexWriter::State::take_totals() {
  Totals totals{meta, std::nullopt, positions()};
  if (digests) totals.meta.digest_token = digests->token();
  if (std::exchange(coverage_changed, false)) totals.coverage = coverage;
  changes = 0;
  return totals;
}

Result<> IndexWriter::State::write_commit(const Totals& totals) {
  if (totals.coverage) {  // a handful of rows at most: as many as there were different requests
    PAIRLOOM_TRY(db.run("DELETE FROM coverage"));
    for (const auto& [of, contents] : *totals.coverage)
      if (contents != 0)
        PAIRLOOM_TRY(db.run("INSERT INTO coverage VALUES (?, ?, ?, ?)", of.any, of.at_least_default, of.full, contents));
  }
  for (const AlgorithmInfo& algorithm : algorithms())
    PAIRLOOM_TRY(db.run("UPDATE algorithm SET next_position = ?1 WHERE id = ?2 AND next_position <> ?1",
                        totals.positions[static_cast<size_t>(algorithm.id)], algorithm.id));
  const Meta& m = totals.meta;
  PAIRLOOM_TRY(
      db.run("UPDATE meta SET generation = ?, next_content = ?, images = ?, not_images = ?, failures = ?, gone = ?, "
             "contents = ?, directories = ?, digest_token = ?",
             m.generation, m.next_content, m.images, m.not_images, m.failures, m.gone, m.contents, m.directories,
             m.digest_token));
  return db.run("COMMIT");
}

Result<> IndexWriter::State::commit() {
  const auto write = [&]() -> Result<> {
    PAIRLOOM_TRY(store_new_images());
    if (!db.in_transaction()) return {};
    if (changes == 0) return db.run("COMMIT");  // only reads were done in it
    PAIRLOOM_TRY(write_commit(take_totals()));
    committed_contents = meta.next_content;
    return {};
  };
  Result<> written = write();
  if (!written) roll_back();
  return written;
}

Result<> IndexWriter::State::begin_commit() {
  if (changes == 0) return commit();
  const auto begin_it = [&]() -> Result<> {
    if (!new_images.gathered().empty()) PAIRLOOM_TRY(send_off_new_images());
    PAIRLOOM_TRY(finish_beside());
    committing = take_totals();
    db.run_beside([this] { return write_commit(*committing); });
    return {};
  };
  Result<> begun = begin_it();
  if (!begun) roll_back();
  return begun;
}

Result<> IndexWriter::State::finish_beside() {
  PAIRLOOM_ASSIGN(const auto committed, take_from_beside());
  return committed ? publish_codes(committed->positions) : Result<>{};
}

Result<std::optional<IndexWriter::State::Totals>> IndexWriter::State::take_from_beside() {
  Result<> done = db.take_result();
  if (done) done = finish_new_images();
  if (!done) {
    roll_back();
    return tl::unexpected(std::move(done).error());
  }
  if (committing) committed_contents = committing->meta.next_content;
  return std::exchange(committing, std::nullopt);
}

void IndexWriter::State::roll_back() {
  // SQLite may have rolled back by itself (disk full, I/O error). An error of ROLLBACK changes nothing: the transaction
  // is over either way, and the next statement reports what is wrong with the file.
  static_cast<void>(db.take_result());
  committing.reset();
  if (db.in_transaction()) static_cast<void>(db.run("ROLLBACK"));
  changes = 0;
  static_cast<void>(load());  // if it fails, begin() tries again
  if (digests && !digests->take_back(static_cast<uint64_t>(meta.next_content))) static_cast<void>(drop_digests());
}

// --- opening and closing

Result<IndexWriter> IndexWriter::open(const std::string& path, const std::string& program) {
  PAIRLOOM_ASSIGN(const std::string absolute, prepare_path(path));
  PAIRLOOM_ASSIGN(WriterLock lock, WriterLock::acquire(absolute, program));
  PAIRLOOM_ASSIGN(Database db, Database::open(absolute, Database::Mode::kCreate));
  PAIRLOOM_TRY(check_is_ours(db));     // before anything of it is changed
  PAIRLOOM_TRY(set_up_connection(db));  // before there is a table: the log syncs once for all of them
  PAIRLOOM_TRY(bring_up_to_date(db));

  auto state = std::make_unique<State>(absolute, std::move(lock), std::move(db));
  PAIRLOOM_TRY(state->new_images.add_tables_to(state->db));
  PAIRLOOM_TRY(state->db.add_table_of("new_pair", state->new_pairs));
  PAIRLOOM_TRY(state->load());
  PAIRLOOM_TRY(state->keep_roots());
  PAIRLOOM_TRY(state->drop_outdated_codes());
  PAIRLOOM_TRY(state->settle());
  PAIRLOOM_TRY(state->commit());
  PAIRLOOM_TRY(state->publish_codes(state->positions()));
  return IndexWriter(std::move(state));
}

IndexWriter::IndexWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
IndexWriter::IndexWriter(IndexWriter&&) noexcept = default;
IndexWriter& IndexWriter::operator=(IndexWriter&&) noexcept = default;
IndexWriter::~IndexWriter() = default;  // closing the database rolls back

const std::string& IndexWriter::path() const {
  return state_->path;
}
uint64_t IndexWriter::index_id() const {
  return state_->meta.index_id;
}
uint64_t IndexWriter::generation() const {
  return state_->meta.generation;
}
uint64_t IndexWriter::uncommitted_changes() const {
  return state_->changes;
}

IndexCounts IndexWriter::counts() const {
  const auto& meta = state_->meta;
  const auto number = [](int64_t count) { return static_cast<uint64_t>(count); };
  return {.files = number(meta.images),
          .not_images = number(meta.not_images),
          .failures = number(meta.failures),
          .gone = number(meta.gone),
          .contents = number(meta.contents),
          .directories = number(meta.directories)};
}

Result<> IndexWriter::commit() {
  PAIRLOOM_TRY(state_->commit());
  return state_->publish_codes(state_->positions());
}

Result<> IndexWriter::begin_commit() {
  return state_->begin_commit();
}

// --- runs

Result<RunId> IndexWriter::begin_run(RunKind kind, const std::string& arguments) {
  const std::string text = is_valid_utf8(arguments) ? arguments : escape_for_terminal(arguments);
  PAIRLOOM_ASSIGN(const auto id, state_->change([&]() -> Result<std::optional<int64_t>> {
    return state_->db.integer(
        "INSERT INTO run (kind, arguments, program_version, started_ns) VALUES (?, ?, ?, ?) RETURNING id", kind,
        Text{text}, kVersionNumber, system_clock().wall_ns());
  }));
  PAIRLOOM_TRY(commit());
  return id.value_or(0);
}

Result<> IndexWriter::finish_run(RunId run, const RunTotals& t, std::span<const WorkerTotals> workers) {
  const auto store = [&]() -> Result<> {
    Database& db = state_->db;
    PAIRLOOM_TRY(
        db.run("UPDATE run SET finished_ns = ?, seen = ?, unchanged = ?, moved = ?, indexed = ?, not_image = ?, "
               "failed = ?, gone = ?, bytes_read = ?, worker_deaths = ?, seconds = ?, interrupted = ? WHERE id = ?",
               system_clock().wall_ns(), t.seen, t.unchanged, t.moved, t.indexed, t.not_image, t.failed, t.gone,
               t.bytes_read, t.worker_deaths, t.seconds, t.interrupted, run));
    if (db.changes() != 1)
      return fail(Errc::kInvalidArgument, fmt::format("there is no run {} in index '{}'", run, path()));
    for (const WorkerTotals& w : workers) {
      PAIRLOOM_TRY(db.run("INSERT OR REPLACE INTO run_worker VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", run,
                          w.slot, w.lives, w.tasks, w.bytes_read, w.stage_ns[0], w.stage_ns[1], w.stage_ns[2],
                          w.stage_ns[3], w.stage_ns[4], w.stage_ns[5], w.stage_ns[6], w.stage_ns[7], w.sandbox_level));
    }
    return state_->settle();
  };
  PAIRLOOM_TRY(state_->change(store));
  return commit();
}

}  // namespace pairloom::index
