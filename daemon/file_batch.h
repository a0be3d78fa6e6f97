// FileBatch: what a source of files hands on: some files of one directory, and what is known about how complete that
// is. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/image.h"
#include "base/result.h"
#include "daemon/index_run.h"

namespace pairloom::daemon {

struct FoundFile {
  std::string name;
  StatIdentity identity;  // zero unless wanted
  bool wanted = true;     // false: it exists, but the user's globs leave it out
  std::string written{};  // the path as the user wrote it, if it was named by itself
  bool is_guess = false;  // nobody has looked at it: of its identity only the inode is true, the size is a neighbour's
};

struct FileBatch {
  std::string directory;         // canonical absolute path
  std::string written;           // the same, from the root on as the user wrote that; empty = `directory`
  uint64_t filesystem = 0;       // statfs f_fsid, or the device where the file system does not say; 0 = unknown
  std::vector<FoundFile> files;  // regular files, byte order of names within the batch
  std::vector<std::string> subdirectories;  // names that exist, entered or not; only in the last batch of a directory
  bool first = true, last = true;           // of this directory
  // Single names that were looked for and are not there: as a regular file, as a directory. (A name that became
  // something else is absent as what it was.) Whatever else the batch says stays true.
  std::vector<std::string> absent_files, absent_directories;
  bool walk_begins = false;       // events were lost: what is in hand must be looked at again when it is done
  bool complete = false;          // after `last`, every name in the directory has been reported: others are gone
  std::vector<Problem> problems;  // met on the way
};

// A path that a user wrote, as the opener wants it: absolute, without symbolic links; as it is when it leads nowhere,
// and the opener says why.
std::string resolved_path(const std::string& path);
// The file's canonical path; and its path as a user who wrote "." or "photos/" expects to read it.
std::string path_of(const FileBatch& batch, const FoundFile& file);
std::string written_path_of(const FileBatch& batch, const FoundFile& file);

// Where files come from: a walk of roots, or a list of paths. The seam that tests replace.
class FileSource {
 public:
  virtual ~FileSource() = default;
  enum class Next { kBatch, kWait, kEnd };
  // Fills `batch` with a bounded number of files. kWait: nothing until wait_fd() is readable.
  virtual Result<Next> next(FileBatch& batch) = 0;
  virtual int wait_fd() const { return -1; }
  // The file changed while it was read (`changed`), or was reported while a worker had it. True: the source will report
  // it again. False, and the caller sees to it: it looks once more itself.
  virtual bool look_again(const std::string& /*path*/, bool /*changed*/) { return false; }
  // Reports the same files again and again, while earlier reports are worked on.
  virtual bool is_watching() const { return false; }
};

constexpr size_t kBatchFiles = 4096;

}  // namespace pairloom::daemon
