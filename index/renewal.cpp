#include "index/renewal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/algorithm.h"
#include "base/fd.h"
#include "index/kept_roots.h"
#include "index/schema.h"
#include "index/sqlite.h"
#include "index/writer_lock.h"

namespace pairloom::index {
namespace {

// Of SQLite's file format (sqlite.org/fileformat.html): a magic text, and big-endian at byte 68 whose file it is.
constexpr std::string_view kMagic("SQLite format 3\0", 16);
constexpr size_t kApplicationIdAt = 68;

bool says_so_itself(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::array<unsigned char, kApplicationIdAt + 4> head{};
  if (!fd || ::pread(fd.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size())) return false;
  uint32_t id = 0;
  for (size_t i = 0; i < 4; ++i) id = id << 8 | head[kApplicationIdAt + i];
  return std::equal(kMagic.begin(), kMagic.end(), head.begin()) && id == static_cast<uint32_t>(kApplicationId);
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool has_companions(const std::string& path) {
  if (exists(path + "-digests") || exists(kept_roots_path(path))) return true;
  for (const AlgorithmInfo& algorithm : algorithms())
    if (exists(fmt::format("{}-codes.{}", path, algorithm.name))) return true;
  return false;
}

std::string free_name(const std::string& path) {
  const std::string name = fmt::format("{}.set-aside-{:%Y%m%d-%H%M%S}", path, fmt::gmtime(std::time(nullptr)));
  std::string free = name;
  for (int n = 2; exists(free); ++n) free = fmt::format("{}-{}", name, n);
  return free;
}

// What people have told the index, and no image can tell again.
struct Decided {
  std::set<std::string> roots;                            // the directories that were added to it
  std::vector<std::pair<Algorithm, uint32_t>> distances;  // up to which pairs are to be stored (want_pairs)
};

Result<> read_roots(Database& db, Decided& decided) {
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT path FROM root"));
  return row.each([&] { decided.roots.emplace(row.bytes(0)); });
}

Result<> read_distances(Database& db, Decided& decided) {
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT a.name, p.wanted FROM pairing p JOIN algorithm a ON a.id = p.algorithm "
                                      "WHERE p.wanted > 0"));
  return row.each([&] {
    const auto algorithm = algorithm_from_name(row.bytes(0));
    if (algorithm && row.integer(1) <= info(*algorithm).bits)
      decided.distances.emplace_back(*algorithm, row.as<uint32_t>(1));
  });
}

bool was_an_index(const std::string& path) {
  return exists(path) && (says_so_itself(path) || has_companions(path));
}

// Database and write-ahead log become `<path>.set-aside-YYYYMMDD-HHMMSS` (UTC; `-2` and so on when that is taken). What is
// made from the database (code files, digest table) stays: it is recognised as stale.
Result<std::string> set_aside(const std::string& path) {
  const std::string to = free_name(path);
  // The log first: a database that came into being beside a strange log would be taken for its owner.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    if (::rename((path + suffix).c_str(), (to + suffix).c_str()) != 0 && (errno != ENOENT || *suffix == '\0'))
      return fail_errno("cannot set aside the damaged index '" + path + "'", errno);
  }
  return to;
}

// What is written down beside it, and what can still be read in it.
Decided rescue(const std::string& path) {
  Decided decided;
  if (const auto kept = kept_roots(path)) decided.roots.insert(kept->begin(), kept->end());
  if (auto db = Database::open(path, Database::Mode::kReadOnly)) {
    static_cast<void>(read_roots(*db, decided));  // both as far as they can be read
    static_cast<void>(read_distances(*db, decided));
  }
  return decided;
}

uint64_t inode_of(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? st.st_ino : 0;
}

// The index with this inode; another process may have been quicker, and then its new one is as good.
Result<OpenedIndex> renew_file(const std::string& path, uint64_t inode, const std::string& program) {
  std::optional<std::string> name_now;
  Decided decided;
  {
    PAIRLOOM_ASSIGN(const WriterLock lock, WriterLock::acquire(path, program));
    if (inode_of(path) == inode) {
      decided = rescue(path);
      PAIRLOOM_ASSIGN(name_now, set_aside(path));
    }
  }
  PAIRLOOM_ASSIGN(IndexWriter index, IndexWriter::open(path, program));
  for (const std::string& root : decided.roots) PAIRLOOM_TRY(index.note_root(root, 0));
  for (const auto& [algorithm, distance] : decided.distances) PAIRLOOM_TRY(index.want_pairs(algorithm, distance));
  PAIRLOOM_TRY(index.commit());
  return OpenedIndex{std::move(index), std::move(name_now)};
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.string();
}

}  // namespace

// SQLite reports a read that fails with EIO as damage (SQLITE_IOERR_CORRUPTFS).
bool reads_well(const std::string& path) {
  auto db = Database::open(path, Database::Mode::kReadOnly);
  if (!db) return false;
  auto row = db->query("PRAGMA quick_check(1)");
  if (!row) return false;
  const auto answered = row->next();
  return answered && *answered && row->bytes(0) == "ok";
}

Result<OpenedIndex> open_or_renew(const std::string& path, const std::string& program) {
  const std::string absolute = absolute_path(path);
  const uint64_t inode = inode_of(absolute);
  auto opened = IndexWriter::open(absolute, program);
  if (!opened && opened.error().code == Errc::kIndexCorrupt && reads_well(absolute))
    opened = IndexWriter::open(absolute, program);
  if (opened) return OpenedIndex{std::move(*opened), std::nullopt};
  if (opened.error().code != Errc::kIndexCorrupt || !was_an_index(absolute))
    return tl::unexpected(std::move(opened).error());
  return renew_file(absolute, inode, program);
}

Result<OpenedIndex> renew(const std::string& path, const std::string& program) {
  const std::string absolute = absolute_path(path);
  if (!was_an_index(absolute))
    return fail(Errc::kIndexCorrupt, fmt::format("'{}' is not a pairloom index; name another file", absolute));
  return renew_file(absolute, inode_of(absolute), program);
}

Result<OpenedIndex> renew(IndexWriter damaged, const std::string& program) {
  const std::string path = damaged.path();
  const uint64_t inode = inode_of(path);
  { const IndexWriter closed = std::move(damaged); }  // before its files get other names
  return renew_file(path, inode, program);
}

}  // namespace pairloom::index
