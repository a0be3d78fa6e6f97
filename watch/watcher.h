// Watcher: tells what changes in the directories of one root. What it says are hints where to look, never facts: whoever
// hears that a name changed looks at that name now, so that the order of events, and events that come twice, do not
// matter. Runs in: supervisor.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace pairloom::watch {

// How sure it is that nobody goes on writing a file.
enum class Ripeness : uint8_t {
  kRipe,     // closed after writing, renamed into place, or gone: look at once
  kGrowing,  // made, or its attributes changed: look when size and times have been quiet for a while
};

// Who is told. Called from Watcher::read().
class Listener {
 public:
  virtual ~Listener() = default;
  // Something about this name in this directory. `came`: a directory was made or moved here, all below it is unknown.
  virtual void changed(const std::string& directory, const std::string& name, Ripeness ripeness, bool came) = 0;
  // The root itself was moved, deleted or unmounted.
  virtual void root_in_doubt() = 0;
  // Events were lost: only a walk of the whole root can tell what happened.
  virtual void lost_track() = 0;
};

class Watcher {
 public:
  virtual ~Watcher() = default;

  enum class Watching : uint8_t {
    kYes,
    kNoRoom,  // the kernel's limit of watches, or our share of it, is used up
    kCannot,  // not this directory: it is gone, or its file system gives no events
  };
  // To be called before the directory is read, so that nothing is lost between. `device` is its st_dev. A directory that
  // is watched already, under this or another path, is watched under this one from now on.
  virtual Watching watch(const std::string& directory, uint64_t device) = 0;
  virtual bool watches(const std::string& directory) const = 0;
  // The directory and all below are not there any more. What was moved elsewhere is taken up again by watch().
  virtual void forget(const std::string& directory) = 0;
  // Nothing is left to look at: gives up what was forgotten and not taken up again.
  virtual void sweep() = 0;

  virtual int fd() const = 0;  // readable when there are events
  // Reads what there is, a bounded amount. Returns the number of events; kIo: the watcher is of no more use.
  virtual Result<uint64_t> read(Listener& listener) = 0;
  virtual uint64_t count() const = 0;  // directories watched, as far as they are counted one by one
};

}  // namespace pairloom::watch
