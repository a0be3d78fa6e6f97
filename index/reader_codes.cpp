// IndexReader: codes and the pairs of them.
#include <algorithm>

#include <fmt/format.h>

#include "index/encoding.h"
#include "index/index_reader.h"
#include "index/pairing_row.h"
#include "index/reader_state.h"
#include "index/stand_ins.h"

namespace pairloom::index {
namespace {

bool comes_before(const PairRow& x, const PairRow& y) {
  return std::pair(x.a, x.b) < std::pair(y.a, y.b);
}

}  // namespace

// --- codes

Result<std::optional<Code>> IndexReader::code(ContentId content, Algorithm algorithm) {
  PAIRLOOM_ASSIGN(Query row,
                  state_->db.query("SELECT code FROM code WHERE content = ? AND algorithm = ?", content, algorithm));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  Code code;
  if (!found || !code_from(row.bytes(0), algorithm, code)) return std::nullopt;
  return code;
}

Result<> IndexReader::State::check_code_version(Algorithm algorithm) {
  const AlgorithmInfo& a = pairloom::info(algorithm);
  PAIRLOOM_ASSIGN(const auto stored, db.integer("SELECT version FROM algorithm WHERE id = ?", algorithm));
  if (!stored || *stored == a.version) return {};
  if (*stored > a.version) {
    return fail(Errc::kIndexTooNew,
                fmt::format("index '{}' holds '{}' codes of a newer pairloom; update pairloom", path, a.name));
  }
  return fail(Errc::kRefused,
              fmt::format("index '{}' holds '{}' codes of an older pairloom, which cannot be compared with this "
                          "one's; run 'pairloom index update' to make them anew",
                          path, a.name));
}

Result<search::CodeFile> IndexReader::State::codes_from_table(Algorithm algorithm) {
  search::CodeFileBuilder builder(algorithm);
  PAIRLOOM_ASSIGN(Query row,
                  db.query("SELECT content, code, flags FROM code WHERE algorithm = ? ORDER BY position", algorithm));
  while (true) {
    PAIRLOOM_ASSIGN(const bool more, row.next());
    if (!more) return std::move(builder).finish();
    Code code;
    if (!code_from(row.bytes(1), algorithm, code)) {
      return fail(Errc::kIndexCorrupt,
                  fmt::format("index '{}' is damaged: the '{}' code of content {} has the wrong size; "
                              "'pairloom index rebuild' makes a new one",
                              path, pairloom::info(algorithm).name, row.integer(0)));
    }
    PAIRLOOM_TRY(builder.append(row.as<uint32_t>(0), code, row.as<uint8_t>(2)));
  }
}

Result<search::CodeFile> IndexReader::codes(Algorithm algorithm) {
  PAIRLOOM_TRY(state_->check_code_version(algorithm));
  // One snapshot for the question how many codes there are and for the copy, should it be needed.
  PAIRLOOM_ASSIGN(const ReadTransaction snapshot, ReadTransaction::begin(state_->db));
  PAIRLOOM_ASSIGN(const PairingState pairing, pairing_state(algorithm));
  PAIRLOOM_ASSIGN(const auto index_id, state_->db.integer("SELECT index_id FROM meta"));
  PAIRLOOM_ASSIGN(const auto generation, state_->db.integer("SELECT generation FROM meta"));
  const std::string file = fmt::format("{}-codes.{}", state_->path, pairloom::info(algorithm).name);
  auto codes = search::CodeFile::open(file, algorithm, static_cast<uint64_t>(index_id.value_or(0)),
                                      static_cast<uint64_t>(generation.value_or(0)));
  // Shorter than the table: the writer is between commit and publish, or died there.
  if (codes && codes->size() >= pairing.code_count) return codes;
  return state_->codes_from_table(algorithm);
}

// --- pairs

// While vacancies wait to be closed, the codes are counted without them: that is how codes() hands them out.
Result<PairingState> IndexReader::pairing_state(Algorithm algorithm) {
  Database& db = state_->db;
  PAIRLOOM_ASSIGN(PairingState pairing, stored_pairing(db, algorithm));
  PAIRLOOM_ASSIGN(const auto end, db.integer("SELECT next_position FROM algorithm WHERE id = ?", algorithm));
  if (end.value_or(0) == 0) return pairing;
  const auto vacant_below = [&](int64_t position) {
    return db.integer("SELECT count(*) FROM vacancy WHERE algorithm = ? AND position < ?", algorithm, position);
  };
  PAIRLOOM_ASSIGN(const auto vacant, vacant_below(*end));
  PAIRLOOM_ASSIGN(const auto vacant_paired, vacant_below(static_cast<int64_t>(pairing.position)));
  pairing.code_count = static_cast<uint64_t>(*end - vacant.value_or(0));
  pairing.position -= static_cast<uint64_t>(vacant_paired.value_or(0));
  return pairing;
}

Result<std::vector<ContentId>> IndexReader::State::absent_in_pairs(Algorithm algorithm) {
  return content_ids(
      db.query("SELECT id FROM content WHERE live_files = 0 UNION "
               "SELECT content FROM vacancy WHERE algorithm = ? ORDER BY 1",
               algorithm));
}

Result<> IndexReader::State::next_pairs(Algorithm algorithm, uint32_t max_distance, PairRow last,
                                        std::vector<PairRow>& page) {
  page.clear();
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT a, b, distance FROM pair WHERE algorithm = ? AND (a, b) > (?, ?) "
                                      "AND distance <= ? ORDER BY a, b LIMIT ?",
                                      algorithm, last.a, last.b, max_distance, kReaderPageRows));
  return row.each(
      [&] { page.push_back({.a = row.as<ContentId>(0), .b = row.as<ContentId>(1), .distance = row.as<uint32_t>(2)}); });
}

Result<std::vector<PairRow>> IndexReader::State::pairs_of_stand_ins(Algorithm algorithm, uint32_t max_distance,
                                                                    const std::vector<ContentId>& absent) {
  std::vector<PairRow> orphaned;  // a side is absent
  if (absent.empty()) return orphaned;
  const auto is_absent = [&](ContentId content) { return std::binary_search(absent.begin(), absent.end(), content); };
  StandIns stand_ins;
  std::vector<PairRow> page;
  PairRow last;
  do {
    PAIRLOOM_TRY(next_pairs(algorithm, max_distance, last, page));
    for (const PairRow& pair : page) {
      if (!is_absent(pair.a) && !is_absent(pair.b)) continue;
      if (pair.distance == 0) stand_ins.add_equal(pair.a, pair.b);
      orphaned.push_back(pair);
    }
    if (!page.empty()) last = page.back();
  } while (page.size() == kReaderPageRows);
  stand_ins.choose([&](ContentId content) { return !is_absent(content); });

  const auto present = [&](ContentId content) { return is_absent(content) ? stand_ins.of(content) : content; };
  std::vector<PairRow> pairs;
  for (const PairRow& pair : orphaned) {
    const ContentId a = present(pair.a), b = present(pair.b);
    if (a != 0 && b != 0 && a != b)
      pairs.push_back({.a = std::min(a, b), .b = std::max(a, b), .distance = pair.distance});
  }
  std::sort(pairs.begin(), pairs.end(), comes_before);
  pairs.erase(std::unique(pairs.begin(), pairs.end(),
                          [](const PairRow& x, const PairRow& y) { return x.a == y.a && x.b == y.b; }),
              pairs.end());
  return pairs;
}

Result<> IndexReader::visit_pairs(Algorithm algorithm, uint32_t max_distance,
                                  const std::function<Result<>(const PairRow&)>& visit) {
  PAIRLOOM_ASSIGN(const std::vector<ContentId> absent, state_->absent_in_pairs(algorithm));
  PAIRLOOM_ASSIGN(const std::vector<PairRow> others, state_->pairs_of_stand_ins(algorithm, max_distance, absent));
  const auto is_absent = [&](ContentId content) { return std::binary_search(absent.begin(), absent.end(), content); };

  // A merge of two sorted sequences; what is in both is visited once.
  auto other = others.begin();
  std::vector<PairRow> page;
  PairRow last;
  do {
    PAIRLOOM_TRY(state_->next_pairs(algorithm, max_distance, last, page));
    for (const PairRow& pair : page) {
      if (is_absent(pair.a) || is_absent(pair.b)) continue;
      for (; other != others.end() && comes_before(*other, pair); ++other) PAIRLOOM_TRY(visit(*other));
      if (other != others.end() && !comes_before(pair, *other)) ++other;
      PAIRLOOM_TRY(visit(pair));
    }
    if (!page.empty()) last = page.back();
  } while (page.size() == kReaderPageRows);
  for (; other != others.end(); ++other) PAIRLOOM_TRY(visit(*other));
  return {};
}

}  // namespace pairloom::index
