// IndexWriter: what is known already. Roots, directories, and the questions of the incremental check.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <tuple>

#include "base/text.h"
#include "index/kept_roots.h"
#include "index/index_writer.h"
#include "index/writer_state.h"

namespace pairloom::index {
namespace {

// Absolute, no slash at the end (but "/"), no empty part, no NUL.
Result<> check_directory_path(const std::string& path) {
  const bool good = path.starts_with('/') && (path == "/" || !path.ends_with('/')) &&
                    path.find("//") == std::string::npos && path.find('\0') == std::string::npos;
  if (good) return {};
  return fail(Errc::kInvalidArgument, fmt::format("'{}' is not an absolute directory path", escape_for_terminal(path)));
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Written down once, also when an index takes the place of another one.
Result<> write_down_root(const std::string& index_path, const std::string& root) {
  PAIRLOOM_ASSIGN(const auto kept, kept_roots(index_path));
  if (std::find(kept.begin(), kept.end(), root) != kept.end()) return {};
  return keep_root(index_path, root);
}

// The columns every query below starts with.
KnownFile known_file_from(const Query& row) {
  KnownFile file;
  file.name = row.bytes(0);
  file.identity.inode = row.as<uint64_t>(1);
  file.identity.size_bytes = row.as<uint64_t>(2);
  file.identity.mtime_ns = row.integer(3);
  file.identity.ctime_ns = row.integer(4);
  file.outcome = row.as<Outcome>(5);
  file.content = row.as<ContentId>(6);
  file.attempts = row.as<uint32_t>(7);
  file.program_version = row.as<uint32_t>(8);
  return file;
}

// The columns of `content` that follow them when asked for.
void add_coverage(const Query& row, KnownFile& file) {
  file.coverage = {row.as<AlgorithmSet>(9), row.as<AlgorithmSet>(10), row.as<AlgorithmSet>(11)};
}

Result<std::optional<KnownFile>> first_file(Query row, bool with_coverage) {
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return std::nullopt;
  KnownFile file = known_file_from(row);
  if (with_coverage) add_coverage(row, file);
  return file;
}

}  // namespace

// --- roots and directories

Result<> IndexWriter::note_root(const std::string& path, uint64_t filesystem) {
  return state_->change([&]() -> Result<> {
    PAIRLOOM_TRY(check_directory_path(path));
    PAIRLOOM_ASSIGN(const auto known,
                    state_->db.integer("SELECT EXISTS (SELECT 1 FROM root WHERE path = ?)", Blob{path}));
    if (known.value_or(0) == 0) PAIRLOOM_TRY(write_down_root(state_->path, path));
    return state_->db.run(
        "INSERT INTO root (path, filesystem) VALUES (?, ?) ON CONFLICT DO UPDATE SET filesystem = excluded.filesystem",
        Blob{path}, filesystem);
  });
}

// Of an index that was made before they were written down, or whose file of them was removed.
Result<> IndexWriter::State::keep_roots() {
  if (::access(kept_roots_path(path).c_str(), F_OK) == 0 || errno != ENOENT) return {};
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT path FROM root ORDER BY path"));
  std::vector<std::string> roots;
  PAIRLOOM_TRY(row.each([&] { roots.emplace_back(row.bytes(0)); }));
  for (const std::string& root : roots) PAIRLOOM_TRY(write_down_root(path, root));
  return {};
}

Result<std::vector<RootRow>> IndexWriter::roots() {
  std::vector<RootRow> roots;
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT path, filesystem FROM root ORDER BY path"));
  PAIRLOOM_TRY(
      row.each([&] { roots.push_back({.path = std::string(row.bytes(0)), .filesystem = row.as<uint64_t>(1)}); }));
  return roots;
}

Result<std::optional<KnownDirectory>> IndexWriter::find_directory(const std::string& path) {
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT id, filesystem FROM directory WHERE path = ?", Blob{path}));
  PAIRLOOM_ASSIGN(const bool found, row.next());
  if (!found) return std::nullopt;
  return KnownDirectory{.id = row.integer(0), .path = path, .filesystem = row.as<uint64_t>(1)};
}

Result<KnownDirectory> IndexWriter::directory(const std::string& path, uint64_t filesystem_if_new) {
  // One transaction for all that is asked about the directory: a transaction for each question would take locks and read
  // the top of the trees anew.
  PAIRLOOM_TRY(state_->begin());
  PAIRLOOM_ASSIGN(auto known, find_directory(path));
  if (known) {
    if (known->filesystem == 0 && filesystem_if_new != 0) {  // so far only known as the parent of others
      PAIRLOOM_TRY(set_filesystem(known->id, filesystem_if_new));
      known->filesystem = filesystem_if_new;
    }
    state_->note_directory(known->id);
    return *known;
  }
  PAIRLOOM_TRY(check_directory_path(path));
  // Every directory has its parents up to "/", so that the tree is whole whatever roots are added later.
  std::optional<DirectoryId> parent;
  if (path != "/") {
    PAIRLOOM_ASSIGN(const KnownDirectory above, directory(parent_of(path), 0));
    parent = above.id;
  }
  return state_->change_beside_new_images([&]() -> Result<KnownDirectory> {
    PAIRLOOM_ASSIGN(
        const auto id,
        state_->db.integer("INSERT INTO directory (parent_id, path, filesystem) VALUES (?, ?, ?) RETURNING id", parent,
                           Blob{path}, filesystem_if_new));
    ++state_->meta.directories;
    state_->note_directory(id.value_or(0));
    return KnownDirectory{.id = id.value_or(0), .path = path, .filesystem = filesystem_if_new};
  });
}

Result<> IndexWriter::set_filesystem(DirectoryId directory, uint64_t filesystem) {
  return state_->change_beside_new_images(
      [&] { return state_->db.run("UPDATE directory SET filesystem = ? WHERE id = ?", filesystem, directory); });
}

Result<std::vector<KnownDirectory>> IndexWriter::child_directories(DirectoryId parent) {
  std::vector<KnownDirectory> children;
  PAIRLOOM_ASSIGN(
      Query row,
      state_->db.query("SELECT id, path, filesystem FROM directory WHERE parent_id = ? ORDER BY path", parent));
  PAIRLOOM_TRY(row.each([&] {
    children.push_back({.id = row.integer(0), .path = std::string(row.bytes(1)), .filesystem = row.as<uint64_t>(2)});
  }));
  return children;
}

Result<bool> IndexWriter::has_live_files_below(DirectoryId directory) {
  PAIRLOOM_TRY(state_->settle_new_images());
  PAIRLOOM_ASSIGN(
      Query row, state_->db.query("WITH RECURSIVE tree (id) AS (VALUES (?) UNION ALL SELECT d.id FROM directory d JOIN tree "
                                  "ON d.parent_id = tree.id) SELECT 1 FROM tree CROSS JOIN file f ON f.directory = tree.id "
                                  "WHERE f.gone_run IS NULL LIMIT 1",
                                  directory));
  return row.next();
}

// --- the incremental check

Result<bool> IndexWriter::has_content() {
  PAIRLOOM_TRY(state_->settle_new_images());
  PAIRLOOM_ASSIGN(Query row, state_->db.query("SELECT 1 FROM content LIMIT 1"));
  return row.next();
}

Result<bool> IndexWriter::some_content_lacks(AlgorithmSet algorithms, Accuracy accuracy) {
  if (!state_->loaded) PAIRLOOM_TRY(state_->load());
  return std::any_of(state_->coverage.begin(), state_->coverage.end(), [&](const auto& entry) {
    return entry.second > 0 && !entry.first.has(algorithms, accuracy);
  });
}

Result<> IndexWriter::known_files(DirectoryId directory, bool with_coverage, std::vector<KnownFile>& out) {
  out.clear();
  PAIRLOOM_TRY(state_->settle_new_images_in(directory));
  Database& db = state_->db;
  PAIRLOOM_ASSIGN(
      Query row,
      with_coverage
          ? db.query("SELECT f.name, f.inode, f.size, f.mtime_ns, f.ctime_ns, f.outcome, f.content, f.attempts, "
                     "f.program_version, c.algorithms, c.algorithms_default, c.algorithms_full FROM file f "
                     "LEFT JOIN content c ON c.id = f.content "
                     "WHERE f.directory = ? AND f.gone_run IS NULL ORDER BY f.name",
                     directory)
          : db.query("SELECT name, inode, size, mtime_ns, ctime_ns, outcome, content, attempts, program_version "
                     "FROM file WHERE directory = ? AND gone_run IS NULL ORDER BY name",
                     directory));
  return row.each([&] {
    out.push_back(known_file_from(row));
    if (with_coverage) add_coverage(row, out.back());
  });
}

Result<std::optional<KnownFile>> IndexWriter::known_file(DirectoryId directory, const std::string& name,
                                                         bool with_coverage) {
  PAIRLOOM_TRY(state_->settle_new_images_in(directory));
  PAIRLOOM_ASSIGN(
      Query row,
      state_->db.query("SELECT f.name, f.inode, f.size, f.mtime_ns, f.ctime_ns, f.outcome, f.content, f.attempts, "
                       "f.program_version, c.algorithms, c.algorithms_default, c.algorithms_full FROM file f "
                       "LEFT JOIN content c ON c.id = f.content "
                       "WHERE f.directory = ? AND f.name = ? AND f.gone_run IS NULL",
                       directory, Blob{name}));
  return first_file(std::move(row), with_coverage);
}

Result<> IndexWriter::visit_known_names(DirectoryId directory,
                                        const std::function<Result<>(const std::string& name)>& visit) {
  std::vector<std::string> page;
  std::string last;  // sorts before every name
  do {
    page.clear();
    PAIRLOOM_TRY(state_->settle_new_images_in(directory));
    {
      PAIRLOOM_ASSIGN(Query row,
                      state_->db.query("SELECT name FROM file WHERE directory = ? AND name > ? AND gone_run IS NULL "
                                       "ORDER BY name LIMIT ?",
                                       directory, Blob{last}, kPageRows));
      PAIRLOOM_TRY(row.each([&] { page.emplace_back(row.bytes(0)); }));
    }
    // The statement is done: `visit` may change the rows.
    for (const std::string& name : page) PAIRLOOM_TRY(visit(name));
    if (!page.empty()) last = page.back();
  } while (page.size() == kPageRows);
  return {};
}

Result<std::optional<KnownFile>> IndexWriter::find_by_inode(uint64_t filesystem, const StatIdentity& identity,
                                                            bool with_coverage) {
  if (filesystem == 0) return std::nullopt;  // unknown: inode numbers of two file systems could be confused
  PAIRLOOM_TRY(state_->settle_new_images());
  PAIRLOOM_ASSIGN(
      Query row,
      state_->db.query("SELECT f.name, f.inode, f.size, f.mtime_ns, f.ctime_ns, f.outcome, f.content, f.attempts, "
                       "f.program_version, c.algorithms, c.algorithms_default, c.algorithms_full "
                       "FROM file f INDEXED BY file_by_inode JOIN directory d ON d.id = f.directory "
                       "JOIN content c ON c.id = f.content "
                       "WHERE f.inode = ? AND f.content IS NOT NULL AND f.size = ? AND f.mtime_ns = ? "
                       "AND d.filesystem = ? ORDER BY f.gone_run IS NOT NULL LIMIT 1",
                       identity.inode, identity.size_bytes, identity.mtime_ns, filesystem));
  return first_file(std::move(row), with_coverage);
}

}  // namespace pairloom::index
