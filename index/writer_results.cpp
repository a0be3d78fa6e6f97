// IndexWriter: what became of files. Files, their contents and codes; tombstones; attempts.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/text.h"
#include "base/version.h"
#include "index/encoding.h"
#include "index/index_writer.h"
#include "index/writer_state.h"

namespace pairloom::index {
namespace {

// A decoder's words, as TEXT must be.
std::string as_text(const std::string& message) {
  return is_valid_utf8(message) ? message : escape_for_terminal(message);
}

int64_t microseconds(uint64_t ns) {
  return static_cast<int64_t>(ns / 1000);
}

Result<> check_name(std::string_view name) {
  if (!name.empty() && name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos) return {};
  return fail(Errc::kInvalidArgument, fmt::format("'{}' is not a file name", escape_for_terminal(name)));
}

// Stored rows do not hold the device: their directory knows the file system.
bool same_but_device(StatIdentity a, const StatIdentity& b) {
  a.device = b.device;
  return a == b;
}

AlgorithmSet set_of_codes(const FileResult& result) {
  AlgorithmSet set = 0;
  for (const FileResult::CodeOf& code : result.codes) set |= set_of(code.algorithm);
  return set;
}

std::optional<ContentId> stored_content(const NewFile& file) {
  return file.content != 0 ? std::optional(file.content) : std::nullopt;
}

// Of the pairloom that decided that a file is no image, or cannot be read.
uint32_t deciding_version(const NewFile& file) {
  return file.outcome == Outcome::kIndexed ? 0 : kVersionNumber;
}

bool is_low_information(Algorithm algorithm, const ImageInfo& image) {
  return image.quality < info(algorithm).min_quality;
}

}  // namespace

tl::unexpected<Error> IndexWriter::State::damaged(std::string_view how) const {
  return fail(Errc::kIndexCorrupt, fmt::format("index '{}' is damaged ({}); 'pairloom index rebuild' sets "
                                               "it aside and makes a new one from the images",
                                               path, how));
}

// --- files

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

void IndexWriter::State::count_coverage(const Coverage& of, int difference) {
  coverage[of] += difference;
  coverage_changed = true;
}

Result<> IndexWriter::State::recount_coverage() {
  PAIRLOOM_TRY(db.run("DELETE FROM coverage"));
  PAIRLOOM_TRY(
      db.run("INSERT INTO coverage SELECT algorithms, algorithms_default, algorithms_full, count(*) FROM content "
             "WHERE live_files > 0 GROUP BY 1, 2, 3"));
  return load_coverage();
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

// Foreign keys are not enforced (index/sqlite.h); files come directory by directory.
Result<> IndexWriter::State::check_directory(DirectoryId directory) {
  if (checked_directories.contains(directory)) return {};
  PAIRLOOM_ASSIGN(const auto found, db.integer("SELECT 1 FROM directory WHERE id = ?", directory));
  if (!found) return fail(Errc::kInvalidArgument, fmt::format("there is no directory {} in index '{}'", directory, path));
  if (checked_directories.size() >= kMaxCheckedDirectories) checked_directories.clear();
  checked_directories.insert(directory);
  return {};
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

// --- contents and their codes

Result<ContentId> IndexWriter::State::known_content(const FileResult& result) {
  const StoredBytes digest(result.digest);
  Coverage stored;
  bool live = false;
  PAIRLOOM_TRY(open_digests());
  const auto is_it = [&](ContentId candidate) -> Result<bool> {
    PAIRLOOM_TRY(store_new_images());  // it may be one of them
    PAIRLOOM_ASSIGN(Query row, db.query("SELECT algorithms, algorithms_default, algorithms_full, live_files > 0 "
                                        "FROM content WHERE id = ? AND digest = ? AND size = ?",
                                        candidate, Blob{digest.view()}, result.identity.size_bytes));
    PAIRLOOM_ASSIGN(const bool found, row.next());
    if (!found) return false;
    stored = {row.as<AlgorithmSet>(0), row.as<AlgorithmSet>(1), row.as<AlgorithmSet>(2)};
    live = row.integer(3) != 0;
    return true;
  };
  PAIRLOOM_ASSIGN(const ContentId id, digests->find(result.digest, is_it));
  if (id != 0 && !stored.has(set_of_codes(result), result.accuracy)) PAIRLOOM_TRY(improve_content(id, result, stored, live));
  return id;
}

// An image whose bytes are new, in a file that most probably is: counted as one, to be stored with others.
Result<> IndexWriter::State::add_new_image(RunId run, const FileResult& result) {
  PAIRLOOM_TRY(check_name(result.name));
  PAIRLOOM_TRY(check_directory(result.directory));
  if (meta.next_content > int64_t{std::numeric_limits<ContentId>::max()}) {
    return fail(Errc::kTooLarge,
                fmt::format("index '{}' is full: it has numbered {} different images; start a second index", path,
                            std::numeric_limits<ContentId>::max()));
  }
  const auto id = static_cast<ContentId>(meta.next_content++);
  PAIRLOOM_TRY(digests->insert(result.digest, id));
  const Coverage made = Coverage::of(set_of_codes(result), result.accuracy);
  count_coverage(made, +1);
  ++meta.contents;
  ++count_of(Outcome::kIndexed, true);
  new_images.add({.content = id,
                  .directory = result.directory,
                  .identity = result.identity,
                  .digest = StoredBytes(result.digest),
                  .image = result.image,
                  .warning = result.image.damaged ? as_text(result.message) : std::string(),
                  .coverage = made,
                  .run = run,
                  .worker_slot = result.worker_slot,
                  .elapsed_us = microseconds(result.elapsed_ns)},
                 result.name);
  AlgorithmSet done = 0;
  for (const FileResult::CodeOf& code : result.codes) {
    if (contains(done, code.algorithm)) continue;
    const CodeRow row = number_code(id, code, result.image);
    new_images.add({id, code.algorithm, row.position, StoredBytes(code.code, code.algorithm), row.flags});
    done |= set_of(code.algorithm);
  }
  return new_images.images().size() < kMaxNewImages ? Result<>{} : store_new_images();
}

Result<> IndexWriter::State::store_new_images() {
  if (new_images.images().empty()) return {};
  PAIRLOOM_TRY(
      db.run("INSERT INTO content (id, digest, size, format, width, height, orientation, quality, reduction, animated, "
             "alpha, damaged, warning, algorithms, algorithms_default, algorithms_full, live_files, first_run, "
             "worker_slot, elapsed_us) SELECT * FROM new_content"));
  PAIRLOOM_TRY(db.run("INSERT INTO code (content, algorithm, position, code, flags) SELECT * FROM new_code"));
  PAIRLOOM_TRY(
      db.run("INSERT INTO file (directory, name, inode, size, mtime_ns, ctime_ns, outcome, content, attempts, "
             "program_version, run) SELECT directory, name, inode, size, mtime_ns, ctime_ns, ?, content, 0, 0, run "
             "FROM new_file WHERE true ON CONFLICT (directory, name) DO NOTHING",
             Outcome::kIndexed));
  if (db.changes() != static_cast<int64_t>(new_images.images().size())) PAIRLOOM_TRY(update_files_that_were_there());
  new_images.clear();
  return {};
}

// They have changed, or have come back: they are not new, as was thought.
Result<> IndexWriter::State::update_files_that_were_there() {
  for (const NewImage& image : new_images.images()) {
    const std::string_view name = new_images.name(image);
    PAIRLOOM_ASSIGN(const auto stored, stored_file(image.directory, name));
    if (!stored) return damaged("a file is there and is not there");
    if (stored->content == image.content) continue;
    --count_of(Outcome::kIndexed, true);  // add_new_image() has counted it
    --meta.contents;
    PAIRLOOM_TRY(update_file(image.run,
                             {.directory = image.directory,
                              .name = name,
                              .identity = image.identity,
                              .outcome = Outcome::kIndexed,
                              .content = image.content,
                              .content_counted = true},
                             *stored));
  }
  return {};
}

Result<> IndexWriter::State::settle_new_images() {
  Result<> stored = store_new_images();
  if (!stored) roll_back();
  return stored;
}

Result<> IndexWriter::State::settle_new_images_in(DirectoryId directory) {
  const auto& images = new_images.images();
  const bool some = std::any_of(images.begin(), images.end(), [&](const NewImage& i) { return i.directory == directory; });
  return some ? settle_new_images() : Result<>{};
}

// Adds the codes that a known content lacks and replaces those of lower accuracy.
Result<> IndexWriter::State::improve_content(ContentId id, const FileResult& result, const Coverage& stored,
                                             bool live) {
  const AlgorithmSet good = stored.made_with(result.accuracy);
  AlgorithmSet improved = 0;
  for (const FileResult::CodeOf& code : result.codes) {
    if (contains(good | improved, code.algorithm)) continue;
    if (contains(stored.any, code.algorithm)) {
      PAIRLOOM_TRY(replace_code(id, code, result.image));
    } else {
      PAIRLOOM_TRY(insert_code(id, code, result.image));
    }
    improved |= set_of(code.algorithm);
  }
  const Coverage made = Coverage::of(improved, result.accuracy);
  if (live) {
    count_coverage(stored, -1);
    count_coverage({stored.any | made.any, stored.at_least_default | made.at_least_default, stored.full | made.full}, +1);
  }
  const ImageInfo& image = result.image;
  const std::string warning = image.damaged ? as_text(result.message) : std::string();
  const bool has_quality = contains(improved, Algorithm::kPdq);  // else it is PDQ's older answer that stays true
  return db.run(
      "UPDATE content SET algorithms = algorithms | ?1, algorithms_default = algorithms_default | ?2, "
      "algorithms_full = algorithms_full | ?3, format = ?4, width = ?5, height = ?6, orientation = ?7, "
      "quality = CASE WHEN ?8 THEN ?9 ELSE quality END, reduction = ?10, animated = ?11, alpha = ?12, "
      "damaged = ?13, warning = ?14 WHERE id = ?15",
      made.any, made.at_least_default, made.full, image.format, image.width_px, image.height_px, image.orientation, has_quality, image.quality, image.reduction,
      image.animated, image.has_alpha, image.damaged, Text{warning}, id);
}

IndexWriter::State::CodeRow IndexWriter::State::number_code(ContentId content, const FileResult::CodeOf& code,
                                                            const ImageInfo& image) {
  Codes& c = codes_of(code.algorithm);
  const bool low = is_low_information(code.algorithm, image);
  const CodeRow row{c.next_position++, content, code.code, static_cast<uint8_t>(low ? search::kLowInformation : 0)};
  if (c.latest.size() < kMaxLatestCodes) c.latest.push_back(row);
  return row;
}

Result<> IndexWriter::State::insert_code(ContentId content, const FileResult::CodeOf& code, const ImageInfo& image) {
  const StoredBytes bytes(code.code, code.algorithm);
  const CodeRow row = number_code(content, code, image);
  return db.run("INSERT INTO code (content, algorithm, position, code, flags) VALUES (?, ?, ?, ?, ?)", content,
                code.algorithm, row.position, Blob{bytes.view()}, row.flags);
}

// A code in the code file never changes: the new one gets a new position, the old position becomes a vacancy.
Result<> IndexWriter::State::replace_code(ContentId content, const FileResult::CodeOf& code, const ImageInfo& image) {
  const StoredBytes bytes(code.code, code.algorithm);
  const bool low = is_low_information(code.algorithm, image);
  uint64_t position = 0;
  {
    PAIRLOOM_ASSIGN(Query row, db.query("SELECT position, code, flags FROM code WHERE content = ? AND algorithm = ?",
                                        content, code.algorithm));
    PAIRLOOM_ASSIGN(const bool found, row.next());
    if (!found) return insert_code(content, code, image);
    const bool was_low = (row.integer(2) & search::kLowInformation) != 0;
    if (row.bytes(1) == bytes.view() && was_low == low) return {};  // the better decode says the same
    position = row.as<uint64_t>(0);
  }
  PAIRLOOM_TRY(vacate(code.algorithm, position, content));
  return insert_code(content, code, image);
}

// --- the public methods

Result<> IndexWriter::put(RunId run, const FileResult& result) {
  return state_->change_beside_new_images([&]() -> Result<> {
    State& s = *state_;
    NewFile file{.directory = result.directory,
                 .name = result.name,
                 .identity = result.identity,
                 .outcome = result.outcome,
                 .attempts = result.attempts};
    if (result.outcome == Outcome::kIndexed) {
      PAIRLOOM_ASSIGN(file.content, s.known_content(result));
      if (file.content == 0) return s.add_new_image(run, result);
      file.attempts = 0;
    }
    PAIRLOOM_TRY(s.store_new_images());
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
