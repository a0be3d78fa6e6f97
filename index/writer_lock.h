// WriterLock: makes sure that an index has one writer. Runs in: supervisor.
#pragma once

#include <sys/types.h>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::index {

// An open-file-description lock on `<index>-lock`: the kernel releases it when the holder dies, however it dies. The
// file stays (removing it would let two writers lock two files of one name); its text only tells people who holds the
// lock and is believed only while the lock is held.
class WriterLock {
 public:
  // kIndexLocked when another process holds it, naming that process as it described itself; kIo. Waits for a second at most
  // when it is held and the process described is no more.
  static Result<WriterLock> acquire(const std::string& index_path, const std::string& program);

  // Who holds it, as it described itself. Empty: nobody who still runs, or it has not said.
  struct Holder {
    std::string program;  // escaped for terminals
    pid_t pid = 0;
    int64_t since = 0;  // seconds since 1970
  };
  static std::optional<Holder> holder(const std::string& index_path);

  WriterLock(WriterLock&&) noexcept = default;
  WriterLock& operator=(WriterLock&&) = delete;
  ~WriterLock();

 private:
  explicit WriterLock(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace pairloom::index
