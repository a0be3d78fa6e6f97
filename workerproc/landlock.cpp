#include "workerproc/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>
#include <cstddef>
#include <cstdint>

#include "base/fd.h"

// By bare system calls: glibc has no wrappers, and the headers of Debian 12 know version 2 of the interface only.
namespace pairloom::workerproc {
namespace {

constexpr unsigned kAskForVersion = 1;  // LANDLOCK_CREATE_RULESET_VERSION

// struct landlock_ruleset_attr of version 6; older kernels take a shorter one (include/uapi/linux/landlock.h).
struct Ruleset {
  uint64_t files = 0;  // since version 1
  uint64_t net = 0;    // since version 4
  uint64_t scope = 0;  // since version 6
};

// The rights on files that a version knows: 13 at first, then refer, truncate, and the ioctls of devices.
uint64_t rights_on_files(int version) {
  int count = 13;
  if (version >= 2) count = 14;
  if (version >= 3) count = 15;
  if (version >= 5) count = 16;
  return (uint64_t{1} << count) - 1;
}

}  // namespace

int landlock_abi() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskForVersion);
  return version > 0 ? static_cast<int>(version) : 0;
}

bool forbid_all_files() {
  const int version = landlock_abi();
  if (version == 0) return false;
  Ruleset ruleset;
  size_t size = offsetof(Ruleset, net);
  ruleset.files = rights_on_files(version);
  if (version >= 4) {
    ruleset.net = 3;  // bind and connect TCP sockets
    size = offsetof(Ruleset, scope);
  }
  if (version >= 6) {
    ruleset.scope = 3;  // abstract Unix sockets and signals of others
    size = sizeof ruleset;
  }
  const Fd fd(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &ruleset, size, 0)));
  return fd && ::syscall(SYS_landlock_restrict_self, fd.get(), 0) == 0;
}

}  // namespace pairloom::workerproc
