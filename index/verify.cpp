#include "index/verify.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/algorithm.h"
#include "index/digest_table.h"
#include "index/encoding.h"
#include "index/reader_state.h"
#include "index/rows.h"
#include "search/code_file.h"

namespace pairloom::index {
namespace {

constexpr size_t kMaxExamples = 10;  // of each kind of problem

// The problems of one kind: the first few, then how many more.
class Findings {
 public:
  explicit Findings(std::vector<std::string>& problems) : problems_(problems) {}
  ~Findings() {
    if (count_ > kMaxExamples) problems_.push_back(fmt::format("... and {} more like this", count_ - kMaxExamples));
  }
  Findings(const Findings&) = delete;
  Findings& operator=(const Findings&) = delete;
  void add(std::string problem) {
    if (++count_ <= kMaxExamples) problems_.push_back(std::move(problem));
  }

 private:
  std::vector<std::string>& problems_;
  size_t count_ = 0;
};

class Check {
 public:
  Check(Database& db, std::vector<std::string>& problems) : db_(db), problems_(problems) {}

  Result<> structure();
  Result<> references();
  Result<> counts();
  Result<> contents();
  Result<> features();
  Result<> digests();
  Result<> positions(const AlgorithmInfo& algorithm);
  Result<> pairs(const AlgorithmInfo& algorithm);
  Result<> code_file(const AlgorithmInfo& algorithm);

 private:
  // Adds text(row) for every row of a query that finds what should not be.
  template <class Describe>
  Result<> none(Result<Query> started, Describe describe) {
    PAIRLOOM_ASSIGN(Query row, std::move(started));
    Findings findings(problems_);
    return row.each([&] { findings.add(describe(row)); });
  }
  Result<bool> read_code(ContentId content, Algorithm algorithm, Code& code);

  Database& db_;
  std::vector<std::string>& problems_;
};

Result<> Check::structure() {
  PAIRLOOM_ASSIGN(Query row, db_.query("PRAGMA integrity_check"));
  Findings findings(problems_);
  return row.each([&] {
    if (row.bytes(0) != "ok") findings.add(fmt::format("SQLite: {}", row.bytes(0)));
  });
}

Result<> Check::references() {
  return none(db_.query("SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2"),
              [](const Query& row) {
                return fmt::format("table {}: {} rows refer to rows of {} that are not there", row.bytes(0),
                                   row.integer(2), row.bytes(1));
              });
}

Result<> Check::counts() {
  return none(
      db_.query("WITH counted (name, found, said) AS ("
                "SELECT 'images', (SELECT count(*) FROM file WHERE gone_run IS NULL AND outcome = 0), images FROM meta "
                "UNION ALL SELECT 'not_images', (SELECT count(*) FROM file WHERE gone_run IS NULL AND outcome = 1), "
                "not_images FROM meta "
                "UNION ALL SELECT 'failures', (SELECT count(*) FROM file WHERE gone_run IS NULL AND outcome > 1), "
                "failures FROM meta "
                "UNION ALL SELECT 'gone', (SELECT count(*) FROM file WHERE gone_run IS NOT NULL), gone FROM meta "
                "UNION ALL SELECT 'contents', (SELECT count(*) FROM content WHERE live_files > 0), contents FROM meta "
                "UNION ALL SELECT 'directories', (SELECT count(*) FROM directory), directories FROM meta) "
                "SELECT name, found, said FROM counted WHERE found <> said"),
      [](const Query& row) {
        return fmt::format("meta.{} says {}, but there are {}", row.bytes(0), row.integer(2), row.integer(1));
      });
}

Result<> Check::contents() {
  PAIRLOOM_TRY(none(
      db_.query("SELECT id, live_files, (SELECT count(*) FROM file WHERE content = c.id AND gone_run IS NULL) AS n "
                "FROM content c WHERE live_files <> n"),
      [](const Query& row) {
        return fmt::format("content {} says it has {} live files, but it has {}", row.integer(0), row.integer(1),
                           row.integer(2));
      }));
  PAIRLOOM_TRY(none(
      db_.query("SELECT algorithms, algorithms_default, algorithms_full, sum(said), sum(found) FROM ("
                "SELECT algorithms, algorithms_default, algorithms_full, contents AS said, 0 AS found FROM coverage "
                "UNION ALL SELECT algorithms, algorithms_default, algorithms_full, 0, 1 FROM content WHERE live_files > 0) "
                "GROUP BY 1, 2, 3 HAVING sum(said) <> sum(found)"),
      [](const Query& row) {
        return fmt::format("table coverage says that {} contents have codes {}/{}/{}, but {} have", row.integer(3),
                           row.integer(0), row.integer(1), row.integer(2), row.integer(4));
      }));
  PAIRLOOM_TRY(none(
      db_.query("SELECT id FROM content c WHERE algorithms <> "
                "(SELECT ifnull(sum(1 << algorithm), 0) FROM code WHERE content = c.id) OR "
                "algorithms_default & ~algorithms OR algorithms_full & ~algorithms_default"),
      [](const Query& row) { return fmt::format("content {} has other codes than its row says", row.integer(0)); }));
  return none(
      db_.query(
          "SELECT f.directory, f.outcome, CAST(f.name AS TEXT) FROM file f LEFT JOIN failure x USING (directory, name) "
          "WHERE (f.outcome > 1) <> (x.name IS NOT NULL)"),
      [](const Query& row) {
        return fmt::format("file '{}' of directory {} has outcome {} but its row in table failure says otherwise",
                           row.bytes(2), row.integer(0), row.integer(1));
      });
}

Result<> Check::features() {
  return none(db_.query("SELECT f.content, e.name FROM feature f JOIN extractor e ON e.id = f.extractor "
                        "WHERE length(f.data) <> f.rows * e.row_bytes OR (e.one_row AND f.rows <> 1)"),
              [](const Query& row) {
                return fmt::format("feature {} of content {} is not as long as its rows", row.bytes(1), row.integer(0));
              });
}

Result<> Check::digests() {
  PAIRLOOM_TRY(none(db_.query("SELECT min(id), max(id) FROM content GROUP BY digest, size HAVING count(*) > 1"),
                    [](const Query& row) {
                      return fmt::format("contents {} and {} are of the same bytes", row.integer(0), row.integer(1));
                    }));
  PAIRLOOM_ASSIGN(auto table, digest_table_of(db_));
  if (!table) return {};  // the next writer makes it
  PAIRLOOM_ASSIGN(Query row, db_.query("SELECT id, digest FROM content WHERE id < ?", table->complete_below()));
  Findings findings(problems_);
  while (true) {
    PAIRLOOM_ASSIGN(const bool more, row.next());
    if (!more) return {};
    const auto id = row.as<ContentId>(0);
    const auto is_it = [id](ContentId candidate) -> Result<bool> { return candidate == id; };
    PAIRLOOM_ASSIGN(const ContentId found, table->find(digest_from(row.bytes(1)), is_it));
    if (found != id) findings.add(fmt::format("content {} is not in the digest table", id));
  }
}

Result<> Check::positions(const AlgorithmInfo& a) {
  PAIRLOOM_ASSIGN(Query row,
                  db_.query("SELECT count(*), ifnull(max(position) + 1, 0) FROM (SELECT position FROM code WHERE "
                            "algorithm = ?1 UNION ALL SELECT position FROM vacancy WHERE algorithm = ?1)",
                            a.id));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return {};
  if (row.integer(0) != row.integer(1)) {
    problems_.push_back(fmt::format("the positions of the '{}' codes have holes: {} codes in {} places", a.name,
                                    row.integer(0), row.integer(1)));
  }
  PAIRLOOM_ASSIGN(const auto watermark, db_.integer("SELECT position FROM pairing WHERE algorithm = ?", a.id));
  if (watermark.value_or(0) > row.integer(1)) {
    problems_.push_back(fmt::format("'{}' pairs are said to be complete up to position {}, but there are {} codes",
                                    a.name, watermark.value_or(0), row.integer(1)));
  }
  return {};
}

Result<bool> Check::read_code(ContentId content, Algorithm algorithm, Code& code) {
  PAIRLOOM_ASSIGN(Query row,
                  db_.query("SELECT code FROM code WHERE content = ? AND algorithm = ?", content, algorithm));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  return found && code_from(row.bytes(0), algorithm, code);
}

// Pairs of contents in `vacancy` are left out: the writer sorts them out when its run ends.
Result<> Check::pairs(const AlgorithmInfo& a) {
  PAIRLOOM_ASSIGN(Query row, db_.query("SELECT a, b, distance FROM pair WHERE algorithm = ?1 "
                                       "AND a NOT IN (SELECT content FROM vacancy WHERE algorithm = ?1) "
                                       "AND b NOT IN (SELECT content FROM vacancy WHERE algorithm = ?1) ORDER BY a, b",
                                       a.id));
  Findings findings(problems_);
  ContentId first = 0;
  bool first_exists = false;
  Code first_code, second_code;
  while (true) {
    PAIRLOOM_ASSIGN(const bool more, row.next());
    if (!more) return {};
    if (const auto content = row.as<ContentId>(0); content != first) {
      first = content;
      PAIRLOOM_ASSIGN(first_exists, read_code(first, a.id, first_code));
    }
    PAIRLOOM_ASSIGN(const bool second_exists, read_code(row.as<ContentId>(1), a.id, second_code));
    if (!first_exists || !second_exists) {
      findings.add(
          fmt::format("'{}' pair ({}, {}) refers to a content without such a code", a.name, first, row.integer(1)));
    } else if (hamming_distance(first_code, second_code) != row.integer(2)) {
      findings.add(fmt::format("'{}' pair ({}, {}) says distance {}, but it is {}", a.name, first, row.integer(1),
                               row.integer(2), hamming_distance(first_code, second_code)));
    }
  }
}

Result<> Check::code_file(const AlgorithmInfo& a) {
  PAIRLOOM_ASSIGN(const auto unsettled, db_.integer("SELECT EXISTS (SELECT 1 FROM vacancy)"));
  if (unsettled.value_or(0) != 0) return {};  // no code file is valid until the writer's run ends
  PAIRLOOM_ASSIGN(const auto index_id, db_.integer("SELECT index_id FROM meta"));
  PAIRLOOM_ASSIGN(const auto generation, db_.integer("SELECT generation FROM meta"));
  PAIRLOOM_ASSIGN(
      Query row,
      db_.query("SELECT position, content, code, flags FROM code WHERE algorithm = ? ORDER BY position", a.id));
  PAIRLOOM_ASSIGN(bool more, row.next());
  if (!more) return {};

  const std::string path = fmt::format("{}-codes.{}", db_.path(), a.name);
  const std::string advice = "; searching reads the codes from the index until the next scan makes the file anew";
  const auto file = search::CodeFile::open(path, a.id, static_cast<uint64_t>(index_id.value_or(0)),
                                           static_cast<uint64_t>(generation.value_or(0)));
  if (!file) {
    problems_.push_back(file.error().message + advice);
    return {};
  }
  if (Result<> intact = file->verify(); !intact) problems_.push_back(intact.error().message);
  Findings findings(problems_);
  uint64_t position = 0;
  for (; more && position < file->size(); ++position) {
    Code code;
    const bool good = code_from(row.bytes(2), a.id, code) && row.as<uint64_t>(0) == position &&
                      file->content_id(position) == row.as<uint32_t>(1) && file->code(position) == code &&
                      file->flags(position) == row.as<uint8_t>(3);
    if (!good)
      findings.add(
          fmt::format("'{}' and the index differ at position {}; remove that file and scan again", path, position));
    PAIRLOOM_ASSIGN(more, row.next());
  }
  if (more) findings.add(fmt::format("'{}' ends at position {}, the index does not{}", path, position, advice));
  return {};
}

}  // namespace

Result<std::vector<std::string>> verify(Database& database) {
  std::vector<std::string> problems;
  PAIRLOOM_ASSIGN(const ReadTransaction snapshot, ReadTransaction::begin(database));
  Check check(database, problems);
  // A damaged page may stop a check half-way: that is a finding, and the other checks still run.
  std::optional<Error> failed;
  const auto take = [&](Result<> checked) {
    if (checked || failed) return;
    if (checked.error().code == Errc::kIndexCorrupt) {
      problems.push_back(checked.error().message);
    } else {
      failed = checked.error();
    }
  };
  take(check.structure());
  take(check.references());
  take(check.counts());
  take(check.contents());
  take(check.features());
  take(check.digests());
  for (const AlgorithmInfo& algorithm : algorithms()) {
    take(check.positions(algorithm));
    take(check.pairs(algorithm));
    take(check.code_file(algorithm));
  }
  if (failed) return tl::unexpected(std::move(*failed));
  return problems;
}

}  // namespace pairloom::index
