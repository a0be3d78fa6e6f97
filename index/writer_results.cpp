// IndexWriter: what became of files. Their rows, tombstones, attempts.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/text.h"
#include "base/version.h"
#include "index/encoding.h"
#include "index/index_writer.h"
#include "index/writer_state.h"

namespace pairloom::index {
namespace {

// Stored rows do not hold the device: their directory knows the file system.
bool same_but_device(StatIdentity a, const StatIdentity& b) {
  a.device = b.device;
  return a == b;
}

std::optional<ContentId> stored_content(const NewFile& file) {
  return file.content != 0 ? std::optional(file.content) : std::nullopt;
}

// Of the pairloom that decided that a file is no image, or cannot be read.
uint32_t deciding_version(const NewFile& file) {
  return file.outcome == Outcome::kIndexed ? 0 : kVersionNumber;
}

}  // namespace

tl::unexpected<Error> IndexWriter::State::damaged(std::string_view how) const {
  return fail(Errc::kIndexCorrupt, fmt::format("index '{}' is damaged ({}); 'pairloom index rebuild' sets "
                                               "it aside and makes a new one from the images",
                                               path, how));
}

// --- files

Result<> IndexWriter::State::check_name(std::string_view name) {
  if (!name.empty() && name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos) return {};
  return fail(Errc::kInvalidArgument, fmt::format("'{}' is not a file name", escape_for_terminal(name)));
}

Result<std::optional<StoredFile>> IndexWriter::State::stored_file(DirectoryId directory, std::string_view name) {
  PAIRLOOM_TRY(check_name(name));
  PAIRLOOM_ASSIGN(Query row,
                  db.query("SELECT outcome, content, inode, size, mtime_ns, ctime_ns, attempts, gone_run IS NULL "
                           "FROM file WHERE directory = ? AND name = ?",
                           directory, Blob{name}));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return std::nullopt;
  return StoredFile{.outcome = row.as<Outcome>(0),
                    .content = row.as<ContentId>(1),
                    .identity = {.device = 0,
                                 .inode = row.as<uint64_t>(2),
                                 .size_bytes = row.as<uint64_t>(3),
                                 .mtime_ns = row.integer(4),
                                 .ctime_ns = row.integer(5)},
                    .attempts = row.as<uint32_t>(6),
                    .live = row.integer(7) != 0};
}

int64_t& IndexWriter::State::count_of(Outcome outcome, bool live) {
  if (!live) return meta.gone;
  if (outcome == Outcome::kIndexed) return meta.images;
  return outcome == Outcome::kNotImage ? meta.not_images : meta.failures;
}

Result<> IndexWriter::State::add_live_files(ContentId content, int difference) {
  PAIRLOOM_ASSIGN(Query row, db.query("UPDATE content SET live_files = live_files + ? WHERE id = ? "
                                      "RETURNING live_files, algorithms, algorithms_default, algorithms_full",
                                      difference, content));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return fail(Errc::kInvalidArgument, fmt::format("there is no content {} in index '{}'", content, path));
  const int64_t now = row.integer(0), before = now - difference;
  if ((now == 0) == (before == 0)) return {};
  meta.contents += now != 0 ? 1 : -1;
  count_coverage({row.as<AlgorithmSet>(1), row.as<AlgorithmSet>(2), row.as<AlgorithmSet>(3)}, now != 0 ? 1 : -1);
  return {};
}

// Both keep everything that depends on the row: the counts and the live files of the old and the new content.
Result<> IndexWriter::State::update_file(RunId run, const NewFile& file, const StoredFile& before) {
  const StatIdentity& id = file.identity;
  PAIRLOOM_TRY(
      db.run("UPDATE file SET inode = ?, size = ?, mtime_ns = ?, ctime_ns = ?, outcome = ?, content = ?, "
             "attempts = ?, program_version = ?, run = ?, gone_run = NULL WHERE directory = ? AND name = ?",
             id.inode, id.size_bytes, id.mtime_ns, id.ctime_ns, file.outcome, stored_content(file), file.attempts,
             deciding_version(file), run, file.directory, Blob{file.name}));
  --count_of(before.outcome, before.live);
  ++count_of(file.outcome, true);
  if (is_failure(before.outcome) && !is_failure(file.outcome)) {
    PAIRLOOM_TRY(db.run("DELETE FROM failure WHERE directory = ? AND name = ?", file.directory, Blob{file.name}));
  }
  const ContentId old_content = before.live ? before.content : 0;
  if (file.content != old_content) PAIRLOOM_TRY(count_content(file));
  if (old_content != 0 && old_content != file.content) PAIRLOOM_TRY(add_live_files(old_content, -1));
  return {};
}

Result<bool> IndexWriter::State::insert_file(RunId run, const NewFile& file) {
  PAIRLOOM_TRY(check_name(file.name));
  PAIRLOOM_TRY(check_directory(file.directory));
  const StatIdentity& id = file.identity;
  PAIRLOOM_TRY(
      db.run("INSERT INTO file (directory, name, inode, size, mtime_ns, ctime_ns, outcome, content, attempts, "
             "program_version, run) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (directory, name) DO NOTHING",
             file.directory, Blob{file.name}, id.inode, id.size_bytes, id.mtime_ns, id.ctime_ns, file.outcome,
             stored_content(file), file.attempts, deciding_version(file), run));
  if (db.changes() == 0) return false;
  ++count_of(file.outcome, true);
  PAIRLOOM_TRY(count_content(file));
  return true;
}

Result<> IndexWriter::State::store_file(RunId run, const NewFile& file, const std::optional<StoredFile>& before) {
  if (before) return update_file(run, file, *before);
  PAIRLOOM_ASSIGN([[maybe_unused]] const bool is_new, insert_file(run, file));
  return {};
}

Result<> IndexWriter::State::count_content(const NewFile& file) {
  if (file.content == 0) return {};
  if (!file.content_counted) return add_live_files(file.content, +1);
  ++meta.contents;
  return {};
}

// Foreign keys are not enforced (index/sqlite.h); files come from a few directories at a time, as the workers answer.
Result<> IndexWriter::State::check_directory(DirectoryId directory) {
  if (checked_directories.contains(directory)) return {};
  PAIRLOOM_ASSIGN(const auto found, db.integer("SELECT 1 FROM directory WHERE id = ?", directory));
  if (!found) return fail(Errc::kInvalidArgument, fmt::format("there is no directory {} in index '{}'", directory, path));
  note_directory(directory);
  return {};
}

void IndexWriter::State::note_directory(DirectoryId directory) {
  if (checked_directories.size() >= kMaxCheckedDirectories) checked_directories.clear();
  checked_directories.insert(directory);
}

Result<> IndexWriter::State::store_failure(const FileResult& failed) {
  const std::string message = as_text(failed.message), decoder = as_text(failed.decoder);
  return db.run(
      "INSERT INTO failure (directory, name, message, worker_slot, elapsed_us, signal, decoder) "
      "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET message = excluded.message, "
      "worker_slot = excluded.worker_slot, elapsed_us = excluded.elapsed_us, signal = excluded.signal, "
      "decoder = excluded.decoder",
      failed.directory, Blob{failed.name}, Text{message}, failed.worker_slot, microseconds(failed.elapsed_ns),
      failed.signal, Text{decoder});
}

// --- the public methods

Result<> IndexWriter::put(RunId run, FileResult result) {
  State& s = *state_;
  // New images, which most are, do not need the database, which may be busy: the transaction begins when they go there.
  return s.keep_or_roll_back([&]() -> Result<> {
    if (!s.loaded) PAIRLOOM_TRY(s.load());
    NewFile file{.directory = result.directory,
                 .name = result.name,
                 .identity = result.identity,
                 .outcome = result.outcome,
                 .attempts = result.attempts};
    if (result.outcome == Outcome::kIndexed) {
      PAIRLOOM_ASSIGN(file.content, s.known_content(result));
      if (file.content == 0) return s.add_new_image(run, std::move(result));
      file.attempts = 0;
    }
    PAIRLOOM_TRY(s.store_new_images());
    PAIRLOOM_TRY(s.begin());
    PAIRLOOM_ASSIGN(const bool is_new, s.insert_file(run, file));  // most are; tried first, it saves a look-up
    if (!is_new) {
      PAIRLOOM_ASSIGN(const auto before, s.stored_file(result.directory, result.name));
      if (!before) return s.damaged("a file is there and is not there");
      if (result.outcome != Outcome::kIndexed && same_but_device(before->identity, result.identity))
        file.attempts = std::max(result.attempts, before->attempts);
      PAIRLOOM_TRY(s.update_file(run, file, *before));
    }
    if (!is_failure(result.outcome)) return {};
    return s.store_failure(result);
  });
}

Result<> IndexWriter::put_moved(RunId run, DirectoryId directory, const std::string& name, const StatIdentity& identity,
                                ContentId content) {
  return state_->change([&]() -> Result<> {
    State& s = *state_;
    PAIRLOOM_ASSIGN(const auto before, s.stored_file(directory, name));
    const NewFile file{
        .directory = directory, .name = name, .identity = identity, .outcome = Outcome::kIndexed, .content = content};
    return s.store_file(run, file, before);
  });
}

Result<bool> IndexWriter::State::mark_gone(RunId run, DirectoryId directory, std::string_view name) {
  PAIRLOOM_ASSIGN(const auto before, stored_file(directory, name));
  if (!before || !before->live) return false;
  PAIRLOOM_TRY(db.run("UPDATE file SET gone_run = ? WHERE directory = ? AND name = ?", run, directory, Blob{name}));
  --count_of(before->outcome, true);
  ++meta.gone;
  if (before->content != 0) PAIRLOOM_TRY(add_live_files(before->content, -1));
  return true;
}

Result<> IndexWriter::mark_gone(RunId run, DirectoryId directory, const std::string& name) {
  return state_->change([&]() -> Result<> {
    PAIRLOOM_TRY(state_->mark_gone(run, directory, name));
    return {};
  });
}

Result<uint64_t> IndexWriter::mark_directory_gone(RunId run, DirectoryId directory) {
  std::vector<DirectoryId> tree;
  {
    PAIRLOOM_ASSIGN(Query row,
                    state_->db.query("WITH RECURSIVE tree (id) AS (VALUES (?) UNION ALL SELECT d.id FROM directory d "
                                     "JOIN tree ON d.parent_id = tree.id) SELECT id FROM tree",
                                     directory));
    PAIRLOOM_TRY(row.each([&] { tree.push_back(row.integer(0)); }));
  }
  uint64_t marked = 0;
  for (const DirectoryId id : tree) {
    // A page of names at a time: rows are not changed under the statement that reads them.
    const auto mark = [&](const std::string& name) {
      return state_->change([&]() -> Result<> {
        PAIRLOOM_ASSIGN(const bool was_live, state_->mark_gone(run, id, name));
        marked += was_live ? 1 : 0;
        return {};
      });
    };
    PAIRLOOM_TRY(visit_known_names(id, mark));
  }
  return marked;
}

Result<> IndexWriter::put_attempts(RunId run, DirectoryId directory, const std::string& name,
                                   const StatIdentity& identity, uint32_t points) {
  PAIRLOOM_TRY(commit());
  const auto store = [&]() -> Result<> {
    State& s = *state_;
    PAIRLOOM_ASSIGN(const auto before, s.stored_file(directory, name));
    if (before && before->live && same_but_device(before->identity, identity)) {  // what is known of these bytes stays
      return s.db.run("UPDATE file SET attempts = ? WHERE directory = ? AND name = ?", points, directory, Blob{name});
    }
    const NewFile file{
        .directory = directory, .name = name, .identity = identity, .outcome = Outcome::kCrashed, .attempts = points};
    PAIRLOOM_TRY(s.store_file(run, file, before));
    FileResult failed;
    failed.directory = directory;
    failed.name = name;
    failed.message = "a worker died or passed its deadline at this file; it is tried again";
    return s.store_failure(failed);
  };
  PAIRLOOM_TRY(state_->change(store));
  return commit();
}

}  // namespace pairloom::index
