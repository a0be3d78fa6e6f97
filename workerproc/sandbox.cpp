#include "workerproc/sandbox.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "base/sanitized.h"
#include "workerproc/landlock.h"
#include "workerproc/system_calls.h"

namespace pairloom::workerproc {
namespace {

// Lane, sockets, null device, what a job shares, and one batch of files from the opener.
constexpr rlim_t kMaxOpenFiles = 64;

bool set_limit(__rlimit_resource resource, rlim_t value) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0) return false;
  limit.rlim_max = limit.rlim_cur = std::min(value, limit.rlim_max);
  return ::setrlimit(resource, &limit) == 0;
}

// RLIMIT_DATA, not RLIMIT_AS: it counts private memory, which is what a decoder can be made to ask for, and not the
// mapped code file or the lane, each page of which somebody else has. CPU time has no limit here: a worker lives as long
// as the run, and one that makes no progress is killed by the supervisor's deadline.
bool limit_resources(const SandboxLimits& limits) {
  // Sanitizers report to standard error, which may be a file, and map terabytes of address space.
  bool ok = set_limit(RLIMIT_CORE, 0) && (kSanitized || set_limit(RLIMIT_FSIZE, 0)) && set_limit(RLIMIT_NPROC, 0) &&
            set_limit(RLIMIT_NOFILE, kMaxOpenFiles) && set_limit(RLIMIT_MEMLOCK, 0) && set_limit(RLIMIT_MSGQUEUE, 0);
  if (limits.memory_bytes > 0 && !kSanitized) ok = set_limit(RLIMIT_DATA, limits.memory_bytes) && ok;
  return ok;
}

// Terminals understand more than text: what a taken-over decoder prints must not get there.
void silence_standard_error() {
  const int null_fd = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (null_fd < 0) return;
  ::dup2(null_fd, STDERR_FILENO);
  ::close(null_fd);
}

bool no_file_can_be_opened() {
  for (const char* path : {"/", "/proc/self/exe"})
    if (const int fd = ::open(path, O_RDONLY | O_CLOEXEC); fd >= 0 || errno != EACCES) {
      if (fd >= 0) ::close(fd);
      return false;
    }
  return true;
}

}  // namespace

uint32_t enter_sandbox(const SandboxLimits& limits) {
  uint32_t level = 0;
  ::prctl(PR_SET_DUMPABLE, 0);  // no process of this user may look into this one
  if (!kSanitized) silence_standard_error();
  if (limit_resources(limits)) level |= kResourceLimits;
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) level |= kNoNewPrivileges;
  if (forbid_all_files()) level |= kLandlock;
  bool tested = (level & kLandlock) == 0 || no_file_can_be_opened();
  if (!kSanitized && restrict_system_calls(limits.opencv)) level |= kSystemCalls;
  if ((level & kSystemCalls) != 0) tested = tested && system_calls_are_restricted();
  return tested && (level & (kLandlock | kSystemCalls)) != 0 ? level | kSandboxTested : level;
}

void warm_up() {
  // The first exception maps unwind tables; the first large qsort asks for the size of the memory.
  try {
    throw std::runtime_error("");
  } catch (const std::exception&) {
  }
  static unsigned char many[4096];
  std::qsort(many, std::size(many) / 4, 4, [](const void* a, const void* b) { return std::memcmp(a, b, 4); });
  static_cast<void>(std::generic_category().message(ENOENT));
}

namespace {

struct Attempt {
  std::string_view what;
  bool (*succeeds)();  // inside the sandbox
};

// By bare system calls where the C library might do more than that one thing.
constexpr Attempt kAttempts[] = {
    {"opens a file", [] { return ::syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY) >= 0; }},
    {"creates a file",
     [] { return ::syscall(SYS_openat, AT_FDCWD, "/tmp", O_TMPFILE | O_WRONLY, 0600) >= 0; }},
    {"asks about a file",
     [] {
       struct stat st {};
       return ::syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &st, 0) == 0;
     }},
    {"opens a socket", [] { return ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0; }},
    {"forks",
     [] {
       const long child = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
       if (child == 0) ::_exit(0);
       return child > 0;
     }},
    {"starts a program",
     [] {
       const char* arguments[] = {"/bin/true", nullptr};
       return ::syscall(SYS_execve, "/bin/true", arguments, nullptr) == 0;
     }},
    {"traces its parent", [] { return ::syscall(SYS_ptrace, PTRACE_SEIZE, ::getppid(), 0, 0) == 0; }},
    {"signals its parent", [] { return ::syscall(SYS_kill, ::getppid(), 0) == 0; }},
    {"maps executable memory",
     [] {
       return ::syscall(SYS_mmap, nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                        0) != -1;
     }},
};

// What `child` reported by its end.
int wait_for_end(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

constexpr int kSucceeded = 200;  // exit status; others are the errno of a refusal

}  // namespace

uint32_t reachable_sandbox(const SandboxLimits& limits) {
  const pid_t child = ::fork();
  if (child < 0) return 0;
  if (child == 0) ::_exit(static_cast<int>(enter_sandbox(limits)));
  const int status = wait_for_end(child);
  return WIFEXITED(status) ? static_cast<uint32_t>(WEXITSTATUS(status)) : 0;
}

std::vector<Misdeed> try_misdeeds(const SandboxLimits& limits) {
  std::vector<Misdeed> misdeeds;
  for (const Attempt& attempt : kAttempts) {
    const pid_t child = ::fork();
    if (child == 0) {
      enter_sandbox(limits);
      errno = 0;
      ::_exit(attempt.succeeds() ? kSucceeded : errno);
    }
    Misdeed misdeed{attempt.what, false, "not tried: no process for it"};
    if (child > 0) {
      const int status = wait_for_end(child);
      misdeed.prevented = WIFSIGNALED(status) || WEXITSTATUS(status) != kSucceeded;
      misdeed.how = WIFSIGNALED(status)   ? "killed"
                    : misdeed.prevented ? fmt::format("refused: {}", ::strerror(WEXITSTATUS(status)))
                                        : "allowed";
    }
    misdeeds.push_back(std::move(misdeed));
  }
  return misdeeds;
}

}  // namespace pairloom::workerproc
