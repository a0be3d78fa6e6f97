// IndexWriter: positions of codes, vacancies and how they close, and the code files that follow the table.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>
#include <vector>

#include "index/encoding.h"
#include "index/index_writer.h"
#include "index/stand_ins.h"
#include "index/writer_state.h"

namespace pairloom::index {

std::string IndexWriter::State::code_file_path(Algorithm algorithm) const {
  return fmt::format("{}-codes.{}", path, info(algorithm).name);
}

std::string IndexWriter::code_file_path(Algorithm algorithm) const {
  return state_->code_file_path(algorithm);
}

Result<> IndexWriter::State::drop_outdated_codes() {
  for (const AlgorithmInfo& a : algorithms()) {
    PAIRLOOM_ASSIGN(const auto stored, db.integer("SELECT version FROM algorithm WHERE id = ?", a.id));
    if (stored == a.version) continue;
    if (stored && *stored > a.version) {
      return fail(Errc::kIndexTooNew,
                  fmt::format("index '{}' holds '{}' codes of a newer pairloom (version {}, this one makes "
                              "{}); update pairloom",
                              path, a.name, *stored, a.version));
    }
    const auto start_over = [&]() -> Result<> {
      PAIRLOOM_TRY(
          db.run("INSERT INTO algorithm (id, name, bits, version) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
                 "SET name = excluded.name, bits = excluded.bits, version = excluded.version",
                 a.id, Text{a.name}, a.bits, a.version));
      if (!stored) return {};
      PAIRLOOM_TRY(db.run("DELETE FROM code WHERE algorithm = ?", a.id));
      PAIRLOOM_TRY(db.run("DELETE FROM vacancy WHERE algorithm = ?", a.id));
      PAIRLOOM_TRY(forget_pairs(a.id));
      PAIRLOOM_TRY(
          db.run("UPDATE content SET algorithms = algorithms & ~?1, algorithms_default = algorithms_default & ~?1, "
                 "algorithms_full = algorithms_full & ~?1 WHERE algorithms & ?1",
                 set_of(a.id)));
      PAIRLOOM_TRY(recount_coverage());
      codes_of(a.id).next_position = 0;
      begin_generation();
      return {};
    };
    PAIRLOOM_TRY(change(start_over));
  }
  return {};
}

void IndexWriter::State::begin_generation() {
  ++meta.generation;
  for (Codes& c : codes) {
    c.file.reset();
    c.latest.clear();
  }
}

Result<> IndexWriter::State::vacate(Algorithm algorithm, uint64_t position, ContentId content) {
  PAIRLOOM_TRY(db.run("DELETE FROM code WHERE content = ? AND algorithm = ?", content, algorithm));
  PAIRLOOM_TRY(
      db.run("INSERT INTO vacancy (algorithm, position, content) VALUES (?, ?, ?)", algorithm, position, content));
  // No code file is published while there are vacancies, so one new generation does for all of them.
  if (!std::exchange(has_vacancies, true)) begin_generation();
  return {};
}

// --- closing vacancies

Result<> IndexWriter::State::settle() {
  if (!has_vacancies) return {};
  return change([&]() -> Result<> {
    PAIRLOOM_TRY(
        db.execute("CREATE TEMP TABLE IF NOT EXISTS stand_in (content INTEGER PRIMARY KEY, other INTEGER NOT NULL) STRICT;"
                   "CREATE TEMP TABLE IF NOT EXISTS vacated (content INTEGER PRIMARY KEY) STRICT;"
                   "CREATE TEMP TABLE IF NOT EXISTS moving (position INTEGER PRIMARY KEY, content INTEGER NOT NULL) STRICT;"));
    for (const AlgorithmInfo& a : algorithms()) {
      PAIRLOOM_ASSIGN(const auto some, db.integer("SELECT EXISTS (SELECT 1 FROM vacancy WHERE algorithm = ?)", a.id));
      if (some.value_or(0) == 0) continue;
      PAIRLOOM_TRY(settle_pairs(a.id));
      PAIRLOOM_TRY(fill_vacancies(a.id));
    }
    has_vacancies = false;
    return {};
  });
}

// Pairs of a vacated content were made with a code that is gone. If another content has that same code, they are its
// pairs now; then they are deleted.
Result<> IndexWriter::State::settle_pairs(Algorithm algorithm) {
  StandIns stand_ins;
  {
    PAIRLOOM_ASSIGN(Query row, db.query("SELECT a, b FROM pair WHERE algorithm = ?1 AND distance = 0 AND "
                                        "(a IN (SELECT content FROM vacancy WHERE algorithm = ?1) OR "
                                        "b IN (SELECT content FROM vacancy WHERE algorithm = ?1))",
                                        algorithm));
    PAIRLOOM_TRY(row.each([&] { stand_ins.add_equal(row.as<ContentId>(0), row.as<ContentId>(1)); }));
  }
  std::optional<Error> error;
  const auto is_present = [&](ContentId content) {
    const auto vacated = db.integer("SELECT EXISTS (SELECT 1 FROM temp.vacated WHERE content = ?)", content);
    if (!vacated) error = vacated.error();
    return vacated && vacated->value_or(0) == 0;
  };
  PAIRLOOM_TRY(db.run("DELETE FROM temp.vacated"));
  PAIRLOOM_TRY(db.run("INSERT OR IGNORE INTO temp.vacated SELECT content FROM vacancy WHERE algorithm = ?", algorithm));
  PAIRLOOM_TRY(db.run("DELETE FROM temp.stand_in"));
  stand_ins.choose(is_present);
  PAIRLOOM_TRY(stand_ins.for_each(is_present, [&](ContentId absent, ContentId other) {
    return db.run("INSERT INTO temp.stand_in (content, other) VALUES (?, ?)", absent, other);
  }));
  if (error) return tl::unexpected(std::move(*error));

  PAIRLOOM_TRY(
      db.run("INSERT OR IGNORE INTO pair (algorithm, a, b, distance) "
             "SELECT ?1, min(x, y), max(x, y), distance FROM (SELECT distance, "
             "CASE WHEN a IN temp.vacated THEN (SELECT other FROM temp.stand_in WHERE content = a) ELSE a END AS x, "
             "CASE WHEN b IN temp.vacated THEN (SELECT other FROM temp.stand_in WHERE content = b) ELSE b END AS y "
             "FROM pair WHERE algorithm = ?1 AND (a IN temp.vacated OR b IN temp.vacated)) WHERE x <> y",
             algorithm));
  PAIRLOOM_TRY(db.run("DELETE FROM crowded WHERE algorithm = ? AND content IN temp.vacated", algorithm));
  return db.run("DELETE FROM pair WHERE algorithm = ? AND (a IN temp.vacated OR b IN temp.vacated)", algorithm);
}

// Makes positions dense again by moving as few codes as there are vacancies: first below the pairing watermark, with
// codes from below it, so that what is below stays the set that is paired completely; then above it.
Result<> IndexWriter::State::fill_vacancies(Algorithm algorithm) {
  const uint64_t end = codes_of(algorithm).next_position;
  PAIRLOOM_ASSIGN(const auto watermark, db.integer("SELECT position FROM pairing WHERE algorithm = ?", algorithm));
  const auto paired = static_cast<uint64_t>(watermark.value_or(0));
  PAIRLOOM_ASSIGN(const auto vacant_below,
                  db.integer("SELECT count(*) FROM vacancy WHERE algorithm = ? AND position < ?", algorithm, paired));
  PAIRLOOM_ASSIGN(const auto vacant, db.integer("SELECT count(*) FROM vacancy WHERE algorithm = ?", algorithm));
  const uint64_t new_paired = paired - static_cast<uint64_t>(vacant_below.value_or(0));
  const uint64_t new_end = end - static_cast<uint64_t>(vacant.value_or(0));

  PAIRLOOM_TRY(move_codes_down(algorithm, new_paired, paired));
  PAIRLOOM_TRY(move_codes_down(algorithm, new_end, end));
  PAIRLOOM_TRY(db.run("DELETE FROM vacancy WHERE algorithm = ?", algorithm));
  PAIRLOOM_TRY(db.run("UPDATE pairing SET position = ? WHERE algorithm = ?", new_paired, algorithm));
  codes_of(algorithm).next_position = new_end;
  codes_of(algorithm).latest.clear();  // their positions are not what they were
  return {};
}

// Moves the codes at [end, source_end) into the vacancies below `end`: there are as many. Vacancies move the other way.
Result<> IndexWriter::State::move_codes_down(Algorithm algorithm, uint64_t end, uint64_t source_end) {
  if (end == source_end) return {};
  // The one question that is asked by position: one pass over the table answers it.
  PAIRLOOM_TRY(db.run("DELETE FROM temp.moving"));
  PAIRLOOM_TRY(db.run("INSERT INTO temp.moving SELECT position, content FROM code WHERE algorithm = ? AND position >= ? "
                      "AND position < ?",
                      algorithm, end, source_end));
  std::vector<uint64_t> free;
  std::vector<std::pair<uint64_t, ContentId>> taken;
  uint64_t from = end;
  while (true) {
    free.clear();
    taken.clear();
    {
      PAIRLOOM_ASSIGN(Query row, db.query("SELECT position FROM vacancy WHERE algorithm = ? AND position < ? "
                                          "ORDER BY position LIMIT ?",
                                          algorithm, end, kPageRows));
      PAIRLOOM_TRY(row.each([&] { free.push_back(row.as<uint64_t>(0)); }));
    }
    {
      PAIRLOOM_ASSIGN(Query row, db.query("SELECT position, content FROM temp.moving WHERE position >= ? "
                                          "ORDER BY position LIMIT ?",
                                          from, kPageRows));
      PAIRLOOM_TRY(row.each([&] { taken.emplace_back(row.as<uint64_t>(0), row.as<ContentId>(1)); }));
    }
    if (free.empty() && taken.empty()) return {};
    if (free.size() != taken.size()) {
      return fail(Errc::kIndexCorrupt,
                  fmt::format("index '{}' is damaged: the positions of its '{}' codes have holes; 'pairloom "
                              "index rebuild' makes a new one",
                              path, info(algorithm).name));
    }
    for (size_t i = 0; i < free.size(); ++i) {
      const auto [position, content] = taken[i];
      PAIRLOOM_TRY(
          db.run("UPDATE code SET position = ? WHERE content = ? AND algorithm = ?", free[i], content, algorithm));
      PAIRLOOM_TRY(
          db.run("UPDATE vacancy SET position = ? WHERE algorithm = ? AND position = ?", position, algorithm, free[i]));
    }
    from = taken.back().first + 1;
  }
}

// --- code files

Result<> IndexWriter::State::publish_codes(const Positions& committed) {
  if (has_vacancies) return {};
  for (const AlgorithmInfo& a : algorithms()) {
    Result<> published = publish_codes_of(a.id, committed[static_cast<size_t>(a.id)]);
    if (!published) {
      codes_of(a.id).file.reset();  // opened again next time, from its last published state
      Error error = std::move(published).error();
      error.message += fmt::format(
          " (the index itself is committed; the file is made up from it at the next opening of '{}')", path);
      return tl::unexpected(std::move(error));
    }
  }
  return {};
}

Result<> IndexWriter::State::publish_codes_of(Algorithm algorithm, uint64_t committed) {
  Codes& c = codes_of(algorithm);
  if (committed == 0) return {};
  const std::string file_path = code_file_path(algorithm);
  if (!c.file || c.file_generation != meta.generation) {
    PAIRLOOM_ASSIGN(c.file, search::CodeFileWriter::open(file_path, algorithm, meta.index_id, meta.generation));
    c.file_generation = meta.generation;
    if (c.file->size() > committed) {  // the database was put back to an older state: the file says more than is true
      c.file.reset();
      if (::unlink(file_path.c_str()) != 0) return fail_errno("cannot remove '" + file_path + "'", errno);
      PAIRLOOM_ASSIGN(c.file, search::CodeFileWriter::open(file_path, algorithm, meta.index_id, meta.generation));
    }
  }
  if (c.file->size() == committed) return {};

  const auto end = std::ranges::lower_bound(c.latest, committed, {}, &CodeRow::position);
  const bool all_at_hand = end != c.latest.begin() && c.latest.front().position == c.file->size() &&
                           static_cast<uint64_t>(end - c.latest.begin()) == committed - c.file->size();
  if (all_at_hand) {
    for (const CodeRow& row : std::span(c.latest.begin(), end))
      PAIRLOOM_TRY(c.file->append(row.content, row.code, row.flags));
  } else {
    PAIRLOOM_TRY(append_stored_codes(algorithm, committed));
  }
  c.latest.erase(c.latest.begin(), end);
  return c.file->publish();
}

// After a crash, or when the file is made anew.
Result<> IndexWriter::State::append_stored_codes(Algorithm algorithm, uint64_t committed) {
  Codes& c = codes_of(algorithm);
  PAIRLOOM_ASSIGN(Query row,
                  db.query("SELECT position, content, code, flags FROM code WHERE algorithm = ? AND position >= ? "
                           "AND position < ? ORDER BY position",
                           algorithm, c.file->size(), committed));
  while (true) {
    PAIRLOOM_ASSIGN(const bool more, row.next());
    if (!more) return {};
    Code code;
    if (row.as<uint64_t>(0) != c.file->size() || !code_from(row.bytes(2), algorithm, code)) {
      return fail(Errc::kIndexCorrupt,
                  fmt::format("index '{}' is damaged: its '{}' code at position {} is not what was "
                              "written; 'pairloom index rebuild' makes a new one",
                              path, info(algorithm).name, row.integer(0)));
    }
    PAIRLOOM_TRY(c.file->append(row.as<uint32_t>(1), code, row.as<uint8_t>(3)));
  }
}

}  // namespace pairloom::index
