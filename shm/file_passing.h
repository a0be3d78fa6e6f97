// Open files on their way to a worker, which may open none itself: an opener process opens them in the order of the
// worker's tasks and passes them in batches, ahead of the work, over a socket of their own. The socket's buffer is the
// bound: the opener sleeps when some dozens of files are waiting. Runs in: opener (sends), worker (receives), supervisor
// (makes the sockets).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/image.h"
#include "base/result.h"

namespace pairloom::shm {

// Files of one message. With the smallest socket buffer two messages wait at a time.
constexpr size_t kFilesAtOnce = 32;
// A worker that finds its opener gone ends with this status: nobody's file is to blame.
constexpr int kExitWithoutOpener = 4;
// And with this one when a file needs a decoder that is slow to load, so that workers start without it: the next one is
// started with it (--rare-decoders).
constexpr int kExitForRareDecoders = 5;
// And with this one when it is given a job that it does not do, before it touches a task.
constexpr int kExitForUnknownJob = 6;

// What became of opening a task's file.
struct PassedFile {
  uint64_t task_id = 0;
  Fd fd;          // open for reading; none: `error` says why
  int error = 0;  // errno, or kNotARegularFile
  StatIdentity identity = {};  // when it was opened
  bool drop_behind = false;  // nobody had it in memory before: the page cache need not keep what is read
};
constexpr int kNotARegularFile = -1;

struct FileSockets {
  Fd opener, worker;
};
Result<FileSockets> make_file_sockets();

// Collects files and passes them on, so that a system call serves several.
class FileSender {
 public:
  explicit FileSender(Fd socket) : socket_(std::move(socket)) {}
  void add(PassedFile file) { files_.push_back(std::move(file)); }
  size_t count() const { return files_.size(); }
  // Passes everything added, at most kFilesAtOnce; sleeps while the worker has enough. A worker that is gone is no
  // error: it needs no files.
  Result<> send();

 private:
  Fd socket_;
  std::vector<PassedFile> files_;
};

class FileReceiver {
 public:
  explicit FileReceiver(Fd socket) : socket_(std::move(socket)) {}
  // The file of this task, the next in order; blocks until it comes. kInterrupted: the opener is gone. kProtocol: it is
  // another task's.
  Result<PassedFile> take(uint64_t task_id);

 private:
  Result<> receive();

  Fd socket_;
  std::deque<PassedFile> files_;
};

}  // namespace pairloom::shm
