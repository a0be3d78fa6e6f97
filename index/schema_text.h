// The SQL that makes an index as it is, in the parts that index/schema.cpp (a new index) and index/schema_steps.cpp (older ones)
// put together. What the tables mean: docs/index_schema.md. Private to these two. Runs in: supervisor.
#pragma once

#include <initializer_list>
#include <string>

namespace pairloom::index::schema {

// The tables are STRICT; paths and names are BLOBs because they are bytes; unsigned 64-bit numbers (inode, file system,
// index id) are stored as the signed number of the same bits. Whoever changes one adds a step to schema_steps.cpp, and leaves
// there, as it was, what older steps make.

// Those that are as they were in version 1.
inline constexpr const char* kLastingTables = R"sql(
CREATE TABLE meta (
  id              INTEGER PRIMARY KEY CHECK (id = 1),
  index_id        INTEGER NOT NULL,             -- random; ties the code files to this index
  generation      INTEGER NOT NULL,             -- raised when positions of codes change: older code files are stale
  next_content    INTEGER NOT NULL,             -- content ids are never used twice
  images          INTEGER NOT NULL DEFAULT 0,   -- live files by outcome; kept with every change, checked by `index verify`
  not_images      INTEGER NOT NULL DEFAULT 0,
  failures        INTEGER NOT NULL DEFAULT 0,
  gone            INTEGER NOT NULL DEFAULT 0,
  contents        INTEGER NOT NULL DEFAULT 0,   -- with a live file
  directories     INTEGER NOT NULL DEFAULT 0,
  digest_token    INTEGER NOT NULL DEFAULT 0    -- of the digest table that belongs to this state of the index
) STRICT;
INSERT INTO meta (id, index_id, generation, next_content) VALUES (1, random(), 1, 1);

CREATE TABLE run (
  id              INTEGER PRIMARY KEY,
  kind            INTEGER NOT NULL,             -- 1 add, 2 update, 3 prune
  arguments       TEXT NOT NULL,
  program_version INTEGER NOT NULL,
  started_ns      INTEGER NOT NULL,             -- wall clock, since 1970
  finished_ns     INTEGER NOT NULL DEFAULT 0,   -- 0: running, or it crashed
  seen            INTEGER NOT NULL DEFAULT 0,
  unchanged       INTEGER NOT NULL DEFAULT 0,
  moved           INTEGER NOT NULL DEFAULT 0,
  indexed         INTEGER NOT NULL DEFAULT 0,
  not_image       INTEGER NOT NULL DEFAULT 0,
  failed          INTEGER NOT NULL DEFAULT 0,
  gone            INTEGER NOT NULL DEFAULT 0,
  bytes_read      INTEGER NOT NULL DEFAULT 0,
  worker_deaths   INTEGER NOT NULL DEFAULT 0,
  seconds         REAL    NOT NULL DEFAULT 0,
  interrupted     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE root (
  path            BLOB PRIMARY KEY,             -- absolute, as the user named it
  filesystem      INTEGER NOT NULL
) WITHOUT ROWID, STRICT;

CREATE TABLE directory (
  id              INTEGER PRIMARY KEY,
  parent_id       INTEGER REFERENCES directory (id),  -- NULL only for "/"
  path            BLOB NOT NULL UNIQUE,         -- absolute, no slash at the end (but "/")
  filesystem      INTEGER NOT NULL              -- statfs f_fsid; 0 = unknown
) STRICT;
CREATE INDEX directory_by_parent ON directory (parent_id, path);

CREATE TABLE content (
  id              INTEGER PRIMARY KEY,
  digest          BLOB NOT NULL CHECK (length(digest) = 16),  -- XXH3-128, canonical (big-endian) bytes
  size            INTEGER NOT NULL,
  format          INTEGER NOT NULL,
  width           INTEGER NOT NULL,             -- as shown: orientation applied
  height          INTEGER NOT NULL,
  orientation     INTEGER NOT NULL,             -- EXIF 1..8
  quality         INTEGER NOT NULL,             -- PDQ's, 0..100
  reduction       INTEGER NOT NULL,             -- decoded at 1/reduction
  animated        INTEGER NOT NULL,
  alpha           INTEGER NOT NULL,
  damaged         INTEGER NOT NULL,
  warning         TEXT NOT NULL,                -- the decoder's first, if damaged
  algorithms      INTEGER NOT NULL,             -- set of the algorithms it has codes of: bit number = algorithm.id
  algorithms_default INTEGER NOT NULL,          -- those of them made with at least the default accuracy
  algorithms_full INTEGER NOT NULL,             -- those of them made with full accuracy
  live_files      INTEGER NOT NULL,             -- 0: only tombstones refer to it
  first_run       INTEGER NOT NULL REFERENCES run (id),
  worker_slot     INTEGER NOT NULL,
  elapsed_us      INTEGER NOT NULL
) STRICT;                                       -- unique (digest, size): index/digest_table.h
CREATE INDEX content_dead ON content (id) WHERE live_files = 0;
CREATE INDEX content_with_copies ON content (id) WHERE live_files >= 2;

CREATE TABLE coverage (                         -- how many contents with a live file have which codes; kept with every
  algorithms      INTEGER NOT NULL,             -- change, checked by `index verify`
  algorithms_default INTEGER NOT NULL,
  algorithms_full INTEGER NOT NULL,
  contents        INTEGER NOT NULL,
  PRIMARY KEY (algorithms, algorithms_default, algorithms_full)
) WITHOUT ROWID, STRICT;

CREATE TABLE file (
  directory       INTEGER NOT NULL REFERENCES directory (id),
  name            BLOB NOT NULL,
  inode           INTEGER NOT NULL,
  size            INTEGER NOT NULL,
  mtime_ns        INTEGER NOT NULL,
  ctime_ns        INTEGER NOT NULL,
  outcome         INTEGER NOT NULL,             -- base/image.h
  content         INTEGER REFERENCES content (id),  -- set if and only if outcome = 0 (indexed)
  attempts        INTEGER NOT NULL,             -- worker lives it has cost
  program_version INTEGER NOT NULL,             -- of the pairloom that decided; 0 when indexed
  run             INTEGER NOT NULL REFERENCES run (id),  -- that last wrote this row
  gone_run        INTEGER REFERENCES run (id),  -- NULL: live. Else a tombstone, and the run that found it gone
  PRIMARY KEY (directory, name),
  CHECK ((outcome = 0) = (content IS NOT NULL))
) WITHOUT ROWID, STRICT;
CREATE INDEX file_by_content ON file (content) WHERE content IS NOT NULL;
CREATE INDEX file_by_inode ON file (inode) WHERE content IS NOT NULL;

CREATE TABLE vacancy (                          -- positions whose code was taken away and that are not filled yet
  algorithm       INTEGER NOT NULL,
  position        INTEGER NOT NULL,
  content         INTEGER NOT NULL,             -- whose code it was
  PRIMARY KEY (algorithm, position)
) WITHOUT ROWID, STRICT;

CREATE TABLE pair (                             -- contents are checked by the writer and by `index verify`
  algorithm       INTEGER NOT NULL,
  a               INTEGER NOT NULL,
  b               INTEGER NOT NULL,
  distance        INTEGER NOT NULL,
  PRIMARY KEY (algorithm, a, b),
  CHECK (a < b)
) WITHOUT ROWID, STRICT;
)sql";

// Those that have changed since; as they were: schema_steps.cpp.
inline constexpr const char* kChangedTables = R"sql(
CREATE TABLE algorithm (
  id              INTEGER PRIMARY KEY,          -- base/algorithm.h
  name            TEXT NOT NULL UNIQUE,
  bits            INTEGER NOT NULL,
  version         INTEGER NOT NULL,             -- all codes of an algorithm are of this version
  next_position   INTEGER NOT NULL DEFAULT 0    -- in the code file, of the next code; vacancies count
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
  sandbox         INTEGER NOT NULL DEFAULT 0,   -- steps in force: base/sandbox_level.h
  PRIMARY KEY (run, slot)
) WITHOUT ROWID, STRICT;

CREATE TABLE failure (                          -- why: one row for every file whose outcome is a failure
  directory       INTEGER NOT NULL,
  name            BLOB NOT NULL,
  message         TEXT NOT NULL,
  worker_slot     INTEGER NOT NULL,
  elapsed_us      INTEGER NOT NULL,
  signal          INTEGER NOT NULL DEFAULT 0,   -- that ended the worker; 0 = none
  decoder         TEXT NOT NULL DEFAULT '',     -- in use then: "libtiff 4.5.0"
  PRIMARY KEY (directory, name),
  FOREIGN KEY (directory, name) REFERENCES file (directory, name)
) WITHOUT ROWID, STRICT;

CREATE TABLE pairing (                          -- all pairs of codes below `position` within `radius` are in `pair`
  algorithm       INTEGER PRIMARY KEY REFERENCES algorithm (id),
  radius          INTEGER NOT NULL,
  position        INTEGER NOT NULL,
  wanted          INTEGER NOT NULL DEFAULT 0    -- radius that was asked for; 0 = pairloom's own
) STRICT;
)sql";

// Codes lie by content, which is how people and most of pairloom ask for them; positions are the code files' business, and
// an index over them cost more than anything that needs it.
inline constexpr const char* kCodeTable = R"sql(
CREATE TABLE code (
  content         INTEGER NOT NULL REFERENCES content (id),
  algorithm       INTEGER NOT NULL REFERENCES algorithm (id),
  position        INTEGER NOT NULL,             -- in the code file: 0, 1, 2 ... in the order they came
  code            BLOB NOT NULL,                -- 8 or 32 bytes, big-endian: hex(code) is the code's text form
  flags           INTEGER NOT NULL,             -- 1 = low information
  PRIMARY KEY (content, algorithm)
) WITHOUT ROWID, STRICT;
)sql";

inline constexpr const char* kCodeIndex = R"sql(
CREATE INDEX code_low_information ON code (algorithm, content) WHERE flags = 1;
)sql";

// Features of extractors, ours and plugins': docs/index_schema.md, "Features".
inline constexpr const char* kFeatures = R"sql(
CREATE TABLE extractor (
  id              INTEGER PRIMARY KEY,
  name            TEXT NOT NULL,                -- "lbp"
  parameters      TEXT NOT NULL,                -- all of them, in one spelling: "points=8 radius=1"
  version         INTEGER NOT NULL,             -- all features of an extractor are of this version
  element         TEXT NOT NULL CHECK (element IN ('u8', 'i32', 'f32', 'f64')),
  one_row         INTEGER NOT NULL,             -- exactly one row for each content
  columns         TEXT NOT NULL,                -- names, separated by commas
  row_bytes       INTEGER NOT NULL,
  UNIQUE (name, parameters)
) STRICT;

CREATE TABLE feature (
  content         INTEGER NOT NULL REFERENCES content (id),
  extractor       INTEGER NOT NULL REFERENCES extractor (id),
  rows            INTEGER NOT NULL,
  data            BLOB NOT NULL,                -- rows x columns, row-major, little-endian
  PRIMARY KEY (content, extractor)
) STRICT;
CREATE INDEX feature_by_extractor ON feature (extractor);

CREATE VIEW v_features AS
SELECT f.content, e.name, e.parameters, e.version, e.element, e.columns, f.rows, f.data
FROM feature f JOIN extractor e ON e.id = f.extractor;
)sql";

// Pairing that was cut short goes on; the cap on pairs leaves a trace; groups for those who ask in SQL.
inline constexpr const char* kPairingAndGroups = R"sql(
CREATE TABLE pairing_plan (                     -- pairing that has begun and is not finished
  algorithm       INTEGER PRIMARY KEY REFERENCES algorithm (id),
  setup           BLOB NOT NULL                 -- jobs/pair_job.h
) STRICT;

CREATE TABLE pairing_task (                     -- its parts
  algorithm       INTEGER NOT NULL REFERENCES pairing_plan (algorithm),
  task            INTEGER NOT NULL,
  payload         BLOB NOT NULL,
  share           REAL NOT NULL,                -- of the whole, estimated
  done            INTEGER NOT NULL,             -- its pairs are stored
  PRIMARY KEY (algorithm, task)
) WITHOUT ROWID, STRICT;

CREATE TABLE crowded (                          -- codes with more pairs than are kept (search/hamming_scan.h)
  algorithm       INTEGER NOT NULL REFERENCES algorithm (id),
  content         INTEGER NOT NULL,
  PRIMARY KEY (algorithm, content)
) WITHOUT ROWID, STRICT;

CREATE TABLE grouping (                         -- the groups in `group_member`: star linkage, within the stored distance
  algorithm       INTEGER PRIMARY KEY REFERENCES algorithm (id),
  distance        INTEGER NOT NULL,
  run             INTEGER NOT NULL REFERENCES run (id)  -- that made them
) STRICT;

CREATE TABLE group_member (
  algorithm       INTEGER NOT NULL REFERENCES grouping (algorithm),
  number          INTEGER NOT NULL,             -- of the group: the smallest content in it
  content         INTEGER NOT NULL,
  distance        INTEGER NOT NULL,             -- to the centre of the group; 0 = the centre, or a code that equals it
  PRIMARY KEY (algorithm, number, content)
) WITHOUT ROWID, STRICT;

CREATE VIEW v_groups AS                         -- a row for each file of each group
SELECT a.name AS algorithm, m.number AS "group", m.distance, f.path, f.directory, f.name, f.size_bytes, f.content
FROM group_member m JOIN algorithm a ON a.id = m.algorithm JOIN v_files f ON f.content = m.content
UNION ALL                                       -- and copies of images that are in no such group
SELECT 'bytes', c.id, 0, f.path, f.directory, f.name, f.size_bytes, f.content
FROM content c JOIN v_files f ON f.content = c.id
WHERE c.live_files >= 2 AND NOT EXISTS (SELECT 1 FROM group_member WHERE content = c.id);
CREATE INDEX group_member_by_content ON group_member (content);
)sql";

// The public face for plain sqlite3. Names of formats and outcomes are spelled as name_of() spells them; a test
// compares.
inline constexpr const char* kLastingViews = R"sql(
CREATE VIEW v_files AS                          -- live files of every outcome
SELECT CAST(CASE WHEN d.path = x'2F' THEN x'2F' || f.name ELSE d.path || x'2F' || f.name END AS TEXT) AS path,
       d.path AS directory, f.directory AS directory_id, f.name AS name, f.size AS size_bytes, f.mtime_ns, f.inode, d.filesystem,
       CASE f.outcome WHEN 0 THEN 'indexed' WHEN 1 THEN 'not_image' WHEN 2 THEN 'unreadable' WHEN 3 THEN 'unsupported'
                      WHEN 4 THEN 'corrupt' WHEN 5 THEN 'too_large' WHEN 6 THEN 'timed_out' WHEN 7 THEN 'crashed'
                      WHEN 8 THEN 'changed_while_read' END AS outcome,
       f.content, f.attempts, f.run
FROM file f JOIN directory d ON d.id = f.directory
WHERE f.gone_run IS NULL;

CREATE VIEW v_images AS
SELECT f.path, f.directory, f.name, f.size_bytes, f.mtime_ns, c.id AS content,
       CASE c.format WHEN 0 THEN 'unknown' WHEN 1 THEN 'jpeg' WHEN 2 THEN 'png' WHEN 3 THEN 'webp' WHEN 4 THEN 'tiff'
                     WHEN 5 THEN 'gif' WHEN 6 THEN 'bmp' WHEN 7 THEN 'pnm' WHEN 8 THEN 'heif' WHEN 9 THEN 'avif'
                     WHEN 10 THEN 'jxl' WHEN 11 THEN 'jp2' WHEN 12 THEN 'raw' WHEN 13 THEN 'psd' WHEN 14 THEN 'ico'
       END AS format,
       c.width AS width_px, c.height AS height_px, c.orientation, c.quality, c.reduction, c.animated, c.alpha, c.damaged,
       c.warning, lower(hex(c.digest)) AS digest, c.live_files AS copies, c.worker_slot, c.elapsed_us
FROM v_files f JOIN content c ON c.id = f.content;

CREATE VIEW v_pairs AS                          -- one path of each side; all paths: join v_images on content
SELECT g.name AS algorithm, p.distance, p.a AS content_a, p.b AS content_b,
       (SELECT path FROM v_files WHERE content = p.a LIMIT 1) AS path_a,
       (SELECT path FROM v_files WHERE content = p.b LIMIT 1) AS path_b
FROM pair p JOIN algorithm g ON g.id = p.algorithm
            JOIN content a ON a.id = p.a AND a.live_files > 0
            JOIN content b ON b.id = p.b AND b.live_files > 0;
)sql";

inline constexpr const char* kCodesView = R"sql(
CREATE VIEW v_codes AS
SELECT k.content, a.name AS algorithm, lower(hex(k.code)) AS code, k.flags & 1 AS low_information, k.position
FROM code k JOIN algorithm a ON a.id = k.algorithm;
)sql";

inline constexpr const char* kFailuresView = R"sql(
CREATE VIEW v_failures AS
SELECT v.path, v.directory, v.name, v.outcome, x.message, v.attempts, v.run, x.signal, x.decoder,
       f.program_version / 10000 || '.' || f.program_version / 100 % 100 || '.' || f.program_version % 100 AS program_version
FROM v_files v JOIN failure x ON x.directory = v.directory_id AND x.name = v.name
               JOIN file f ON f.directory = v.directory_id AND f.name = v.name;
)sql";

inline constexpr const char* kRunsView = R"sql(
CREATE VIEW v_runs AS
SELECT id, CASE kind WHEN 1 THEN 'add' WHEN 2 THEN 'update' WHEN 3 THEN 'prune' WHEN 4 THEN 'pair' END AS kind, arguments,
       strftime('%Y-%m-%dT%H:%M:%SZ', started_ns / 1000000000, 'unixepoch') AS started,
       CASE WHEN finished_ns <> 0 THEN strftime('%Y-%m-%dT%H:%M:%SZ', finished_ns / 1000000000, 'unixepoch') END AS finished,
       seen, unchanged, moved, indexed, not_image, failed, gone, bytes_read, worker_deaths, seconds, interrupted
FROM run;
)sql";

inline std::string text(std::initializer_list<const char*> parts) {
  std::string all;
  for (const char* part : parts) all += part;
  return all;
}

}  // namespace pairloom::index::schema
