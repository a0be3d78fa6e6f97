// How an index of an older version becomes one of this.
#include "index/schema.h"
#include "index/schema_text.h"

namespace pairloom::index {
namespace {

using namespace schema;

constexpr const char* kVersion1Tables = R"sql(
CREATE TABLE algorithm (
  id              INTEGER PRIMARY KEY,          -- base/algorithm.h
  name            TEXT NOT NULL UNIQUE,
  bits            INTEGER NOT NULL,
  version         INTEGER NOT NULL              -- all codes of an algorithm are of this version
) STRICT;

CREATE TABLE run_worker (
  run             INTEGER NOT NULL REFERENCES run (id),
  slot            INTEGER NOT NULL,
  lives           INTEGER NOT NULL,
  tasks           INTEGER NOT NULL,
  bytes_read      INTEGER NOT NULL,
  stage0_ns       INTEGER NOT NULL,             -- by shm::Stage
  stage1_ns       INTEGER NOT NULL,
  stage2_ns       INTEGER NOT NULL,
  stage3_ns       INTEGER NOT NULL,
  stage4_ns       INTEGER NOT NULL,
  stage5_ns       INTEGER NOT NULL,
  stage6_ns       INTEGER NOT NULL,
  stage7_ns       INTEGER NOT NULL,
  PRIMARY KEY (run, slot)
) WITHOUT ROWID, STRICT;

CREATE TABLE failure (                          -- why: one row for every file whose outcome is a failure
  directory       INTEGER NOT NULL,
  name            BLOB NOT NULL,
  message         TEXT NOT NULL,
  worker_slot     INTEGER NOT NULL,
  elapsed_us      INTEGER NOT NULL,
  PRIMARY KEY (directory, name),
  FOREIGN KEY (directory, name) REFERENCES file (directory, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE code (
  algorithm       INTEGER NOT NULL REFERENCES algorithm (id),
  position        INTEGER NOT NULL,             -- in the code file: 0, 1, 2 ... in the order they came
  content         INTEGER NOT NULL REFERENCES content (id),
  code            BLOB NOT NULL,                -- 8 or 32 bytes, big-endian: hex(code) is the code's text form
  flags           INTEGER NOT NULL,             -- 1 = low information
  PRIMARY KEY (algorithm, position)
) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX code_by_content ON code (content, algorithm);
CREATE INDEX code_low_information ON code (algorithm, content) WHERE flags = 1;

CREATE TABLE pairing (                          -- all pairs of codes below `position` within `radius` are in `pair`
  algorithm       INTEGER PRIMARY KEY REFERENCES algorithm (id),
  radius          INTEGER NOT NULL,
  position        INTEGER NOT NULL
) STRICT;
)sql";

constexpr const char* kVersion1Views = R"sql(
CREATE VIEW v_failures AS
SELECT v.path, v.directory, v.name, v.outcome, x.message, v.attempts, v.run
FROM v_files v JOIN failure x ON x.directory = v.directory_id AND x.name = v.name;

CREATE VIEW v_runs AS
SELECT id, CASE kind WHEN 1 THEN 'add' WHEN 2 THEN 'update' WHEN 3 THEN 'prune' END AS kind, arguments,
       strftime('%Y-%m-%dT%H:%M:%SZ', started_ns / 1000000000, 'unixepoch') AS started,
       CASE WHEN finished_ns <> 0 THEN strftime('%Y-%m-%dT%H:%M:%SZ', finished_ns / 1000000000, 'unixepoch') END AS finished,
       seen, unchanged, moved, indexed, not_image, failed, gone, bytes_read, worker_deaths, seconds, interrupted
FROM run;
)sql";

// How contained workers were, and what a file that cost them their lives was last seen at.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE run_worker ADD COLUMN sandbox INTEGER NOT NULL DEFAULT 0;  -- steps in force: base/sandbox_level.h
ALTER TABLE failure ADD COLUMN signal INTEGER NOT NULL DEFAULT 0;      -- that ended the worker; 0 = none
ALTER TABLE failure ADD COLUMN decoder TEXT NOT NULL DEFAULT '';       -- in use then: "libtiff 4.5.0"

DROP VIEW v_failures;
)sql";

// How far pairs are kept is a person's to say, and remembered.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE pairing ADD COLUMN wanted INTEGER NOT NULL DEFAULT 0;      -- radius that was asked for; 0 = pairloom's own

DROP VIEW v_runs;
)sql";

constexpr const char* kVersion6Before = R"sql(
ALTER TABLE algorithm ADD COLUMN next_position INTEGER NOT NULL DEFAULT 0;  -- of the next code; vacancies count
UPDATE algorithm SET next_position = 1 + max(
  ifnull((SELECT max(position) FROM code WHERE algorithm = algorithm.id), -1),
  ifnull((SELECT max(position) FROM vacancy WHERE algorithm = algorithm.id), -1));

CREATE TEMP TABLE code_before AS SELECT * FROM code;  -- renaming a table costs more than all of this
DROP VIEW v_codes;
DROP TABLE code;
)sql";

constexpr const char* kVersion6After = R"sql(
INSERT INTO code SELECT content, algorithm, position, code, flags FROM temp.code_before ORDER BY content, algorithm;
DROP TABLE temp.code_before;
)sql";

}  // namespace

std::span<const Migration> migrations() {
  static const Migration steps[] = {
      {1, text({kLastingTables, kVersion1Tables, kLastingViews, kCodesView, kVersion1Views})},
      {2, text({kVersion2, kFailuresView})},
      {3, kFeatures},
      {4, kPairingAndGroups},
      {5, text({kVersion5, kRunsView})},
      {6, text({kVersion6Before, kCodeTable, kVersion6After, kCodeIndex, kCodesView})},
  };
  return steps;
}

}  // namespace pairloom::index
