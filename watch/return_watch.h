// ReturnWatch: tells when a directory that is not there, or not what it should be, may be back. For what is mounted the
// mount table tells; this is for directories that are made, renamed, filled, or become accessible. Runs in: supervisor.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace pairloom::watch {

class ReturnWatch {
 public:
  static Result<ReturnWatch> create();

  // From now on events tell of this absolute path: of its appearing below the deepest directory that is there, and, when
  // it is there, of anything in it. To be called again after each candidates() that named it.
  void wait_for(const std::string& path);
  void forget_all();

  int fd() const { return fd_.get(); }
  // Paths worth another look; they are not waited for any more.
  std::set<std::string> candidates();

 private:
  explicit ReturnWatch(Fd fd) : fd_(std::move(fd)) {}
  struct Wait {
    std::string name;  // whose coming counts; empty = anything
    std::string path;  // what is waited for
  };
  void add(const std::string& directory, Wait wait);
  Fd fd_;
  std::map<int, std::vector<Wait>> waits_;  // by watch
};

}  // namespace pairloom::watch
