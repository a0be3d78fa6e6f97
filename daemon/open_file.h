// Opening a file for a worker: what may hang (a mount whose server is gone) and what may be a trap (a link that was put
// in place of the file, a FIFO, a device). Runs in: opener.
#pragma once

#include "shm/file_passing.h"

namespace pairloom::daemon {

// Opens for reading. No part of `path`, which is absolute, may be a symbolic link: the supervisor has resolved it, so a link was swapped in
// since. FIFOs and devices neither block nor are they handed out.
shm::PassedFile open_file(const char* path, uint64_t task_id);
// The same where the kernel or a container has no openat2.
shm::PassedFile open_file_by_steps(const char* path, uint64_t task_id);

}  // namespace pairloom::daemon
