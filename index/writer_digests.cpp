// IndexWriter: the digest table that belongs to the index.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "index/encoding.h"
#include "index/writer_state.h"

namespace pairloom::index {

// Opens it or makes it, adds from table `content` what it lacks, and begins a session; commit() stores its token.
Result<> IndexWriter::State::open_digests() {
  if (!digests) {
    PAIRLOOM_ASSIGN(auto table, DigestTable::open(digest_table_path(), meta.index_id, meta.digest_token));
    if (!table) {
      PAIRLOOM_ASSIGN(const auto count, db.integer("SELECT count(*) FROM content"));
      PAIRLOOM_ASSIGN(table, DigestTable::create(digest_table_path(), meta.index_id, static_cast<uint64_t>(count.value_or(0))));
    }
    PAIRLOOM_TRY(table->take_back(static_cast<uint64_t>(meta.next_content)));
    PAIRLOOM_ASSIGN(Query row, db.query("SELECT id, digest FROM content WHERE id >= ? ORDER BY id", table->complete_below()));
    while (true) {
      PAIRLOOM_ASSIGN(const bool more, row.next());
      if (!more) break;
      PAIRLOOM_TRY(table->insert(digest_from(row.bytes(1)), row.as<ContentId>(0)));
    }
    digests = std::move(table);
  }
  return digests->begin_session();
}

Result<> IndexWriter::State::drop_digests() {
  digests.reset();
  meta.digest_token = 0;
  if (::unlink(digest_table_path().c_str()) != 0 && errno != ENOENT)
    return fail_errno("cannot remove '" + digest_table_path() + "'", errno);
  return {};
}

}  // namespace pairloom::index
