// Opening a file for a worker: what may hang (a mount whose server is gone) and what may be a trap (a link that was put
// in place of the file, a FIFO, a device). Runs in: opener.
#pragma once

#include <string>

#include "shm/file_passing.h"

namespace pairloom::daemon {

// Opens files for reading, quickest when many of a directory come one after another. No part of a path, which is absolute,
// may be a symbolic link: the supervisor has resolved it, so a link was swapped in since. FIFOs and devices neither block
// nor are they handed out. Reading leaves the access time as it is where the kernel allows that: on some disks an inode to
// be written for every file that is looked at would be most of the work. What was a directory at its first file is believed
// to be it as long as the opener lives: it is made for a chunk.
class FileOpener {
 public:
  shm::PassedFile open(const std::string& path, uint64_t task_id);

 private:
  int open_at_once(const std::string& path);

  std::string directory_;          // of the last file
  Fd directory_fd_;                // open when more than one file of it was
  bool keeps_access_time_ = true;  // until a file is another user's
};

// The same where the kernel or a container has no openat2.
shm::PassedFile open_file_by_steps(const char* path, uint64_t task_id);

}  // namespace pairloom::daemon
