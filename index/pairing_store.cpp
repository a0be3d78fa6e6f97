#include "index/pairing_store.h"

#include <algorithm>
#include <utility>

#include "index/reader_state.h"
#include "index/schema.h"
#include "index/sqlite.h"

namespace pairloom::index {
namespace {

std::string_view as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::vector<std::byte> as_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

struct PairingStore::State {
  explicit State(auto&& own_or_lent) : connection(std::forward<decltype(own_or_lent)>(own_or_lent)) {}

  OwnOrLent connection;
  Database& db = *connection;

  // All of a change or nothing.
  template <class Body>
  Result<> change(Body body) {
    PAIRLOOM_TRY(db.run("BEGIN IMMEDIATE"));
    Result<> done = body();
    if (done) done = db.run("COMMIT");
    if (!done && db.in_transaction()) static_cast<void>(db.run("ROLLBACK"));
    return done;
  }
};

PairingStore::PairingStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
PairingStore::PairingStore(Database& database) : PairingStore(std::make_unique<State>(database)) {}
PairingStore::PairingStore(PairingStore&&) noexcept = default;
PairingStore& PairingStore::operator=(PairingStore&&) noexcept = default;
PairingStore::~PairingStore() = default;

Result<PairingStore> PairingStore::open(const std::string& index_path) {
  PAIRLOOM_ASSIGN(Database db, Database::open(index_path, Database::Mode::kReadOnly));
  PAIRLOOM_TRY(check_schema(db));
  return PairingStore(std::make_unique<State>(std::move(db)));
}

Result<std::optional<PairingWork>> PairingStore::work(Algorithm algorithm) {
  PairingWork work;
  {
    PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT setup FROM pairing_plan WHERE algorithm = ?", algorithm));
    PAIRLOOM_ASSIGN(const bool found, row.next());
    if (!found) return std::nullopt;
    work.setup = as_bytes(row.bytes(0));
  }
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT payload, share, done FROM pairing_task WHERE algorithm = ? "
                                              "ORDER BY task",
                                              algorithm));
  PAIRLOOM_TRY(row.each([&] { work.tasks.push_back({as_bytes(row.bytes(0)), row.real(1), row.integer(2) != 0}); }));
  return work;
}

Result<> PairingStore::begin_work(Algorithm algorithm, const PairingWork& work) {
  Database& db = state_->db;
  return state_->change([&]() -> Result<> {
    PAIRLOOM_TRY(db.run("DELETE FROM pairing_task WHERE algorithm = ?", algorithm));
    PAIRLOOM_TRY(db.run("DELETE FROM pairing_plan WHERE algorithm = ?", algorithm));
    PAIRLOOM_TRY(db.run("INSERT INTO pairing_plan (algorithm, setup) VALUES (?, ?)", algorithm, Blob{as_text(work.setup)}));
    for (size_t i = 0; i < work.tasks.size(); ++i) {
      const PairingWork::Task& task = work.tasks[i];
      PAIRLOOM_TRY(db.run("INSERT INTO pairing_task (algorithm, task, payload, share, done) VALUES (?, ?, ?, ?, ?)",
                          algorithm, i, Blob{as_text(task.payload)}, task.share, task.done));
    }
    return {};
  });
}

Result<> PairingStore::note_done(Algorithm algorithm, std::span<const uint64_t> tasks,
                                 std::span<const ContentId> crowded) {
  if (tasks.empty() && crowded.empty()) return {};
  return state_->change([&]() -> Result<> {
    for (const uint64_t task : tasks)
      PAIRLOOM_TRY(state_->db.run("UPDATE pairing_task SET done = 1 WHERE algorithm = ? AND task = ?", algorithm, task));
    for (const ContentId content : crowded)
      PAIRLOOM_TRY(state_->db.run("INSERT OR IGNORE INTO crowded SELECT algorithm, content FROM code WHERE content = ? AND "
                                  "algorithm = ?",
                                  content, algorithm));
    return {};
  });
}

Result<uint64_t> PairingStore::crowded_count(Algorithm algorithm) {
  PAIRLOOM_ASSIGN(const auto count, state_->db.integer("SELECT count(*) FROM crowded WHERE algorithm = ?", algorithm));
  return static_cast<uint64_t>(count.value_or(0));
}

Result<> PairingStore::put_groups(RunId run, Algorithm algorithm, uint32_t distance,
                                  std::span<const search::Group> groups) {
  Database& db = state_->db;
  return state_->change([&]() -> Result<> {
    PAIRLOOM_TRY(db.run("DELETE FROM group_member WHERE algorithm = ?", algorithm));
    PAIRLOOM_TRY(db.run("INSERT INTO grouping (algorithm, distance, run) VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
                        "SET distance = excluded.distance, run = excluded.run",
                        algorithm, distance, run));
    for (const search::Group& group : groups) {
      ContentId number = group.members.front().node;
      for (const auto& member : group.members) number = std::min(number, member.node);
      for (const auto& member : group.members)
        PAIRLOOM_TRY(db.run("INSERT INTO group_member (algorithm, number, content, distance) VALUES (?, ?, ?, ?)",
                            algorithm, number, member.node, member.distance_to_centre));
    }
    return {};
  });
}

Result<std::vector<ContentId>> PairingStore::contents_since(RunId run) {
  return content_ids(state_->db.query("SELECT DISTINCT content FROM file WHERE run >= ? AND gone_run IS NULL AND content IS "
                                      "NOT NULL ORDER BY content",
                                      run));
}

}  // namespace pairloom::index
