// IndexWriter: stored pairs, how far they are complete, and prune.
#include <fmt/format.h>

#include <utility>

#include "index/index_reader.h"
#include "index/index_writer.h"
#include "index/pairing_row.h"
#include "index/pairing_store.h"
#include "index/writer_state.h"

namespace pairloom::index {

// --- pairing

Result<PairingState> IndexWriter::pairing_state(Algorithm algorithm) {
  PAIRLOOM_TRY(state_->settle());
  PAIRLOOM_TRY(commit());
  PAIRLOOM_ASSIGN(PairingState pairing, stored_pairing(state_->db, algorithm));
  pairing.code_count = state_->codes_of(algorithm).next_position;
  return pairing;
}

Result<> IndexWriter::put_pairs(Algorithm algorithm, std::span<const PairRow> pairs) {
  if (pairs.empty()) return {};
  return state_->change([&]() -> Result<> {
    for (const PairRow& pair : pairs) {
      if (pair.a == 0 || pair.a >= pair.b || pair.b >= state_->meta.next_content || pair.distance > info(algorithm).bits)
        return fail(Errc::kInvalidArgument,
                    fmt::format("({}, {}) at distance {} is not a pair of '{}' codes in index '{}'", pair.a, pair.b,
                                pair.distance, info(algorithm).name, path()));
    }
    state_->new_pairs.rows = pairs;
    return state_->db.run("INSERT OR IGNORE INTO pair (algorithm, a, b, distance) SELECT ?, a, b, distance FROM new_pair",
                          algorithm);
  });
}

IndexReader IndexWriter::reader() {
  return IndexReader(state_->path, state_->db);
}

PairingStore IndexWriter::pairing_store() {
  return PairingStore(state_->db);
}

Result<> IndexWriter::set_pairing_state(Algorithm algorithm, uint32_t radius, uint64_t position) {
  const auto store = [&]() -> Result<> {
    if (radius > info(algorithm).bits || position > state_->codes_of(algorithm).next_position) {
      return fail(Errc::kInvalidArgument,
                  fmt::format("radius {} up to position {} is beyond the '{}' codes of index '{}'", radius, position,
                              info(algorithm).name, path()));
    }
    PAIRLOOM_TRY(state_->forget_plan(algorithm));  // it is finished
    return state_->db.run(
        "INSERT INTO pairing (algorithm, radius, position) VALUES (?, ?, ?) "
        "ON CONFLICT DO UPDATE SET radius = excluded.radius, position = excluded.position",
        algorithm, radius, position);
  };
  PAIRLOOM_TRY(state_->change(store));
  return commit();
}

Result<> IndexWriter::State::forget_plan(Algorithm algorithm) {
  PAIRLOOM_TRY(db.run("DELETE FROM pairing_task WHERE algorithm = ?", algorithm));
  return db.run("DELETE FROM pairing_plan WHERE algorithm = ?", algorithm);
}

Result<> IndexWriter::State::forget_pairs(Algorithm algorithm) {
  PAIRLOOM_TRY(db.run("DELETE FROM pair WHERE algorithm = ?", algorithm));
  PAIRLOOM_TRY(forget_plan(algorithm));
  PAIRLOOM_TRY(db.run("DELETE FROM crowded WHERE algorithm = ?", algorithm));
  PAIRLOOM_TRY(db.run("DELETE FROM group_member WHERE algorithm = ?", algorithm));
  PAIRLOOM_TRY(db.run("DELETE FROM grouping WHERE algorithm = ?", algorithm));
  return db.run("UPDATE pairing SET radius = 0, position = 0 WHERE algorithm = ?", algorithm);
}

Result<AlgorithmSet> IndexWriter::wanted_pairings() {
  AlgorithmSet set = 0;
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT algorithm FROM pairing WHERE wanted > 0"));
  PAIRLOOM_TRY(row.each([&] { set |= set_of(row.as<Algorithm>(0)); }));
  return set;
}

// What is farther than the new radius goes; what is within it stays, and is complete up to there. Pairing that was begun
// for another radius is forgotten: what it noted as done may be among what goes.
Result<> IndexWriter::want_pairs(Algorithm algorithm, uint32_t radius) {
  PAIRLOOM_ASSIGN(const PairingState before, pairing_state(algorithm));
  const uint32_t kept = stored_up_to(algorithm, radius);
  const bool changes = kept != stored_up_to(algorithm, before.wanted);
  const auto store = [&]() -> Result<> {
    Database& db = state_->db;
    if (radius > info(algorithm).bits)
      return fail(Errc::kInvalidArgument, fmt::format("'{}' codes have {} bits", info(algorithm).name, info(algorithm).bits));
    PAIRLOOM_TRY(
        db.run("INSERT INTO pairing (algorithm, radius, position, wanted) VALUES (?, 0, 0, ?) "
               "ON CONFLICT DO UPDATE SET wanted = excluded.wanted",
               algorithm, radius));
    if (!changes) return {};
    if (kept == 0) return state_->forget_pairs(algorithm);
    PAIRLOOM_TRY(state_->forget_plan(algorithm));
    PAIRLOOM_TRY(db.run("DELETE FROM pair WHERE algorithm = ? AND distance > ?", algorithm, kept));
    return db.run("UPDATE pairing SET radius = min(radius, ?) WHERE algorithm = ?", kept, algorithm);
  };
  PAIRLOOM_TRY(state_->change(store));
  return commit();
}

// --- maintenance

namespace {

// Directories that are a root, hold a live file, or are above one that does.
constexpr Sql kCountEmptyDirectories =
    "WITH RECURSIVE keep (id) AS (SELECT id FROM directory d WHERE EXISTS (SELECT 1 FROM file WHERE directory = d.id "
    "AND "
    "gone_run IS NULL) UNION SELECT id FROM directory WHERE path IN (SELECT path FROM root) UNION SELECT d.parent_id "
    "FROM "
    "directory d JOIN keep ON d.id = keep.id WHERE d.parent_id IS NOT NULL) "
    "SELECT count(*) FROM directory WHERE id NOT IN keep";
constexpr Sql kDeleteEmptyDirectories =
    "WITH RECURSIVE keep (id) AS (SELECT id FROM directory d WHERE EXISTS (SELECT 1 FROM file WHERE directory = d.id "
    "AND "
    "gone_run IS NULL) UNION SELECT id FROM directory WHERE path IN (SELECT path FROM root) UNION SELECT d.parent_id "
    "FROM "
    "directory d JOIN keep ON d.id = keep.id WHERE d.parent_id IS NOT NULL) "
    "DELETE FROM directory WHERE id NOT IN keep";

}  // namespace

Result<IndexWriter::Pruned> IndexWriter::prune(bool dry_run) {
  State& s = *state_;
  PAIRLOOM_TRY(commit());
  Pruned pruned;
  PAIRLOOM_ASSIGN(const auto contents, s.db.integer("SELECT count(*) FROM content WHERE live_files = 0"));
  PAIRLOOM_ASSIGN(const auto directories, s.db.integer(kCountEmptyDirectories));
  pruned.files = static_cast<uint64_t>(s.meta.gone);
  pruned.contents = static_cast<uint64_t>(contents.value_or(0));
  pruned.directories = static_cast<uint64_t>(directories.value_or(0));
  if (dry_run) return pruned;

  const auto remove = [&]() -> Result<> {
    PAIRLOOM_TRY(
        s.db.run("DELETE FROM failure WHERE EXISTS (SELECT 1 FROM file f WHERE f.directory = failure.directory AND "
                 "f.name = failure.name AND f.gone_run IS NOT NULL)"));
    PAIRLOOM_TRY(s.db.run("DELETE FROM file WHERE gone_run IS NOT NULL"));
    s.checked_directories.clear();
    PAIRLOOM_TRY(
        s.db.run("INSERT INTO vacancy (algorithm, position, content) SELECT algorithm, position, content FROM code "
                 "WHERE content IN (SELECT id FROM content WHERE live_files = 0)"));
    if (s.db.changes() > 0 && !std::exchange(s.has_vacancies, true)) s.begin_generation();
    PAIRLOOM_TRY(s.db.run("DELETE FROM code WHERE content IN (SELECT id FROM content WHERE live_files = 0)"));
    PAIRLOOM_TRY(s.settle());
    PAIRLOOM_TRY(s.db.run("DELETE FROM feature WHERE content IN (SELECT id FROM content WHERE live_files = 0)"));
    PAIRLOOM_TRY(s.db.run("DELETE FROM crowded WHERE content IN (SELECT id FROM content WHERE live_files = 0)"));
    PAIRLOOM_TRY(s.db.run("DELETE FROM group_member WHERE content IN (SELECT id FROM content WHERE live_files = 0)"));
    PAIRLOOM_TRY(s.db.run("DELETE FROM content WHERE live_files = 0"));
    PAIRLOOM_TRY(s.db.run(kDeleteEmptyDirectories));
    PAIRLOOM_TRY(s.drop_digests());  // it knows contents that are gone now
    s.meta.gone = 0;
    s.meta.directories -= static_cast<int64_t>(pruned.directories);
    return {};
  };
  PAIRLOOM_TRY(s.change(remove));
  PAIRLOOM_TRY(commit());
  return pruned;
}

}  // namespace pairloom::index
