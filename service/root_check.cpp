#include "service/root_check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/fd.h"
#include "base/path.h"
#include "daemon/tree_walk.h"

namespace pairloom::service {
namespace {

constexpr int kNamesLookedAt = 1000;

struct DirCloser {
  void operator()(DIR* dir) const { closedir(dir); }
};

// Reads names until one is known, or it is clear that none is likely to be.
Result<> look_for_known(int directory_fd, RootLook& look, index::IndexWriter& index) {
  const std::unique_ptr<DIR, DirCloser> stream(::fdopendir(directory_fd));
  if (!stream) return fail_errno("cannot read '" + look.path + "'", errno);
  PAIRLOOM_ASSIGN(const auto known, index.find_directory(look.path));
  look.empty = true;
  for (int i = 0; i < kNamesLookedAt && !look.holds_known;) {
    const dirent* const entry = ::readdir(stream.get());
    if (!entry) break;
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    look.empty = false;
    ++i;
    if (!known) break;
    PAIRLOOM_ASSIGN(const auto file, index.known_file(known->id, name, false));
    PAIRLOOM_ASSIGN(const auto directory, index.find_directory(join_path(look.path, name)));
    look.holds_known = file || directory;
  }
  return {};
}

}  // namespace

Result<RootLook> look_at_root(const std::string& path, index::IndexWriter& index) {
  RootLook look;
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(path.c_str(), nullptr), &std::free);
  struct stat st {};
  Fd fd;
  if (resolved) fd.reset(::open(resolved.get(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd || ::fstat(fd.get(), &st) != 0) {
    look.problem = std::strerror(errno);
    return look;
  }
  look.path = resolved.get();
  look.device = st.st_dev;
  look.inode = st.st_ino;
  look.filesystem = daemon::filesystem_id(look.path, st.st_dev);
  PAIRLOOM_TRY(look_for_known(fd.release(), look, index));
  return look;
}

Result<RootMemory> remember_root(const std::string& path, index::IndexWriter& index) {
  RootMemory memory;
  PAIRLOOM_ASSIGN(const auto known, index.find_directory(path));
  if (!known) return memory;
  memory.filesystem = known->filesystem;
  PAIRLOOM_ASSIGN(memory.had_files, index.has_live_files_below(known->id));
  return memory;
}

std::string why_offline(const RootLook& look, const RootMemory& memory, bool believe_empty) {
  if (look.path.empty()) return look.problem;
  if (!memory.had_files) return "";
  const bool same_filesystem = memory.filesystem == 0 || memory.filesystem == look.filesystem;
  const bool same_directory = memory.seen && *memory.seen == std::pair(look.device, look.inode);
  // The very directory that was watched: what is gone from it was deleted.
  if (same_directory && same_filesystem) return "";
  if (look.empty) return believe_empty && same_filesystem ? "" : "it is empty, and was not";
  if (look.holds_known) return "";
  if (!same_filesystem) return "another file system is there, with nothing of what was there before";
  if (memory.seen) return "another directory is there, with nothing of what was there before";
  return "";
}

}  // namespace pairloom::service
