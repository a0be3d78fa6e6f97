#include "daemon/tree_walk.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"
#include "base/path.h"

namespace pairloom::daemon {
namespace {

// Where sizes are guessed, one file of so many is looked at. They only say how much work to hand out at once.
constexpr uint64_t kFilesPerLook = 8;

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};

bool matches_any(const std::vector<std::string>& globs, const std::string& relative, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return fnmatch(glob.c_str(), relative.c_str(), 0) == 0 || fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  });
}

// Canonical absolute path: no symbolic link, dot or double slash in it. Empty on error (errno says why).
std::string canonical(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  return resolved ? resolved.get() : "";
}

}  // namespace

uint64_t filesystem_id(const std::string& directory, uint64_t device) {
  struct statfs fs {};
  uint64_t id = 0;
  if (::statfs(directory.c_str(), &fs) == 0) std::memcpy(&id, &fs.f_fsid, sizeof id);
  return (id != 0 ? id : device) & 0x7fffffffffffffff;  // SQLite's integers are signed
}

bool PathFilter::wants_file(const std::string& relative, const std::string& name) const {
  if (!options_.hidden && name[0] == '.') return false;
  if (matches_any(options_.exclude, relative, name)) return false;
  return options_.include.empty() || matches_any(options_.include, relative, name);
}

bool PathFilter::enters_directory(const std::string& relative, const std::string& name) const {
  if (!options_.hidden && name[0] == '.') return false;
  return !matches_any(options_.exclude, relative, name);
}

struct TreeWalk::OpenDirectory {
  Pending at;
  std::unique_ptr<DIR, DirCloser> stream;
  uint64_t filesystem;
  size_t pending_before;  // pending_ when it was opened: what comes behind was found in it
  bool first = true;
  std::vector<std::string> subdirectories{};
  uint64_t wanted_files = 0;     // so far
  StatIdentity last_looked_at{};  // of them
};

TreeWalk::TreeWalk(std::vector<std::string> roots, const WalkOptions& options)
    : roots_(std::move(roots)), options_(options), filter_(options) {
  std::reverse(roots_.begin(), roots_.end());
  for (const std::string& root : roots_) root_paths_.insert(canonical(root));
}

TreeWalk::~TreeWalk() = default;

Result<FileSource::Next> TreeWalk::next(FileBatch& batch) {
  batch = FileBatch{};
  if (open_) {
    read_entries(batch);
    return Next::kBatch;
  }
  if (!linked_files_.empty()) {
    batch = std::move(linked_files_.back());
    linked_files_.pop_back();
    return Next::kBatch;
  }
  if (!pending_.empty()) {
    if (open_next(batch)) read_entries(batch);
    return Next::kBatch;
  }
  if (roots_.empty()) return Next::kEnd;
  const std::string root = std::move(roots_.back());
  roots_.pop_back();
  enter_root(root, batch);
  return Next::kBatch;
}

void TreeWalk::enter_root(const std::string& root, FileBatch& batch) {
  const std::string path = canonical(root);
  if (!path.empty() && !taken_roots_.insert(path).second) return;  // named twice
  struct stat st {};
  if (path.empty() || ::stat(path.c_str(), &st) != 0) {
    add_problem(batch, root, "cannot open", errno, true);
    missing_roots_.push_back(root);
    return;
  }
  if (S_ISDIR(st.st_mode)) {
    const std::string& written = written_roots_.emplace_back(root.substr(0, root.find_last_not_of('/') + 1));
    pending_.push_back({path, path == "/" ? 0 : path.size(), 0, st.st_dev, &written});
    return;
  }
  if (!S_ISREG(st.st_mode)) {
    batch.problems.push_back({root, "is neither a directory nor a regular file", false});
    missing_roots_.push_back(root);
    return;
  }
  const size_t slash = path.rfind('/');
  batch.directory = slash == 0 ? "/" : path.substr(0, slash);
  batch.filesystem = filesystem_of(batch.directory, st.st_dev);
  batch.files.push_back({path.substr(slash + 1), identity_of(st), true, root});
}

void TreeWalk::add_directory(const std::string& root, const std::string& directory, bool recursive) {
  struct stat st {};
  if (::stat(root.c_str(), &st) != 0) return;  // whoever minds the root will see
  const size_t root_length = root == "/" ? 0 : root.size();
  const auto depth = std::count(directory.begin() + static_cast<ptrdiff_t>(std::min(root_length, directory.size())),
                                directory.end(), '/');
  const std::string& written = written_roots_.emplace_back(root == "/" ? "" : root);
  pending_.push_back({directory, root_length, directory == root ? 0 : static_cast<int>(depth), st.st_dev, &written, recursive});
}

// Opens the next pending directory; false (with a problem noted) when that cannot be done.
bool TreeWalk::open_next(FileBatch& batch) {
  Pending at = std::move(pending_.back());
  pending_.pop_back();
  Fd fd(::open(at.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat st {};
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    // Gone, or no directory any more, since its parent was read: not a problem, the next run sees it.
    if ((errno != ENOENT && errno != ENOTDIR && errno != ELOOP) || at.depth == 0) {
      ++unreadable_directories_;
      add_problem(batch, at.path, "cannot open directory", errno, true);
      if (at.depth == 0) missing_roots_.push_back(at.path);
    }
    return false;
  }
  if (options_.follow_symlinks && !followed_.emplace(st.st_dev, st.st_ino).second) return false;
  if (options_.one_file_system && st.st_dev != at.root_device) return false;
  if (entering_) entering_(at.path, st.st_dev);
  const uint64_t filesystem = filesystem_of(at.path, st.st_dev);
  std::unique_ptr<DIR, DirCloser> stream(::fdopendir(fd.get()));
  if (!stream) {
    add_problem(batch, at.path, "cannot read directory", errno, true);
    return false;
  }
  fd.release();
  if (at.depth == 0) entered_roots_.emplace_back(at.path, filesystem);
  open_ = std::make_unique<OpenDirectory>(
      OpenDirectory{std::move(at), std::move(stream), filesystem, pending_.size()});
  return true;
}

void TreeWalk::read_entries(FileBatch& batch) {
  batch.directory = open_->at.path;
  if (open_->at.written_root) batch.written = *open_->at.written_root + batch.directory.substr(open_->at.root_length);
  batch.filesystem = open_->filesystem;
  batch.first = std::exchange(open_->first, false);
  batch.last = false;
  while (batch.files.size() < kBatchFiles) {
    errno = 0;
    const dirent* entry = ::readdir(open_->stream.get());
    if (entry) {
      take_entry(*entry, batch);
      continue;
    }
    batch.last = true;
    batch.complete = errno == 0;
    if (errno != 0) {
      ++unreadable_directories_;
      add_problem(batch, batch.directory, "cannot read all of the directory", errno, true);
    }
    break;
  }
  std::sort(batch.files.begin(), batch.files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  if (!batch.last) return;
  // Enter them in byte order: the last pushed is entered first.
  std::vector<std::string>& names = open_->subdirectories;
  std::sort(names.begin(), names.end());
  batch.subdirectories = std::move(names);
  std::sort(pending_.begin() + static_cast<ptrdiff_t>(open_->pending_before), pending_.end(),
            [](const Pending& a, const Pending& b) { return a.path > b.path; });
  open_.reset();
}

void TreeWalk::take_entry(const dirent& entry, FileBatch& batch) {
  std::string name = entry.d_name;
  if (name == "." || name == "..") return;
  std::string relative;  // only if it matters: there are many entries
  if (filter_.looks_at_paths()) relative = join_path(open_->at.path, name).substr(open_->at.root_length + 1);
  unsigned char type = entry.d_type;
  if (type == DT_UNKNOWN) {
    struct stat st {};
    if (::fstatat(dirfd(open_->stream.get()), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0)
      type = static_cast<unsigned char>(IFTODT(st.st_mode));
  }
  if (type == DT_DIR)
    take_directory(relative, name);
  else if (type == DT_LNK && options_.follow_symlinks)
    take_link(relative, name, batch);
  else if (type == DT_REG)
    take_file(relative, std::move(name), entry.d_ino, batch);
  // Links (unless followed), sockets, FIFOs and devices are no images.
}

// A root inside another is walked once, as a root.
bool TreeWalk::is_left_out(const std::string& name) const {
  if (root_paths_.size() <= 1 && left_out_.empty()) return false;
  const std::string path = join_path(open_->at.path, name);
  return root_paths_.contains(path) || left_out_.contains(path);
}

void TreeWalk::take_directory(const std::string& relative, const std::string& name) {
  open_->subdirectories.push_back(name);
  const int depth = open_->at.depth + 1;
  if (!open_->at.recursive || !filter_.enters_directory(relative, name)) return;
  if (options_.max_depth >= 0 && depth > options_.max_depth) return;
  if (is_left_out(name)) return;
  pending_.push_back({join_path(open_->at.path, name), open_->at.root_length, depth, open_->at.root_device, open_->at.written_root});
}

void TreeWalk::take_file(const std::string& relative, std::string name, uint64_t inode, FileBatch& batch) {
  if (!filter_.wants_file(relative, name) || is_left_out(name)) {
    batch.files.push_back({name, {}, false});
    return;
  }
  if (guesses_sizes_ && open_->wanted_files++ % kFilesPerLook != 0) {
    StatIdentity guess = open_->last_looked_at;
    guess.inode = inode;
    batch.files.push_back({.name = std::move(name), .identity = guess, .is_guess = true});
    return;
  }
  struct stat st {};
  if (::fstatat(dirfd(open_->stream.get()), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;  // deleted since the directory was read
    add_problem(batch, join_path(open_->at.path, name), "cannot stat", errno, false);
    batch.files.push_back({name, {}, false});
    return;
  }
  if (!S_ISREG(st.st_mode)) return;
  open_->last_looked_at = identity_of(st);
  batch.files.push_back({std::move(name), open_->last_looked_at, true});
}

// A link is indexed under the path it leads to, so that no file is counted twice.
void TreeWalk::take_link(const std::string& relative, const std::string& name, FileBatch& batch) {
  const std::string target = canonical(join_path(open_->at.path, name));
  struct stat st {};
  if (target.empty() || ::stat(target.c_str(), &st) != 0) {
    add_problem(batch, join_path(open_->at.path, name), "cannot follow the link", errno, false);
    return;
  }
  if (S_ISDIR(st.st_mode) && filter_.enters_directory(relative, name)) {
    pending_.push_back({target, target.size(), open_->at.depth + 1, st.st_dev, nullptr});
  } else if (S_ISREG(st.st_mode) && filter_.wants_file(relative, name)) {
    const size_t slash = target.rfind('/');
    FileBatch linked;
    linked.directory = slash == 0 ? "/" : target.substr(0, slash);
    linked.filesystem = filesystem_of(linked.directory, st.st_dev);
    linked.files.push_back({target.substr(slash + 1), identity_of(st), true});
    linked_files_.push_back(std::move(linked));
  }
}

void TreeWalk::add_problem(FileBatch& batch, const std::string& path, const char* what, int errnum, bool subtree) {
  batch.problems.push_back({path, std::string(what) + ": " + std::strerror(errnum), subtree});
}

// One statfs per device, not per directory.
uint64_t TreeWalk::filesystem_of(const std::string& directory, uint64_t device) {
  const auto [known, is_new] = filesystems_.try_emplace(device, 0);
  if (is_new) known->second = filesystem_id(directory, device);
  return known->second;
}

}  // namespace pairloom::daemon
