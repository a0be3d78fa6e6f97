// TreeWalk: the regular files below some roots, directory by directory, in bounded memory: it holds the path to where
// it is and the names of directories not yet entered, never the files of more than one batch. Runs in: supervisor.
#pragma once

#include <dirent.h>
#include <sys/stat.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "daemon/file_batch.h"

namespace pairloom::daemon {

// What may be entered and what is wanted, by the user's options.
class PathFilter {
 public:
  explicit PathFilter(const WalkOptions& options) : options_(options) {}
  // `relative` is the path below the root. Globs match it or its last part.
  bool wants_file(const std::string& relative, const std::string& name) const;
  bool enters_directory(const std::string& relative, const std::string& name) const;
  // Else `relative` may be anything.
  bool looks_at_paths() const { return !options_.include.empty() || !options_.exclude.empty(); }

 private:
  const WalkOptions& options_;
};

class TreeWalk final : public FileSource {
 public:
  // Roots as the user wrote them: directories, or single files. Those that cannot be reached are collected in
  // missing_roots() as the walk comes to them; nothing below them is reported. `options` must outlive the walk.
  TreeWalk(std::vector<std::string> roots, const WalkOptions& options);
  ~TreeWalk() override;

  Result<Next> next(FileBatch& batch) override;

  // Adds one directory (canonical, `root` or below it) to what is walked, as a part of that root: with all below it, or
  // alone.
  void add_directory(const std::string& root, const std::string& directory, bool recursive);
  // A directory below that is not entered: it is walked by somebody else.
  void leave_out(const std::string& directory) { left_out_.insert(directory); }
  // Looks at a few files of each directory only, and takes their sizes for those of the others: where nothing is known that
  // files could be compared with, a look at each of them would be the dearest part of the walk.
  void guess_sizes() { guesses_sizes_ = true; }
  // Is called with each directory and its device before it is read.
  void on_entering(std::function<void(const std::string& directory, uint64_t device)> entering) {
    entering_ = std::move(entering);
  }

  const std::vector<std::string>& missing_roots() const { return missing_roots_; }
  uint64_t unreadable_directories() const { return unreadable_directories_; }
  // Canonical path and file system of each root that was a directory.
  const std::vector<std::pair<std::string, uint64_t>>& entered_roots() const { return entered_roots_; }

 private:
  struct Pending {
    std::string path;    // canonical
    size_t root_length;  // of the root's path: what follows is the relative path
    int depth;           // of the directory below its root: 0 = the root
    uint64_t root_device;
    const std::string* written_root;  // as the user wrote it; null below a followed link
    bool recursive = true;
  };
  struct OpenDirectory;

  void enter_root(const std::string& root, FileBatch& batch);
  bool open_next(FileBatch& batch);
  bool is_left_out(const std::string& name) const;  // of the open directory
  void read_entries(FileBatch& batch);
  void take_entry(const dirent& entry, FileBatch& batch);
  void take_link(const std::string& relative, const std::string& name, FileBatch& batch);
  void take_directory(const std::string& relative, const std::string& name);
  void take_file(const std::string& relative, std::string name, uint64_t inode, FileBatch& batch);
  void add_problem(FileBatch& batch, const std::string& path, const char* what, int errnum, bool subtree);
  uint64_t filesystem_of(const std::string& directory, uint64_t device);

  std::vector<std::string> roots_;     // still to be entered, last first
  std::deque<std::string> written_roots_;  // those entered, where Pending points to
  std::set<std::string> root_paths_;   // canonical paths of all of them
  std::set<std::string> taken_roots_;  // of those entered so far
  std::set<std::string> left_out_;
  std::function<void(const std::string& directory, uint64_t device)> entering_;
  bool guesses_sizes_ = false;
  const WalkOptions& options_;
  PathFilter filter_;
  std::vector<Pending> pending_;  // directories to enter, last first
  std::unique_ptr<OpenDirectory> open_;
  std::vector<FileBatch> linked_files_;               // single files reached through links or named as roots
  std::set<std::pair<uint64_t, uint64_t>> followed_;  // (device, inode) of directories entered, when links are followed
  std::unordered_map<uint64_t, uint64_t> filesystems_;  // device -> filesystem_id
  std::vector<std::string> missing_roots_;
  std::vector<std::pair<std::string, uint64_t>> entered_roots_;
  uint64_t unreadable_directories_ = 0;
};

// Names the file system a directory lies on: statfs's f_fsid, which survives reboots and remounts (st_dev may not);
// where the file system does not give one, `device`.
uint64_t filesystem_id(const std::string& directory, uint64_t device);

}  // namespace pairloom::daemon
