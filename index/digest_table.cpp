#include "index/digest_table.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <random>

#include "index/sqlite.h"

namespace pairloom::index {
namespace {

constexpr uint64_t kHeaderBytes = 4096;
constexpr uint64_t kMinCapacity = 8192;
constexpr size_t kProbeSlots = 32;         // read at once: entries of a tag are nearly always among them
constexpr size_t kPageSlots = 512;  // 4 kB
constexpr size_t kMaxPending = 131072;  // the more of them fall into a page, the less each costs to write
constexpr int kFilterBitsASlot = 8, kMaxFilterBitsLog2 = 25;  // 4 MB
// A table that was opened gets a filter when so many look-ups have read the file that making it costs no more: reading a
// slot with many others takes a 300th of what a look-up does.
constexpr uint64_t kSlotsReadForALookUp = 256;
constexpr size_t kCopySlots = 8 * 1024;  // read at once by grow()
constexpr size_t kPieceSlots = 8 * 1024;  // written at once by it
constexpr uint32_t kFormatVersion = 2;

struct Header {
  std::array<char, 8> magic;
  uint32_t format_version;
  uint32_t closed;  // 1: everything is on disk
  uint64_t index_id;
  uint64_t token;
  std::array<char, 16> boot_id;  // of the machine when it was last opened for writing
  uint64_t capacity;             // slots
  uint64_t used;                 // of them, when the header was written
  uint64_t complete_below;       // contents from this one on may be missing
};
static_assert(sizeof(Header) == 72);
constexpr std::array<char, 8> kMagic{'p', 'l', 'd', 'i', 'g', 'e', 's', 't'};

// Different after every start of the machine; zero when the kernel does not say.
std::array<char, 16> boot_id() {
  std::string text;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> text;
  std::erase(text, '-');
  std::array<char, 16> id{};
  for (size_t i = 0; i + 1 < text.size() && i / 2 < id.size(); i += 2)
    id[i / 2] = static_cast<char>(std::strtoul(text.substr(i, 2).c_str(), nullptr, 16));
  return id;
}

uint64_t random_token() {
  std::random_device device;
  return (uint64_t{device()} << 32 | device()) & 0x7fffffffffffffff;  // SQLite's integers are signed
}

uint64_t slot_of(uint32_t tag, ContentId content) {
  return uint64_t{tag} << 32 | content;
}
uint32_t tag_in(uint64_t slot) {
  return static_cast<uint32_t>(slot >> 32);
}
ContentId content_in(uint64_t slot) {
  return static_cast<ContentId>(slot);
}

// Reads exactly `size` bytes; false at the end of the file.
Result<bool> read_at(const Fd& fd, void* data, size_t size, uint64_t offset, const std::string& path) {
  auto* at = static_cast<char*>(data);
  while (size > 0) {
    const ssize_t n = ::pread(fd.get(), at, size, static_cast<off_t>(offset));
    if (n == 0) return false;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot read '" + path + "'", errno);
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

Result<> write_at(const Fd& fd, const void* data, size_t size, uint64_t offset, const std::string& path) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::pwrite(fd.get(), at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("cannot write '" + path + "'", errno);
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return {};
}

uint64_t bytes_of(uint64_t capacity) {
  return kHeaderBytes + capacity * sizeof(uint64_t);
}

// An empty file of that many slots, under a name of its own until it is whole.
Result<Fd> make_file(const std::string& path, uint64_t capacity) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) return fail_errno("cannot create '" + path + "'", errno);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes_of(capacity))) != 0)
    return fail_errno("cannot make room for '" + path + "'", errno);
  return fd;
}

}  // namespace

void PendingDigests::add(uint32_t tag, ContentId content) {
  entries_.push_back({tag, content});
  if (2 * entries_.size() > table_.size()) {
    table_.assign(std::max<size_t>(64, 2 * table_.size()), 0);
    for (uint32_t i = 0; i + 1 < entries_.size(); ++i) enter(i);
  }
  enter(static_cast<uint32_t>(entries_.size() - 1));
}

void PendingDigests::enter(uint32_t index) {
  uint32_t at = entries_[index].tag;
  while (table_[at & mask()] != 0) ++at;
  table_[at & mask()] = index + 1;
}

std::vector<PendingDigests::Entry> PendingDigests::sorted() const {
  std::vector<Entry> entries = entries_;
  std::sort(entries.begin(), entries.end());
  return entries;
}

void PendingDigests::clear() {
  entries_.clear();
  std::fill(table_.begin(), table_.end(), 0);
}

void TagFilter::make(uint64_t slots) {
  const int bits_log2 = std::min(static_cast<int>(std::bit_width(slots * kFilterBitsASlot)) - 1, kMaxFilterBitsLog2);
  bits_.assign((size_t{1} << bits_log2) / 64, 0);
  shift_ = 32 - bits_log2;
}

Result<std::optional<DigestTable>> DigestTable::open(const std::string& path, uint64_t index_id, uint64_t token) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && (errno == EACCES || errno == EROFS)) fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return fail_errno("cannot open '" + path + "'", errno);
  Header header{};
  PAIRLOOM_ASSIGN(const bool whole, read_at(fd, &header, sizeof header, 0, path));
  if (!whole || header.magic != kMagic || header.format_version != kFormatVersion || header.index_id != index_id ||
      header.token != token || token == 0)
    return std::nullopt;
  if (header.closed != 1 && (header.boot_id != boot_id() || header.boot_id == decltype(header.boot_id){}))
    return std::nullopt;
  struct stat st {};
  if (!std::has_single_bit(header.capacity) || header.capacity < kMinCapacity || header.used > header.capacity ||
      header.complete_below == 0 || header.complete_below > uint64_t{1} << 32 ||
      ::fstat(fd.get(), &st) != 0 || static_cast<uint64_t>(st.st_size) != bytes_of(header.capacity))
    return std::nullopt;
  DigestTable table(path, std::move(fd), index_id);
  table.token_ = token;
  table.capacity_ = header.capacity;
  table.used_ = header.used;
  table.complete_below_ = table.inserted_below_ = header.complete_below;
  return table;
}

Result<DigestTable> DigestTable::create(const std::string& path, uint64_t index_id, uint64_t expected) {
  const uint64_t capacity = std::max(kMinCapacity, std::bit_ceil(expected * 2));
  PAIRLOOM_ASSIGN(Fd fd, make_file(path, capacity));
  DigestTable table(path, std::move(fd), index_id);
  table.capacity_ = capacity;
  table.filter_.make(capacity);
  return table;
}

// Keyed with the index's random id, so that nobody can make files whose digests fall together.
uint32_t DigestTable::tag_of(const Digest& digest) const {
  uint64_t h = (digest.lo ^ index_id_) * 0x9E3779B97F4A7C15u;
  h = ((h ^ h >> 32) + digest.hi) * 0xD6E8FEB86659FD93u;
  return static_cast<uint32_t>(h >> 32);
}

// Tags in order have homes in order, so that a table grows by one pass over the old one.
uint64_t DigestTable::home_of(uint32_t tag) const {
  return (uint64_t{tag} * capacity_) >> 32;
}

// Into slots_: that many, or up to the end of the table.
Result<> DigestTable::read_slots(uint64_t first, size_t count) const {
  if (room_.size() < count) room_.resize(count);
  slots_ = std::span(room_).first(std::min<uint64_t>(count, capacity_ - first));
  PAIRLOOM_ASSIGN(const bool whole, read_at(fd_, slots_.data(), slots_.size() * sizeof(uint64_t),
                                            kHeaderBytes + first * sizeof(uint64_t), path_));
  if (whole) return {};
  return fail(Errc::kIo, fmt::format("'{}' was cut off by another program; delete it, it will be made again", path_));
}

bool DigestTable::may_have(const Digest& digest) const {
  const uint32_t tag = tag_of(digest);
  pending_.prefetch(tag);
  return filter_.may_have(tag);
}

Result<ContentId> DigestTable::find(const Digest& digest, const std::function<Result<bool>(ContentId)>& is_it) {
  const uint32_t tag = tag_of(digest);
  if (!filter_.may_have(tag)) return ContentId{0};
  ContentId pending = 0;
  PAIRLOOM_ASSIGN(const bool is_pending, pending_.any(tag, [&](ContentId candidate) { return is_it(pending = candidate); }));
  if (is_pending) return pending;
  if (!filter_.is_made() && ++look_ups_ > capacity_ / kSlotsReadForALookUp) PAIRLOOM_TRY(make_filter());
  uint64_t at = home_of(tag);
  for (uint64_t seen = 0; seen < capacity_; seen += slots_.size()) {
    PAIRLOOM_TRY(read_slots(at, kProbeSlots));
    for (const uint64_t slot : slots_) {
      if (slot == 0) return ContentId{0};
      if (tag_in(slot) != tag) continue;
      PAIRLOOM_ASSIGN(const bool found, is_it(content_in(slot)));
      if (found) return content_in(slot);
    }
    at = (at + slots_.size()) & (capacity_ - 1);
  }
  return ContentId{0};
}

Result<> DigestTable::insert(const Digest& digest, ContentId content) {
  pending_.add(tag_of(digest), content);
  filter_.add(tag_of(digest));
  inserted_below_ = uint64_t{content} + 1;
  return pending_.size() < kMaxPending ? Result<>{} : flush();
}

Result<> DigestTable::make_filter() {
  TagFilter filter;
  filter.make(capacity_);
  for (uint64_t at = 0; at < capacity_; at += slots_.size()) {
    PAIRLOOM_TRY(read_slots(at, kCopySlots));
    for (const uint64_t slot : slots_)
      if (slot != 0) filter.add(tag_in(slot));
  }
  for (const PendingDigests::Entry& entry : pending_.entries()) filter.add(entry.tag);
  filter_ = std::move(filter);
  return {};
}

// Page by page: many entries fall into each. They are in the file before the header says so.
Result<> DigestTable::flush() {
  if (pending_.size() == 0) return {};
  while ((used_ + pending_.size()) * 4 > capacity_ * 3) PAIRLOOM_TRY(grow());
  const std::vector<PendingDigests::Entry> entries = pending_.sorted();
  for (size_t i = 0; i < entries.size();) {
    const uint64_t page = home_of(entries[i].tag) / kPageSlots;
    size_t end = i;
    while (end < entries.size() && home_of(entries[end].tag) / kPageSlots == page) ++end;
    PAIRLOOM_TRY(end - i > 1 ? place_in_page(page, std::span(entries).subspan(i, end - i)) : place(entries[i].tag, entries[i].content));
    i = end;
  }
  complete_below_ = inserted_below_;
  pending_.clear();
  return in_session_ ? write_header(false) : Result<>{};
}

Result<> DigestTable::take_back(uint64_t from) {
  inserted_below_ = std::min(inserted_below_, from);
  if (complete_below_ <= from) return {};
  complete_below_ = from;
  return in_session_ ? write_header(false) : Result<>{};
}

Result<> DigestTable::place_in_page(uint64_t page, std::span<const PendingDigests::Entry> entries) {
  const uint64_t begin = page * kPageSlots;
  PAIRLOOM_TRY(read_slots(begin, kPageSlots));
  std::vector<PendingDigests::Entry> late;  // the page's end is full
  for (const auto& [tag, content] : entries) {
    const auto free = std::find(slots_.begin() + static_cast<ptrdiff_t>(home_of(tag) - begin), slots_.end(), 0u);
    if (free == slots_.end()) {
      late.push_back({tag, content});
      continue;
    }
    *free = slot_of(tag, content);
    ++used_;
  }
  PAIRLOOM_TRY(write_at(fd_, slots_.data(), slots_.size() * sizeof(uint64_t), kHeaderBytes + begin * sizeof(uint64_t), path_));
  for (const auto& [tag, content] : late) PAIRLOOM_TRY(place(tag, content));
  return {};
}

// In the first free slot from its home on.
Result<> DigestTable::place(uint32_t tag, ContentId content) {
  uint64_t at = home_of(tag);
  while (true) {  // ends: a quarter of the slots is free
    PAIRLOOM_TRY(read_slots(at, kProbeSlots));
    const auto free = std::find(slots_.begin(), slots_.end(), 0u);
    if (free == slots_.end()) {
      at = (at + slots_.size()) & (capacity_ - 1);
      continue;
    }
    const uint64_t slot = slot_of(tag, content);
    ++used_;
    return write_at(fd_, &slot, sizeof slot,
                    kHeaderBytes + (at + static_cast<uint64_t>(free - slots_.begin())) * sizeof slot, path_);
  }
}

// Into a file of twice the size, which takes the place of this one when it is complete. The new file is written piece by
// piece: the entries whose homes are in a piece lie together in the old file, from the old home of the piece's beginning
// to the first free slot behind its end.
Result<> DigestTable::grow() {
  const std::string new_path = path_ + ".new";
  DigestTable larger(path_, Fd(), index_id_);
  larger.token_ = token_;
  larger.complete_below_ = complete_below_;
  larger.capacity_ = capacity_ * 2;
  PAIRLOOM_ASSIGN(larger.fd_, make_file(new_path, larger.capacity_));
  if (filter_.is_made()) larger.filter_.make(larger.capacity_);
  std::vector<uint64_t> piece, late;  // late: found no free slot in their pieces
  const uint64_t piece_slots = std::min<uint64_t>(kPieceSlots, larger.capacity_);
  for (uint64_t begin = 0; begin < larger.capacity_; begin += piece_slots) {
    piece.assign(piece_slots, 0);
    const auto add = [&](uint64_t slot) {
      const uint64_t home = larger.home_of(tag_in(slot));
      if (home < begin || home >= begin + piece_slots) return;
      larger.filter_.add(tag_in(slot));
      const auto free = std::find(piece.begin() + static_cast<ptrdiff_t>(home - begin), piece.end(), 0u);
      if (free == piece.end())
        late.push_back(slot);
      else
        *free = slot;
      ++larger.used_;
    };
    PAIRLOOM_TRY(visit_run(begin / 2, (begin + piece_slots) / 2, add));
    PAIRLOOM_TRY(write_at(larger.fd_, piece.data(), piece.size() * sizeof(uint64_t),
                          kHeaderBytes + begin * sizeof(uint64_t), new_path));
  }
  larger.used_ -= late.size();
  for (const uint64_t slot : late) PAIRLOOM_TRY(larger.place(tag_in(slot), content_in(slot)));
  PAIRLOOM_TRY(larger.write_header(false));
  if (::rename(new_path.c_str(), path_.c_str()) != 0) return fail_errno("cannot rename '" + new_path + "'", errno);
  fd_ = std::move(larger.fd_);
  capacity_ = larger.capacity_;
  used_ = larger.used_;
  filter_ = std::move(larger.filter_);
  for (const PendingDigests::Entry& entry : pending_.entries()) filter_.add(entry.tag);
  return {};
}

// All entries from slot `first` to the first free slot at or behind `last`, which may be beyond the table's end.
Result<> DigestTable::visit_run(uint64_t first, uint64_t last, const std::function<void(uint64_t slot)>& visit) const {
  for (uint64_t at = first; at < first + capacity_;) {
    PAIRLOOM_TRY(read_slots(at & (capacity_ - 1), kCopySlots));
    for (const uint64_t slot : slots_) {
      if (slot != 0)
        visit(slot);
      else if (at >= last)
        return {};
      ++at;
    }
  }
  return {};
}

Result<> DigestTable::write_header(bool closed) const {
  const Header header{kMagic, kFormatVersion, closed ? 1u : 0u, index_id_, token_, boot_id(), capacity_, used_, complete_below_};
  return write_at(fd_, &header, sizeof header, 0, path_);
}

Result<> DigestTable::begin_session() {
  if (in_session_) return {};
  token_ = random_token();
  PAIRLOOM_TRY(write_header(false));
  in_session_ = true;
  return {};
}

Result<> DigestTable::end_session() {
  if (!in_session_) return {};
  PAIRLOOM_TRY(flush());
  if (::fdatasync(fd_.get()) != 0) return fail_errno("cannot write '" + path_ + "'", errno);
  PAIRLOOM_TRY(write_header(true));
  if (::fdatasync(fd_.get()) != 0) return fail_errno("cannot write '" + path_ + "'", errno);
  in_session_ = false;
  return {};
}

Result<std::optional<DigestTable>> digest_table_of(Database& index) {
  PAIRLOOM_ASSIGN(const auto index_id, index.integer("SELECT index_id FROM meta"));
  PAIRLOOM_ASSIGN(const auto token, index.integer("SELECT digest_token FROM meta"));
  return DigestTable::open(index.path() + "-digests", static_cast<uint64_t>(index_id.value_or(0)),
                           static_cast<uint64_t>(token.value_or(0)));
}

}  // namespace pairloom::index
