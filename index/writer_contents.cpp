// IndexWriter: contents and their codes; and images that are new, which gather and are stored together.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "index/encoding.h"
#include "index/index_writer.h"
#include "index/writer_state.h"

namespace pairloom::index {
namespace {

AlgorithmSet set_of_codes(const FileResult& result) {
  AlgorithmSet set = 0;
  for (const CodeOf& code : result.codes) set |= set_of(code.algorithm);
  return set;
}

bool is_low_information(Algorithm algorithm, const ImageInfo& image) {
  return image.quality < info(algorithm).min_quality;
}

}  // namespace

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

// Tags of digests are short: among ten million contents, every four hundredth new image meets one of the same tag. It need
// not wait for that until new images are stored.
Result<bool> IndexWriter::State::is_surely_another(ContentId committed, const FileResult& result) {
  if (committed >= committed_contents || !db.is_busy_beside()) return false;
  if (!committed_db) {
    auto opened = Database::open(path, Database::Mode::kReadOnly);
    if (!opened) return false;
    committed_db = std::move(*opened);
  }
  const StoredBytes digest(result.digest);
  PAIRLOOM_ASSIGN(const auto same,
                  committed_db->integer("SELECT 1 FROM content WHERE id = ? AND digest = ? AND size = ?", committed,
                                        Blob{digest.view()}, result.identity.size_bytes));
  return !same;
}

Result<ContentId> IndexWriter::State::known_content(const FileResult& result) {
  PAIRLOOM_TRY(open_digests());
  if (!digests->may_have(result.digest)) return ContentId{0};
  Coverage stored;
  bool live = false;
  const auto is_it = [&](ContentId candidate) -> Result<bool> {
    PAIRLOOM_ASSIGN(const bool another, is_surely_another(candidate, result));
    if (another) return false;
    if (candidate >= committed_contents) PAIRLOOM_TRY(store_new_images());  // it may be one of them
    PAIRLOOM_TRY(begin());
    const StoredBytes digest(result.digest);
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
Result<> IndexWriter::State::add_new_image(RunId run, FileResult result) {
  PAIRLOOM_TRY(check_name(result.name));
  PAIRLOOM_TRY(check_directory(result.directory));
  if (meta.next_content > int64_t{std::numeric_limits<ContentId>::max()}) {
    return fail(Errc::kTooLarge,
                fmt::format("index '{}' is full: it has numbered {} different images; start a second index", path,
                            std::numeric_limits<ContentId>::max()));
  }
  const auto id = static_cast<ContentId>(meta.next_content++);
  const Coverage made = Coverage::of(set_of_codes(result), result.accuracy);
  count_coverage(made, +1);
  ++meta.contents;
  ++count_of(Outcome::kIndexed, true);
  new_images.add({.content = id,
                  .directory = result.directory,
                  .name = std::move(result.name),
                  .identity = result.identity,
                  .digest = StoredBytes(result.digest),
                  .image = result.image,
                  .warning = result.image.damaged ? as_text(result.message) : std::string(),
                  .coverage = made,
                  .run = run,
                  .worker_slot = result.worker_slot,
                  .elapsed_us = microseconds(result.elapsed_ns)});
  AlgorithmSet done = 0;
  for (const CodeOf& code : result.codes) {
    if (contains(done, code.algorithm)) continue;
    const CodeRow row = number_code(id, code, result.image);
    new_images.add({id, code.algorithm, row.position, StoredBytes(code.code, code.algorithm), row.flags});
    done |= set_of(code.algorithm);
  }
  PAIRLOOM_TRY(digests->insert(result.digest, id));
  const size_t count = new_images.gathered().size();
  if (count < kMinNewImages || (count < kMaxNewImages && db.is_busy_beside())) return {};
  return send_off_new_images();
}

Result<> IndexWriter::State::send_off_new_images() {
  PAIRLOOM_ASSIGN(const auto committed, take_from_beside());
  new_images.send_off();
  db.run_beside([this] { return insert_new_images(); });
  return committed ? publish_codes(committed->positions) : Result<>{};  // meanwhile
}

Result<> IndexWriter::State::insert_new_images() {
  PAIRLOOM_TRY(begin_in_database());
  return new_images.insert_into(db);
}

Result<> IndexWriter::State::finish_new_images() {
  if (new_images.under_way().empty()) return {};
  if (!new_images.all_were_new()) PAIRLOOM_TRY(update_files_that_were_there());
  new_images.forget_under_way();
  return {};
}

Result<> IndexWriter::State::store_new_images() {
  PAIRLOOM_TRY(finish_beside());
  if (new_images.gathered().empty()) return {};
  new_images.send_off();
  PAIRLOOM_TRY(insert_new_images());
  return finish_new_images();
}

// They have changed, or have come back: they are not new, as was thought.
Result<> IndexWriter::State::update_files_that_were_there() {
  for (const NewImage& image : new_images.under_way()) {
    PAIRLOOM_ASSIGN(const auto stored, stored_file(image.directory, image.name));
    if (!stored) return damaged("a file is there and is not there");
    if (stored->content == image.content) continue;
    --count_of(Outcome::kIndexed, true);  // add_new_image() has counted it
    --meta.contents;
    PAIRLOOM_TRY(update_file(image.run,
                             {.directory = image.directory,
                              .name = image.name,
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
  return new_images.any_in(directory) ? settle_new_images() : Result<>{};
}

// Adds the codes that a known content lacks and replaces those of lower accuracy.
Result<> IndexWriter::State::improve_content(ContentId id, const FileResult& result, const Coverage& stored,
                                             bool live) {
  const AlgorithmSet good = stored.made_with(result.accuracy);
  AlgorithmSet improved = 0;
  for (const CodeOf& code : result.codes) {
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

IndexWriter::State::CodeRow IndexWriter::State::number_code(ContentId content, const CodeOf& code,
                                                            const ImageInfo& image) {
  Codes& c = codes_of(code.algorithm);
  const bool low = is_low_information(code.algorithm, image);
  const CodeRow row{c.next_position++, content, code.code, static_cast<uint8_t>(low ? search::kLowInformation : 0)};
  if (c.latest.size() < kMaxLatestCodes) c.latest.push_back(row);
  return row;
}

Result<> IndexWriter::State::insert_code(ContentId content, const CodeOf& code, const ImageInfo& image) {
  const StoredBytes bytes(code.code, code.algorithm);
  const CodeRow row = number_code(content, code, image);
  return db.run("INSERT INTO code (content, algorithm, position, code, flags) VALUES (?, ?, ?, ?, ?)", content,
                code.algorithm, row.position, Blob{bytes.view()}, row.flags);
}

// A code in the code file never changes: the new one gets a new position, the old position becomes a vacancy.
Result<> IndexWriter::State::replace_code(ContentId content, const CodeOf& code, const ImageInfo& image) {
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

}  // namespace pairloom::index
