// A broken invariant of our own code ends the process with a message: going on would write into memory that another
// process trusts. For the peer's misbehaviour there is Errc::kProtocol instead. Runs in: supervisor, worker.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace pairloom::shm {

inline void require(bool holds, const char* what) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "pairloom: broken invariant: %s\n", what);
  std::abort();
}

}  // namespace pairloom::shm
