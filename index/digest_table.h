// DigestTable: which content may have this digest? A hash table in a file beside the index (`<index>-digests`), so that
// looking a digest up, or adding one, costs one small read or write wherever it falls, and no memory that grows with the
// collection. (An index over digests in SQLite has its entries in random order: every insertion changes another page.)
//
// SQLite holds the truth: what the table answers are candidates, which the caller compares with table `content`. An entry
// that leads nowhere (a rolled back insertion, a pruned content) does no harm; one that is missing would, so a table is
// only believed while nothing can have been lost from it, and made again from SQLite otherwise. Format: docs/digest_table.md.
// Runs in: supervisor (the index's writer), cli (reads).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/image.h"
#include "base/result.h"
#include "index/rows.h"

namespace pairloom::index {

// Entries that are not in a file yet, by tag. Made for thousands that come and go together: nothing is allocated for one.
class PendingDigests {
 public:
  struct Entry {
    uint32_t tag;
    ContentId content;
    auto operator<=>(const Entry&) const = default;
  };
  void add(uint32_t tag, ContentId content);
  // It will be asked for this tag, or given it, soon.
  void prefetch(uint32_t tag) const {
    if (!table_.empty()) __builtin_prefetch(&table_[tag & mask()], 1);
  }
  // Calls visit(content) for all of this tag, until it says true or fails.
  template <class Visit>
  Result<bool> any(uint32_t tag, Visit visit) const {
    for (uint32_t at = tag; !table_.empty() && table_[at & mask()] != 0; ++at) {
      const Entry& entry = entries_[table_[at & mask()] - 1];
      if (entry.tag != tag) continue;
      PAIRLOOM_ASSIGN(const bool enough, visit(entry.content));
      if (enough) return true;
    }
    return false;
  }
  const std::vector<Entry>& entries() const { return entries_; }
  std::vector<Entry> sorted() const;  // by tag
  size_t size() const { return entries_.size(); }
  void clear();

 private:
  uint32_t mask() const { return static_cast<uint32_t>(table_.size() - 1); }
  void enter(uint32_t index);

  std::vector<Entry> entries_;
  std::vector<uint32_t> table_;  // of a power of two, half empty at least: index + 1 of an entry, 0 = none
};

// A bit for each range of tags: whether a table has any in it. It knows most digests that are new without a look at the
// file. Of bounded size: 4 MB say of 19 in 20 new digests among a million that they are, and of 3 in 4 among ten million.
class TagFilter {
 public:
  void make(uint64_t slots);  // empty, for a table of so many
  bool is_made() const { return !bits_.empty(); }
  void add(uint32_t tag) {
    if (is_made()) bits_[word_of(tag)] |= bit_of(tag);
  }
  bool may_have(uint32_t tag) const { return !is_made() || (bits_[word_of(tag)] & bit_of(tag)) != 0; }

 private:
  size_t word_of(uint32_t tag) const { return tag >> shift_ >> 6; }
  uint64_t bit_of(uint32_t tag) const { return uint64_t{1} << (tag >> shift_ & 63); }

  std::vector<uint64_t> bits_;
  int shift_ = 0;
};

class Database;

class DigestTable {
 public:
  // The table that the index with this id left behind, if it can be believed: its token is the one the index remembers,
  // and it was closed, or this machine has not been down since. Empty: there is none; create() one and insert everything.
  // Errors are kIo.
  static Result<std::optional<DigestTable>> open(const std::string& path, uint64_t index_id, uint64_t token);
  // An empty table with room for `expected` entries, in place of what was there. Nobody believes it before its first
  // session begins: insert what there is, then begin one.
  static Result<DigestTable> create(const std::string& path, uint64_t index_id, uint64_t expected);

  DigestTable(DigestTable&&) noexcept = default;
  DigestTable& operator=(DigestTable&&) noexcept = default;

  // False: find() would find nothing. Costs next to nothing, and makes ready for an insertion.
  bool may_have(const Digest& digest) const;
  // Calls `is_it` with the contents that may have this digest, until it says true; the answer is that content, or 0.
  Result<ContentId> find(const Digest& digest, const std::function<Result<bool>(ContentId)>& is_it);
  // There may be several of one digest: sizes differ. Contents come in the order of their ids. Found at once; in the file
  // when many have come, or after flush().
  Result<> insert(const Digest& digest, ContentId content);
  Result<> flush();
  // The file has all contents below this one. A process that died took along what it had not flushed: insert it again.
  uint64_t complete_below() const { return complete_below_; }
  // The contents from this one on are not in the index after all: others will have their ids.
  Result<> take_back(uint64_t from);

  // Before an insertion after open() or create(): takes a new token, which the index must remember with its next commit.
  Result<> begin_session();
  // All insertions are on disk, and the table can be believed after any reboot. Nothing to do outside a session. A
  // table that is dropped within one is believed until the machine goes down.
  Result<> end_session();
  uint64_t token() const { return token_; }
  bool in_session() const { return in_session_; }

 private:
  DigestTable(std::string path, Fd fd, uint64_t index_id) : path_(std::move(path)), fd_(std::move(fd)), index_id_(index_id) {}
  uint32_t tag_of(const Digest& digest) const;
  uint64_t home_of(uint32_t tag) const;  // the slot where its entries begin
  Result<> read_slots(uint64_t first, size_t count) const;
  Result<> visit_run(uint64_t first, uint64_t last, const std::function<void(uint64_t slot)>& visit) const;
  Result<> make_filter();
  Result<> write_header(bool closed) const;
  Result<> place(uint32_t tag, ContentId content);
  Result<> place_in_page(uint64_t page, std::span<const PendingDigests::Entry> entries);
  Result<> grow();

  std::string path_;
  Fd fd_;
  uint64_t index_id_, token_ = 0;
  uint64_t capacity_ = 0, used_ = 0;  // slots
  uint64_t complete_below_ = 1, inserted_below_ = 1;  // contents in the file; with those that are pending
  bool in_session_ = false;
  mutable std::vector<uint64_t> room_;     // for what is read
  mutable std::span<uint64_t> slots_;      // what was read last
  PendingDigests pending_;
  TagFilter filter_;      // of all entries, those in pending_, too
  uint64_t look_ups_ = 0;  // in the file, while there is no filter
};

// The table of an index that is open, as its readers see it.
Result<std::optional<DigestTable>> digest_table_of(Database& index);

}  // namespace pairloom::index
