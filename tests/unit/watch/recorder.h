// Recorder: a Listener that remembers, for tests of watchers. Runs in: tests.
#pragma once

#include <poll.h>

#include <set>
#include <string>

#include "watch/watcher.h"

namespace pairloom::watch {

struct Recorder final : Listener {
  void changed(const std::string& directory, const std::string& name, Ripeness ripeness, bool came) override {
    all.insert(directory + "/" + name);
    if (ripeness == Ripeness::kRipe) ripe.insert(directory + "/" + name);
    if (came) arrived.insert(directory + "/" + name);
  }
  void root_in_doubt() override { ++doubts; }
  void lost_track() override { ++losses; }

  // Reads until nothing more has come for a moment.
  void listen(Watcher& watcher) {
    pollfd ready{watcher.fd(), POLLIN, 0};
    while (::poll(&ready, 1, 100) == 1)
      if (!watcher.read(*this)) return;
  }
  void clear() { *this = Recorder(); }

  std::set<std::string> all, ripe, arrived;
  int doubts = 0, losses = 0;
};

}  // namespace pairloom::watch
