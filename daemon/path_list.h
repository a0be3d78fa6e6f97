// PathList: files named one by one on a descriptor (--files-from), newline- or NUL-separated. Reads only what is there,
// so a slow producer (`find | pairloom index add --files-from -`) blocks nobody. Runs in: supervisor.
#pragma once

#include <string>

#include "daemon/file_batch.h"

namespace pairloom::daemon {

class PathList final : public FileSource {
 public:
  // Does not own `fd`. Relative paths are relative to the working directory. Directories in the list are passed over in
  // silence (`find` prints them too); what cannot be reached is a problem.
  PathList(int fd, bool nul_separated);

  Result<Next> next(FileBatch& batch) override;
  int wait_fd() const override { return fd_; }

 private:
  Result<Next> read_more();
  bool take_line(std::string& path);
  void add(const std::string& path, FileBatch& batch);

  int fd_;
  char separator_;
  bool ended_ = false;
  std::string buffer_;
  size_t at_ = 0;                             // start of what is not yet taken in buffer_
  std::string waiting_;                       // a path of another directory than the last batch's
  std::string last_parent_, last_directory_;  // the last dirname as written, and its canonical form
  uint64_t last_filesystem_ = 0;
};

}  // namespace pairloom::daemon
