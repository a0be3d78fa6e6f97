#include "index/schema.h"

#include <fmt/format.h>

#include "index/schema_text.h"

namespace pairloom::index {
namespace {

Result<int64_t> pragma(Database& database, Sql sql) {
  PAIRLOOM_ASSIGN(const auto value, database.integer(sql));
  return value.value_or(0);
}

// Looks at what marks a file as an index. Fails for other programs' databases, garbage, and versions above `newest`.
Result<int64_t> index_version(Database& database, int32_t newest) {
  PAIRLOOM_ASSIGN(const int64_t application, pragma(database, "PRAGMA application_id"));
  PAIRLOOM_ASSIGN(const int64_t version, pragma(database, "PRAGMA user_version"));
  PAIRLOOM_ASSIGN(const int64_t objects, pragma(database, "SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && version == 0 && objects == 0) return 0;
  if (application != kApplicationId) {
    return fail(Errc::kIndexCorrupt,
                fmt::format("'{}' is a database of another program, not a pairloom index; name another "
                            "file",
                            database.path()));
  }
  if (version > newest) {
    return fail(Errc::kIndexTooNew,
                fmt::format("index '{}' was made by a newer pairloom (schema {}, this one knows {}); "
                            "update pairloom",
                            database.path(), version, newest));
  }
  return version;
}

}  // namespace

Result<> check_is_ours(Database& database) {
  PAIRLOOM_TRY(index_version(database, kSchemaVersion));
  return {};
}

Result<> migrate(Database& database, std::span<const Migration> steps) {
  const int32_t newest = steps.back().to_version;
  PAIRLOOM_ASSIGN(const int64_t version, index_version(database, newest));
  if (version == newest) return {};
  PAIRLOOM_TRY(database.execute("BEGIN IMMEDIATE"));
  const auto run_steps = [&]() -> Result<> {
    for (const Migration& step : steps) {
      if (step.to_version > version) PAIRLOOM_TRY(database.execute(step.sql));
    }
    PAIRLOOM_TRY(
        database.execute(fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplicationId, newest)));
    return database.execute("COMMIT");
  };
  Result<> done = run_steps();
  if (!done && database.in_transaction()) static_cast<void>(database.execute("ROLLBACK"));
  return done;
}

Result<> bring_up_to_date(Database& database) {
  // From the empty file in one step: altering tables costs as much as all else that a run of one file does.
  static const Migration whole{kSchemaVersion,
                               schema::text({schema::kLastingTables, schema::kChangedTables, schema::kCodeTable,
                                             schema::kCodeIndex, schema::kFeatures, schema::kPairingAndGroups,
                                             schema::kLastingViews, schema::kCodesView, schema::kFailuresView,
                                             schema::kRunsView})};
  PAIRLOOM_ASSIGN(const int64_t version, index_version(database, kSchemaVersion));
  return migrate(database, version == 0 ? std::span(&whole, 1) : migrations());
}

Result<> check_schema(Database& database) {
  PAIRLOOM_ASSIGN(const int64_t version, index_version(database, kSchemaVersion));
  if (version == 0) {
    return fail(Errc::kIndexMissing,
                fmt::format("index '{}' is empty: nothing was stored yet; run 'pairloom scan' first", database.path()));
  }
  if (version < kSchemaVersion) {
    return fail(Errc::kRefused,
                fmt::format("index '{}' was made by an older pairloom (schema {}, this one needs {}); run "
                            "'pairloom scan' once to bring it up to date",
                            database.path(), version, kSchemaVersion));
  }
  return {};
}

}  // namespace pairloom::index
