// The tables of an index, how an older index becomes a current one, and how pairloom tells an index from any other
// file. What the tables mean: docs/index_schema.md. Runs in: supervisor (migrates), cli (checks).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "index/sqlite.h"

namespace pairloom::index {

constexpr int32_t kApplicationId = 0x50726C6D;  // "Prlm", at byte 68 of the file
constexpr int32_t kSchemaVersion = 6;           // SQLite's user_version, at byte 60

// One step: from version `to_version - 1` to `to_version`.
struct Migration {
  int32_t to_version;
  std::string sql;
};
// All steps since version 0, the empty file. A released step is never edited: changes are a new step.
std::span<const Migration> migrations();

// Brings an index to the version of the last step, all missing steps in one transaction: after an error or a crash the
// file is as it was. kIndexTooNew: a newer pairloom made it. kIndexCorrupt: not an index. Nothing is written in these
// cases.
Result<> migrate(Database& database, std::span<const Migration> steps);

// The same to this build's version, and the quickest way to it for an empty file.
Result<> bring_up_to_date(Database& database);
// Fails for what both would refuse, and changes nothing.
Result<> check_is_ours(Database& database);

// For readers, who cannot migrate: kIndexMissing when nothing was stored yet, kRefused when the schema is older than
// this build's; else as migrate().
Result<> check_schema(Database& database);

}  // namespace pairloom::index
