// IndexWriter: features of extractors.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <bit>

#include "index/encoding.h"
#include "index/index_writer.h"
#include "index/writer_state.h"

namespace pairloom::index {

static_assert(std::endian::native == std::endian::little, "features are stored as they lie in memory");

Result<ExtractorId> IndexWriter::extractor(const ExtractorRow& extractor) {
  State& s = *state_;
  const std::string columns = fmt::format("{}", fmt::join(extractor.columns, ","));
  const auto find_or_make = [&]() -> Result<ExtractorId> {
    PAIRLOOM_ASSIGN(const auto known, [&]() -> Result<std::optional<ExtractorId>> {
      PAIRLOOM_ASSIGN(Query row, s.db.query("SELECT id, version, element, one_row, columns FROM extractor "
                                            "WHERE name = ? AND parameters = ?",
                                            Text{extractor.name}, Text{extractor.parameters}));
      PAIRLOOM_ASSIGN(const bool found, row.next());
      if (!found) return std::nullopt;
      const auto version = row.as<uint32_t>(1);
      if (version > extractor.version)
        return fail(Errc::kRefused, fmt::format("the index has features '{}' of version {}, newer than this one's {}",
                                                extractor.name, version, extractor.version));
      if (version < extractor.version) return -row.integer(0);
      if (row.bytes(2) != extractor.element || (row.integer(3) != 0) != extractor.one_row || row.bytes(4) != columns)
        return fail(Errc::kRefused, fmt::format("the index has features '{}' of the same version with other columns; "
                                                "an extractor that changes needs a higher version",
                                                extractor.name));
      return row.integer(0);
    }());
    if (known && *known > 0) return *known;
    if (known) {
      PAIRLOOM_TRY(s.db.run("DELETE FROM feature WHERE extractor = ?", -*known));
      PAIRLOOM_TRY(s.db.run("DELETE FROM extractor WHERE id = ?", -*known));
    }
    PAIRLOOM_TRY(
        s.db.run("INSERT INTO extractor (name, parameters, version, element, one_row, columns, row_bytes) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?)",
                 Text{extractor.name}, Text{extractor.parameters}, extractor.version, Text{extractor.element},
                 extractor.one_row, Text{columns}, extractor.row_bytes));
    PAIRLOOM_ASSIGN(const auto id, s.db.integer("SELECT last_insert_rowid()"));
    return id.value_or(0);
  };
  PAIRLOOM_ASSIGN(const ExtractorId id, s.change(find_or_make));
  PAIRLOOM_TRY(commit());
  return id;
}

Result<std::optional<ContentId>> IndexWriter::indexed_content(const std::string& path, const StatIdentity& identity) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  PAIRLOOM_TRY(state_->settle_new_images());
  const std::string_view directory = slash == 0 ? std::string_view("/") : std::string_view(path).substr(0, slash);
  PAIRLOOM_ASSIGN(
      const auto content,
      state_->db.integer("SELECT f.content FROM file f JOIN directory d ON d.id = f.directory WHERE d.path = ? AND "
                         "f.name = ? AND f.gone_run IS NULL AND f.content IS NOT NULL AND f.inode = ? AND f.size = ? "
                         "AND f.mtime_ns = ? AND f.ctime_ns = ?",
                         Blob{directory}, Blob{std::string_view(path).substr(slash + 1)}, identity.inode,
                         identity.size_bytes, identity.mtime_ns, identity.ctime_ns));
  if (!content) return std::nullopt;
  return static_cast<ContentId>(*content);
}

Result<bool> IndexWriter::has_features(ContentId content, std::span<const ExtractorId> extractors) {
  for (const ExtractorId extractor : extractors) {
    PAIRLOOM_ASSIGN(const auto there, state_->db.integer("SELECT 1 FROM feature WHERE content = ? AND extractor = ?",
                                                         content, extractor));
    if (!there) return false;
  }
  return true;
}

Result<bool> IndexWriter::put_features(ContentId content, const Digest& digest, std::span<const FeatureRow> features) {
  State& s = *state_;
  return s.change([&]() -> Result<bool> {
    PAIRLOOM_ASSIGN(const auto same, s.db.integer("SELECT 1 FROM content WHERE id = ? AND digest = ?", content,
                                                  Blob{StoredBytes(digest).view()}));
    if (!same) return false;
    for (const FeatureRow& feature : features)
      PAIRLOOM_TRY(
          s.db.run("INSERT INTO feature (content, extractor, rows, data) VALUES (?, ?, ?, ?) ON CONFLICT DO "
                   "UPDATE SET rows = excluded.rows, data = excluded.data",
                   content, feature.extractor, feature.rows,
                   Blob{{reinterpret_cast<const char*>(feature.values.data()), feature.values.size()}}));
    return true;
  });
}

}  // namespace pairloom::index
